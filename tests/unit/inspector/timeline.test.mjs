/** @import { EventRecord, Visit } from "../../../www/inspector/model/types.d.ts" */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clickIdsOf,
  consentOf,
  ANONYMOUS,
  SERVER,
  duplicateInits,
  timelineRows,
  groupVisits,
} from "../../../www/inspector/model/timeline.js";
import {
  diagnosticEntry,
  entry,
  newestFirst,
  NOW,
  serverEntry,
  unreadableEntry,
  initEntry,
} from "./fixtures.mjs";

const HOME = "https://shop.example.test/";
const CART = "https://shop.example.test/cart";
/**
 * @param {number} seconds
 * @param {string} source_url
 */
const at = (seconds, source_url) => ({
  event: { timestamp_ms: NOW + seconds * 1000, source_url },
});

/** @param {Visit[]} visits */
const shape = (visits) =>
  visits.map(({ visitor, pages }) => [
    visitor,
    pages.map(({ url, entries }) => [url, ...entries.map(({ seq }) => seq)]),
  ]);

test("a visit has its pages by time, in any order of arrival", () => {
  const begin = initEntry(at(0, HOME));
  const view = entry(at(1, HOME));
  const cart = entry(at(9, CART));
  const diagnostic = diagnosticEntry(
    { config: {} },
    { obref: begin.obref, stripped: false, event: undefined },
  );
  diagnostic.event.timestamp_ms = NOW + 2000;
  const back = entry(at(20, HOME));
  assert.deepEqual(shape(groupVisits([begin, diagnostic, back, cart, view])), [
    [
      begin.obref,
      [
        [HOME, begin.seq, view.seq, diagnostic.seq],
        [CART, cart.seq],
        [HOME, back.seq],
      ],
    ],
  ]);
});

test("a reload is another page, a second start within a second is not", () => {
  const [visit] = groupVisits(
    newestFirst(
      initEntry(at(0, HOME)),
      entry(at(1, HOME)),
      initEntry(at(30, HOME)),
    ),
  );
  assert.equal(visit.pages.length, 2);
  assert.deepEqual(visit.pages.flatMap(duplicateInits), []);

  const again = initEntry(at(0.1, HOME));
  const [twice] = groupVisits(newestFirst(initEntry(at(0, HOME)), again));
  assert.equal(twice.pages.length, 1);
  assert.deepEqual(twice.pages.flatMap(duplicateInits), [again]);

  // two pixels on one page each start once
  const [both] = groupVisits(
    newestFirst(
      initEntry(at(0, HOME)),
      initEntry({ ...at(0, HOME), pixel: "OTHER" }),
    ),
  );
  assert.deepEqual(both.pages.flatMap(duplicateInits), []);
});

test("a row between two sessions says how long the pause was", () => {
  const day = 86_400;
  const visits = groupVisits(
    newestFirst(
      entry(at(0, HOME)),
      entry(at(60, HOME)),
      entry(at(2 * day, HOME)),
    ),
  );
  assert.equal(visits.length, 1);
  assert.deepEqual(
    timelineRows(visits).map(({ kind }) => kind),
    ["visit", "page", "event", "event", "pause", "page", "event"],
  );
  const [pause] = timelineRows(visits).filter((row) => row.kind === "pause");
  assert.equal(pause.ms, (2 * day - 60) * 1000);
  assert.equal(pause.time, NOW + 2 * day * 1000);
});

test("a row says where the click ID changes or is lost", () => {
  /**
   * @param {number} seconds
   * @param {string} [oppref]
   */
  const on = (seconds, oppref) => entry({ oppref, ...at(seconds, HOME) });
  const diagnostic = diagnosticEntry({ consent: true });
  diagnostic.obref = on(0).obref;
  diagnostic.event.timestamp_ms = NOW + 1500;
  const rows = timelineRows(
    groupVisits(
      newestFirst(
        ...[on(1, "one"), diagnostic, on(2, "one"), on(3, "two"), on(4), on(5)],
        on(6, "two"),
      ),
    ),
  );
  assert.deepEqual(
    rows
      .filter((row) => row.kind === "click")
      .map(({ click, before }) => [click, before]),
    [
      ["two", "one"],
      [undefined, "two"],
      ["two", "two"],
    ],
  );
  // each row has a key of its own
  assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length);
});

test("a server event belongs to the visitor with the same event or click ID", () => {
  const browser = entry({ oppref: "click-1", event: { id: "A" } });
  const half = serverEntry({ event: { id: "A" } });
  const byClick = serverEntry({ event: { id: "B", oppref: "click-1" } });
  const strange = serverEntry({ event: { id: "C" } });
  const visits = groupVisits(newestFirst(browser, half, byClick, strange));
  assert.deepEqual(shape(visits), [
    [SERVER, [[strange.event.source_url, strange.seq]]],
    [
      browser.obref,
      [[browser.event.source_url, browser.seq, half.seq, byClick.seq]],
    ],
  ]);
  assert.deepEqual(clickIdsOf(visits[1]), ["click-1"]);
});

test("events without identity and unreadable requests belong to an anonymous visitor", () => {
  const denied = diagnosticEntry({ consent: false });
  const unreadable = unreadableEntry({ obref: undefined });
  const visits = groupVisits(newestFirst(denied, unreadable));
  assert.deepEqual(
    visits.map(({ visitor }) => visitor),
    [ANONYMOUS],
  );
});

test("consent is unknown where an entry does not show it", () => {
  const state = (/** @type {EventRecord} */ one) => consentOf(one).state;
  assert.equal(state(diagnosticEntry({ consent: false })), "denied");
  assert.equal(state(diagnosticEntry({ consent: true })), "granted");
  assert.equal(state(entry()), "granted");
  assert.equal(state(entry({ stripped: true, obref: undefined })), "unknown");
  assert.equal(state(entry({ transport: "image" })), "unknown");
  assert.equal(state(serverEntry()), "unknown");
  assert.equal(state(unreadableEntry()), "unknown");
  // a page's own field of that name does not count
  assert.equal(
    state(entry({ event: { data: { consent: false } } })),
    "granted",
  );
});
