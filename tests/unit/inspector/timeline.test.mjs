import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clicksOf,
  consentOf,
  NOBODY,
  SERVER,
  startsTooMany,
  timelineRows,
  visitsOf,
} from "../../../www/inspector/model/timeline.js";
import {
  diagnostic,
  entry,
  newestFirst,
  NOW,
  serverEntry,
  start,
} from "./fixtures.mjs";

const HOME = "https://shop.example.test/";
const CART = "https://shop.example.test/cart";
const at = (seconds, source_url, more) => ({
  event: { timestamp_ms: NOW + seconds * 1000, source_url, ...more },
});

const shape = (visits) =>
  visits.map(({ visitor, pages }) => [
    visitor,
    pages.map(({ url, entries }) => [url, ...entries.map(({ seq }) => seq)]),
  ]);

test("a visit is told page by page, in the order in which things happened, however they arrived", () => {
  const begin = start(at(0, HOME));
  const view = entry(at(1, HOME));
  const cart = entry(at(9, CART));
  const settings = diagnostic(
    { config: {} },
    { obref: begin.obref, stripped: false, event: undefined },
  );
  settings.event.timestamp_ms = NOW + 2000;
  const back = entry(at(20, HOME));
  assert.deepEqual(shape(visitsOf([begin, settings, back, cart, view])), [
    [
      begin.obref,
      [
        [HOME, begin.seq, view.seq, settings.seq],
        [CART, cart.seq],
        [HOME, back.seq],
      ],
    ],
  ]);
});

test("a page that is loaded again is another page; a pixel that starts twice at once is not", () => {
  const [visit] = visitsOf(
    newestFirst(start(at(0, HOME)), entry(at(1, HOME)), start(at(30, HOME))),
  );
  assert.equal(visit.pages.length, 2);
  assert.deepEqual(visit.pages.flatMap(startsTooMany), []);

  const again = start(at(0.1, HOME));
  const [twice] = visitsOf(newestFirst(start(at(0, HOME)), again));
  assert.equal(twice.pages.length, 1);
  assert.deepEqual(twice.pages.flatMap(startsTooMany), [again]);

  // two pixels on one page each start once
  const [both] = visitsOf(
    newestFirst(start(at(0, HOME)), start({ ...at(0, HOME), pixel: "OTHER" })),
  );
  assert.deepEqual(both.pages.flatMap(startsTooMany), []);
});

test("a visitor's sessions are parted by a row that says how much later the next one is", () => {
  const day = 86_400;
  const visits = visitsOf(
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
  const pause = timelineRows(visits).find(({ kind }) => kind === "pause");
  assert.equal(pause.ms, (2 * day - 60) * 1000);
  assert.equal(pause.time, NOW + 2 * day * 1000);
});

test("where a visitor's click changes or is lost, a row says so", () => {
  const on = (seconds, oppref) => entry({ oppref, ...at(seconds, HOME) });
  const settings = diagnostic({ consent: true });
  settings.obref = on(0).obref;
  settings.event.timestamp_ms = NOW + 1500;
  const rows = timelineRows(
    visitsOf(
      newestFirst(
        ...[on(1, "one"), settings, on(2, "one"), on(3, "two"), on(4), on(5)],
        on(6, "two"),
      ),
    ),
  );
  assert.deepEqual(
    rows
      .filter(({ kind }) => kind === "click")
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

test("a server event stands with the visitor whose browser sent its other half, or who came by its click", () => {
  const browser = entry({ oppref: "click-1", event: { id: "A" } });
  const half = serverEntry({ event: { id: "A" } });
  const byClick = serverEntry({ event: { id: "B", oppref: "click-1" } });
  const strange = serverEntry({ event: { id: "C" } });
  const visits = visitsOf(newestFirst(browser, half, byClick, strange));
  assert.deepEqual(shape(visits), [
    [SERVER, [[strange.event.source_url, strange.seq]]],
    [
      browser.obref,
      [[browser.event.source_url, browser.seq, half.seq, byClick.seq]],
    ],
  ]);
  assert.deepEqual(clicksOf(visits[1]), ["click-1"]);
});

test("what says nothing of its visitor stands apart, and unreadable requests are no hindrance", () => {
  const denied = diagnostic({ consent: false });
  const unreadable = entry({ event: null, obref: undefined });
  const visits = visitsOf(newestFirst(denied, unreadable));
  assert.deepEqual(
    visits.map(({ visitor }) => visitor),
    [NOBODY],
  );
});

test("of consent no more is said than can be known", () => {
  const state = (one) => consentOf(one).state;
  assert.equal(state(diagnostic({ consent: false })), "denied");
  assert.equal(state(diagnostic({ consent: true })), "granted");
  assert.equal(state(entry()), "granted");
  assert.equal(state(entry({ stripped: true, obref: undefined })), "unknown");
  assert.equal(state(entry({ transport: "image" })), "unknown");
  assert.equal(state(serverEntry()), "unknown");
  assert.equal(state(entry({ event: null })), "unknown");
  // a page's own field of that name says nothing
  assert.equal(
    state(entry({ event: { data: { consent: false } } })),
    "granted",
  );
});
