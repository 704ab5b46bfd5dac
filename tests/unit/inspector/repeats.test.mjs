import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { conversionsOf } from "../../../www/inspector/model/conversions.js";
import { insightOf, remarksOf } from "../../../www/inspector/model/remarks.js";
import { lacksOwnId, repeatsOf } from "../../../www/inspector/model/repeats.js";
import { entry, newestFirst, NOW, serverEntry } from "./fixtures.mjs";

/** An event that the pixel gave an id, some milliseconds after the first. */
const at = (ms, { event, ...over } = {}) =>
  entry({
    ...over,
    event: { id: randomUUID(), timestamp_ms: NOW + ms, ...event },
  });

const repeated = (which, ...entries) =>
  [...repeatsOf(newestFirst(...entries))[which]].map(([one, other]) => [
    one.seq,
    other.seq,
  ]);

test("the same event with the same data twice within a second on one page is found, whatever the order of its fields", () => {
  const first = at(0, { event: { data: { type: "contents", amount: 1 } } });
  const second = at(900, { event: { data: { amount: 1, type: "contents" } } });
  assert.deepEqual(repeated("twice", first, second), [[second.seq, first.seq]]);
  // however they arrive
  assert.deepEqual(repeated("twice", second, first), [[second.seq, first.seq]]);
});

test("what differs in time, page, data, name, pixel or browser is no repetition, and the same id counts once anyway", () => {
  const none = (over) =>
    assert.deepEqual(repeated("twice", at(0), at(10, over)), []);
  none({ event: { timestamp_ms: NOW + 1001 } });
  none({ event: { source_url: "https://shop.example.test/other" } });
  none({ event: { data: { type: "contents" } } });
  none({ event: { type: "checkout_started" } });
  none({ pixel: "OTHER" });
  none({ obref: "22222222-2222-4222-8222-222222222222" });
  none({ verdict: "refused" });
  // without a browser ID only one request is one browser
  const [one, other] = [
    at(0, { obref: undefined }),
    at(1, { obref: undefined }),
  ];
  assert.deepEqual(repeated("twice", one, other), []);
  other.batch = one.batch;
  assert.equal(repeated("twice", one, { ...other }).length, 1);

  const same = entry({ event: { id: "A" } });
  assert.deepEqual(repeated("twice", same, entry({ event: { id: "A" } })), []);
  assert.deepEqual(repeated("twice", at(0), serverEntry({})), []);
});

test("an order whose id the pixel has generated cannot be told from its repetition", () => {
  assert.equal(lacksOwnId(at(0)), true);
  assert.equal(lacksOwnId(at(0, { event: { type: "lead_created" } })), true);
  assert.equal(lacksOwnId(entry({ event: { id: "order-1" } })), false);
  // of a page view nobody expects an id
  assert.equal(lacksOwnId(at(0, { event: { type: "page_viewed" } })), false);
  assert.equal(lacksOwnId(serverEntry({ event: { id: randomUUID() } })), false);
  assert.equal(lacksOwnId(entry({ event: null })), false);
});

test("an order that comes again with another generated id is a reload; with an id of the site's own it is another order", () => {
  const [first, again] = [at(0), at(60_000)];
  assert.deepEqual(repeated("reloaded", first, again), [
    [again.seq, first.seq],
  ]);
  assert.deepEqual(
    repeated("reloaded", first, at(60_000, { event: { id: "order-2" } })),
    [],
  );
  assert.deepEqual(repeated("reloaded", first, at(24 * 3_600_000)), []);
});

test("an event's remarks say what is wrong besides its verdict, and link to the event that it repeats", () => {
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
  const insight = insightOf(all, conversionsOf(all));
  const remarks = (one) =>
    remarksOf(one, insight).map(({ id, short, seq }) => [id, short, seq]);
  assert.deepEqual(remarks(order), [["own-id", "generated id", undefined]]);
  assert.deepEqual(remarks(again), [["reloaded", "counted again", order.seq]]);
  assert.deepEqual(remarks(view), []);
  assert.deepEqual(remarks(twice), [["twice", "measured twice", view.seq]]);
  // a server that sends the same UUID has it from the site
  assert.deepEqual(remarks(known), []);
  assert.deepEqual(remarks(old), [
    ["warnings", "older field names", undefined],
    ["normalized", undefined, undefined],
  ]);
  assert.equal(
    remarksOf(old, insight)[0].words,
    "user.email_sha256: an older name; send user.emails_sha256. user: It has no identifier.",
  );
});
