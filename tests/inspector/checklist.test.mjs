import assert from "node:assert/strict";
import { test } from "node:test";
import { checklist, tally } from "../../www/inspector/model/checklist.js";
import { conversionsOf } from "../../www/inspector/model/conversions.js";
import { visitsOf } from "../../www/inspector/model/timeline.js";
import {
  diagnostic,
  entry,
  newestFirst,
  NOW,
  serverEntry,
  start,
} from "./entries.mjs";

const check = (entries, pixels) =>
  Object.fromEntries(
    checklist({
      entries: newestFirst(...entries),
      visits: visitsOf(newestFirst(...entries)),
      conversions: conversionsOf(newestFirst(...entries)),
      pixels,
    }).map((item) => [item.id, item]),
  );

const states = (items) =>
  Object.fromEntries(Object.values(items).map(({ id, state }) => [id, state]));

/** A launch at which everything was done right. */
const launch = () => [
  diagnostic({ consent: false, is_first_visit_in_session: true }),
  start({ oppref: "click" }),
  entry({ oppref: "click", event: { id: "A" } }),
  serverEntry({ verdict: "duplicate", event: { id: "A" } }),
];

test("before anything has come, nothing is ticked, and each item says what to do", () => {
  const items = Object.values(check([]));
  assert.equal(tally(items).open, 8);
  for (const { id, todo } of items) assert.ok(todo, id);
});

test("a launch at which all was done right is ticked through", () => {
  assert.deepEqual(states(check(launch())), {
    starts: "yes",
    pixel: "yes",
    consent: "yes",
    click: "yes",
    ids: "yes",
    amounts: "yes",
    fields: "yes",
    refused: "yes",
  });
});

test("a pixel that is on the page twice is a problem", () => {
  const { starts } = check([start(), start()]);
  assert.equal(starts.state, "problem");
  assert.equal(starts.seqs.length, 1);
  assert.equal(check([entry()]).starts.state, "open");
});

test("of several pixel ids, one that is nearly another is a problem, and others are to be looked at", () => {
  const ids = (...pixels) =>
    check(pixels.map((pixel) => entry({ pixel }))).pixel;
  assert.equal(ids("PIXEL-ONE", "PIXEL-ONE").state, "yes");
  assert.equal(ids("PIXEL-ONE", "PIXEL-0NE").state, "problem");
  assert.match(ids("PIXEL-ONE", "pixel-one ").found, /nearly the same/);
  assert.equal(ids("PIXEL-ONE", "CLEARLY-ANOTHER").state, "look");
  assert.equal(ids("A", "B").state, "look");
});

test("with the ids that the collector was started with, a strange one is a problem and two right ones are none", () => {
  const entries = [entry({ pixel: "A" }), entry({ pixel: "B" })];
  assert.equal(check(entries, ["A", "B"]).pixel.state, "yes");
  const { state, found, seqs } = check(entries, ["A"]).pixel;
  assert.equal(state, "problem");
  assert.match(found, /^B is not among/);
  assert.deepEqual(seqs, [entries[1].seq]);
});

test("consent is not ticked merely because events came", () => {
  assert.equal(check([entry()]).consent.state, "open");
  assert.equal(check([diagnostic({ consent: true })]).consent.state, "open");
  const stripped = entry({ stripped: true, obref: undefined });
  assert.equal(check([stripped]).consent.state, "look");
});

test("a click that gets lost on the way is a problem", () => {
  const came = entry({ oppref: "click" });
  const lost = entry({ event: { timestamp_ms: NOW + 1000 } });
  assert.deepEqual(check([came, lost]).click.seqs, [lost.seq]);
  assert.equal(check([came, lost]).click.state, "problem");
  // whoever comes by a click later has lost nothing
  const before = entry({ event: { timestamp_ms: NOW - 1000 } });
  assert.equal(check([before, came]).click.state, "yes");
});

test("one purchase under two ids is a problem, and both are named", () => {
  const { ids } = check([
    entry({ event: { id: "A" } }),
    serverEntry({ event: { id: "B" } }),
  ]);
  assert.equal(ids.state, "problem");
  assert.match(ids.found, /A in the browser, B from the server/);
});

test("refused events are sorted by what is wrong with them", () => {
  const refused = (field, expected) =>
    entry({ verdict: "refused", faults: [{ field, given: "x", expected }] });
  const bad = (...entries) =>
    Object.entries(states(check(entries)))
      .filter(([, state]) => state === "problem")
      .map(([id]) => id);
  assert.deepEqual(bad(refused("data.amount", "a whole number")), ["amounts"]);
  assert.deepEqual(
    bad(refused("data.sku", "left out: there is no such field")),
    ["fields"],
  );
  assert.deepEqual(
    bad(refused("the event's name", "one of page_viewed, order_created")),
    ["fields"],
  );
  assert.deepEqual(bad(refused("options.event_id", "a string")), ["refused"]);
  assert.deepEqual(
    bad(entry({ verdict: "refused", error: "wrong key", event: null })),
    ["refused"],
  );
});

test("calls that the pixel refused on the page are problems too", () => {
  const calls = (reason, code, field) =>
    diagnostic({
      dropped_event_count: 1,
      dropped_event_reason_counts: { [reason]: 1 },
      dropped_event_name_counts: { order_created: 1 },
      dropped_event_details: code && [{ reason, code, field, count: 1 }],
    });
  const amount = calls("invalid_event_props", "invalid_amount", "data.amount");
  assert.equal(check([amount]).amounts.state, "problem");
  assert.match(
    check([amount]).amounts.found,
    /order_created: amount must be an integer/,
  );
  assert.equal(
    check([calls("unsupported_event_name")]).fields.state,
    "problem",
  );
  assert.equal(check([calls("missing_event_props")]).refused.state, "problem");
});
