import assert from "node:assert/strict";
import { test } from "node:test";
import { checklist, tally } from "../../../www/inspector/model/checklist.js";
import { conversionsOf } from "../../../www/inspector/model/conversions.js";
import { visitsOf } from "../../../www/inspector/model/timeline.js";
import {
  diagnostic,
  entry,
  newestFirst,
  NOW,
  serverEntry,
  start,
} from "./fixtures.mjs";

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
  assert.equal(tally(items).open, 12);
  for (const { id, todo } of items) assert.ok(todo, id);
});

test("a launch at which all was done right is ticked through", () => {
  assert.deepEqual(states(check(launch(), ["PIXEL-ONE"])), {
    starts: "yes",
    pixel: "yes",
    consent: "yes",
    click: "yes",
    "own-ids": "yes",
    ids: "yes",
    twice: "yes",
    amounts: "yes",
    fields: "yes",
    refused: "yes",
    personal: "yes",
    warnings: "yes",
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
  assert.equal(ids("PIXEL-ONE", "PIXEL-0NE").state, "problem");
  assert.match(ids("PIXEL-ONE", "pixel-one ").found, /nearly the same/);
  assert.equal(ids("PIXEL-ONE", "CLEARLY-ANOTHER").state, "look");
  assert.equal(ids("A", "B").state, "look");
});

test("one pixel ID alone is not known to be the right one", () => {
  const { state, found, todo } = check([entry(), entry()]).pixel;
  assert.equal(state, "look");
  assert.equal(found, "One pixel ID in use: PIXEL-ONE (2 events).");
  assert.match(todo, /^Check it in Ads Manager/);
});

test("two snippets on one page are a problem, also where only the page view comes twice", () => {
  const view = (ms, over) =>
    entry({
      ...over,
      event: {
        type: "page_viewed",
        timestamp_ms: NOW + ms,
        data: { type: "contents" },
      },
    });
  const { starts, twice } = check([start(), view(1), view(300)]);
  assert.equal(starts.state, "problem");
  assert.match(starts.found, /^1 page sent page_viewed twice within a second/);
  assert.equal(starts.seqs.length, 1);
  assert.equal(twice.state, "open");
  // another page view a while later is another visit to the page
  assert.equal(check([start(), view(1), view(5000)]).starts.state, "yes");
});

test("another event with the same data within a second is pointed out", () => {
  const { twice } = check([
    entry(),
    entry({ event: { timestamp_ms: NOW + 1 } }),
  ]);
  assert.equal(twice.state, "look");
  assert.match(twice.found, /order_created #\d+ after #\d+\. Both count/);
});

test("orders with generated ids are to be looked at, and a problem once they have come again", () => {
  const order = (id, ms = 0, over = {}) =>
    entry({ ...over, event: { id, timestamp_ms: NOW + ms } });
  const [one, other] = [
    "1b4e28ba-2fa1-4d1e-883f-0016d3cca427",
    "6fa459ea-ee8a-4ca4-894e-db77e160355e",
  ];
  const item = (...entries) => check(entries)["own-ids"];
  assert.equal(item(order("A-1")).state, "yes");
  assert.equal(item(order(one)).state, "look");
  assert.match(item(order(one)).found, /^1 of 1 event has a random UUID as id/);
  const again = item(order(one), order(other, 60_000));
  assert.equal(again.state, "problem");
  assert.match(again.found, /order_created #\d+ repeats #\d+/);
  // a server that sends the same UUID has it from the site
  assert.equal(
    item(order(one), serverEntry({ event: { id: one } })).state,
    "yes",
  );
});

test("personal data in fields that are not hashed is a problem, by field", () => {
  const { personal } = check([
    entry({ event: { id: "jane@example.com" } }),
    entry({ event: { source_url: "https://shop.test/jane%40example.com" } }),
    entry(),
  ]);
  assert.equal(personal.state, "problem");
  assert.equal(personal.seqs.length, 2);
  assert.match(personal.found, /event_id holds an e-mail address \(1 event\)/);
  assert.match(personal.found, /path of the page's address holds an e-mail/);
  assert.match(personal.todo, /redactPath/);
  // what may be the name of an article is for a person to judge
  assert.equal(
    check([entry({ event: { id: "Jane Doe" } })]).personal.state,
    "look",
  );
});

test("older field names of the Conversions API are named with today's", () => {
  const { warnings } = check([
    serverEntry({
      warnings: [{ field: "user.email_sha256", use: "user.emails_sha256" }],
    }),
  ]);
  assert.equal(warnings.state, "look");
  assert.match(
    warnings.found,
    /user\.email_sha256 \(now user\.emails_sha256\)/,
  );
  assert.equal(check([serverEntry()]).warnings.state, "yes");
});

test("one event carries, several carry", () => {
  const { found } = check([entry({ oppref: "c" })]).click;
  assert.equal(found, "1 of 1 event carries a click ID.");
  const two = check([entry({ oppref: "c" }), entry({ oppref: "c" })]).click;
  assert.equal(two.found, "2 of 2 events carry a click ID.");
});

test("with the ids that the collector was started with, a strange one is a problem and two right ones are none", () => {
  const entries = [entry({ pixel: "A" }), entry({ pixel: "B" })];
  assert.equal(check(entries, ["A", "B"]).pixel.state, "yes");
  const { state, found, seqs } = check(entries, ["A"]).pixel;
  assert.equal(state, "problem");
  assert.match(found, /^B is not one of the pixel IDs/);
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
  const ids = (over) =>
    check([
      entry({ oppref: "click", event: { id: "A" } }),
      serverEntry({ event: { id: "B", ...over } }),
    ]).ids;
  assert.equal(ids({ oppref: "click" }).state, "problem");
  assert.match(ids({}).found, /A in the browser, B from the server/);
  // the same amount alone may be chance
  assert.equal(ids({}).state, "look");
  assert.equal(ids({ oppref: "another" }).state, "open");
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
    /1 call of order_created was refused: amount must be an integer/,
  );
  assert.equal(
    check([calls("unsupported_event_name")]).fields.state,
    "problem",
  );
  assert.equal(check([calls("missing_event_props")]).refused.state, "problem");
});
