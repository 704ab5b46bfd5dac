/** @import { EventRecord } from "../../../www/inspector/model/types.d.ts" */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { groupConversions } from "../../../www/inspector/model/conversions.js";
import {
  analyzeEvents,
  remarksOf,
} from "../../../www/inspector/model/remarks.js";
import {
  lacksOwnId,
  findRepeats,
} from "../../../www/inspector/model/repeats.js";
import {
  entry,
  newestFirst,
  NOW,
  serverEntry,
  unreadableEntry,
} from "./fixtures.mjs";

/**
 * An event with a generated ID, `ms` after the first.
 *
 * @param {number} ms
 * @param {Parameters<typeof entry>[0]} [fields]
 */
const at = (ms, { event, ...fields } = {}) =>
  entry({
    ...fields,
    event: { id: randomUUID(), timestamp_ms: NOW + ms, ...event },
  });

/**
 * Pairs of an event and the one that it repeats, by `seq`.
 *
 * @param {"doubleFires" | "reloads"} which
 * @param {...EventRecord} entries
 */
const repeated = (which, ...entries) =>
  [...findRepeats(newestFirst(...entries))[which]].map(([one, other]) => [
    one.seq,
    other.seq,
  ]);

test("an event repeated within a second on one page is found, in any order of its fields", () => {
  const first = at(0, { event: { data: { type: "contents", amount: 1 } } });
  const second = at(900, { event: { data: { amount: 1, type: "contents" } } });
  assert.deepEqual(repeated("doubleFires", first, second), [
    [second.seq, first.seq],
  ]);
  // in any order of arrival
  assert.deepEqual(repeated("doubleFires", second, first), [
    [second.seq, first.seq],
  ]);
});

test("an event that differs in time, page, data, name, pixel or browser is no repetition", () => {
  /** @param {Parameters<typeof entry>[0]} fields */
  const none = (fields) =>
    assert.deepEqual(repeated("doubleFires", at(0), at(10, fields)), []);
  none({ event: { timestamp_ms: NOW + 1001 } });
  none({ event: { source_url: "https://shop.example.test/other" } });
  none({ event: { data: { type: "contents" } } });
  none({ event: { type: "checkout_started" } });
  none({ pixel: "OTHER" });
  none({ obref: "22222222-2222-4222-8222-222222222222" });
  none({ verdict: "refused" });
  // without a browser ID only events of one request are of one browser
  const [one, other] = [
    at(0, { obref: undefined }),
    at(1, { obref: undefined }),
  ];
  assert.deepEqual(repeated("doubleFires", one, other), []);
  other.batch = one.batch;
  assert.equal(repeated("doubleFires", one, { ...other }).length, 1);

  const same = entry({ event: { id: "A" } });
  assert.deepEqual(
    repeated("doubleFires", same, entry({ event: { id: "A" } })),
    [],
  );
  assert.deepEqual(repeated("doubleFires", at(0), serverEntry({})), []);
});

test("only browser orders with a generated ID lack an own ID", () => {
  assert.equal(lacksOwnId(at(0)), true);
  assert.equal(lacksOwnId(at(0, { event: { type: "lead_created" } })), true);
  assert.equal(lacksOwnId(entry({ event: { id: "order-1" } })), false);
  // a page view needs no own ID
  assert.equal(lacksOwnId(at(0, { event: { type: "page_viewed" } })), false);
  assert.equal(lacksOwnId(serverEntry({ event: { id: randomUUID() } })), false);
  assert.equal(lacksOwnId(unreadableEntry()), false);
});

test("an order repeated with another generated ID is a reload", () => {
  const [first, again] = [at(0), at(60_000)];
  assert.deepEqual(repeated("reloads", first, again), [[again.seq, first.seq]]);
  assert.deepEqual(
    repeated("reloads", first, at(60_000, { event: { id: "order-2" } })),
    [],
  );
  assert.deepEqual(repeated("reloads", first, at(24 * 3_600_000)), []);
});

test("remarks say what is wrong besides the verdict and link to the repeated event", () => {
  const [order, again] = [at(0), at(60_000)];
  const view = at(0, { event: { type: "page_viewed" } });
  const twice = at(200, { event: { type: "page_viewed" } });
  const known = entry({ event: { id: randomUUID(), type: "trial_started" } });
  const half = serverEntry({ event: { ...known.event } });
  const old = serverEntry({
    warnings: [
      { field: "user.email_sha256", use: "user.emails_sha256" },
      { field: "user", message: "It has no identifier." },
    ],
    normalized: [{ field: "data.currency", value: "EUR" }],
    event: { id: "s" },
  });
  const all = newestFirst(order, again, view, twice, known, half, old);
  const analysis = analyzeEvents(all, groupConversions(all));
  const remarks = (/** @type {EventRecord} */ one) =>
    remarksOf(one, analysis).map(({ id, short, seq }) => [id, short, seq]);
  assert.deepEqual(remarks(order), [["own-id", "generated ID", undefined]]);
  assert.deepEqual(remarks(again), [["reloaded", "counted again", order.seq]]);
  assert.deepEqual(remarks(view), []);
  assert.deepEqual(remarks(twice), [["twice", "measured twice", view.seq]]);
  // a UUID that the server sends too is the site's own
  assert.deepEqual(remarks(known), []);
  assert.deepEqual(remarks(old), [
    ["warnings", "older field names", undefined],
    ["normalized", undefined, undefined],
  ]);
  assert.equal(
    remarksOf(old, analysis)[0].words,
    "user.email_sha256: an older name; send user.emails_sha256 instead. user: It has no identifier.",
  );
});
