/** @import { CheckResult, EventRecord } from "../../../www/inspector/model/types.d.ts" */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  countByState,
  runChecks,
} from "../../../www/inspector/model/checks/index.js";
import { groupConversions } from "../../../www/inspector/model/conversions.js";
import { groupVisits } from "../../../www/inspector/model/timeline.js";
import {
  diagnosticEntry,
  entry,
  initEntry,
  newestFirst,
  NOW,
  serverEntry,
  unreadableEntry,
} from "./fixtures.mjs";

/**
 * The results by check.
 *
 * @param {EventRecord[]} entries oldest first
 * @param {string[]} [pixels]
 * @returns {Record<string, CheckResult>}
 */
const check = (entries, pixels) =>
  Object.fromEntries(
    runChecks({
      entries: newestFirst(...entries),
      visits: groupVisits(newestFirst(...entries)),
      conversions: groupConversions(newestFirst(...entries)),
      pixels,
    }).map((result) => [result.id, result]),
  );

/** @param {Record<string, CheckResult>} results */
const statesOf = (results) =>
  Object.fromEntries(
    Object.values(results).map(({ id, state }) => [id, state]),
  );

/** The events of a launch without any mistake. */
const launch = () => [
  diagnosticEntry({ consent: false, is_first_visit_in_session: true }),
  initEntry({ oppref: "click" }),
  entry({ oppref: "click", event: { id: "A" } }),
  serverEntry({ verdict: "duplicate", event: { id: "A" } }),
];

test("each check is pending and says what to do before an event arrives", () => {
  const results = Object.values(check([]));
  assert.equal(countByState(results).pending, 12);
  for (const { id, todo } of results) assert.ok(todo, id);
});

test("each check passes for a launch without mistakes", () => {
  assert.deepEqual(statesOf(check(launch(), ["PIXEL-ONE"])), {
    starts: "pass",
    pixel: "pass",
    consent: "pass",
    click: "pass",
    "own-ids": "pass",
    ids: "pass",
    twice: "pass",
    amounts: "pass",
    fields: "pass",
    "other-rejections": "pass",
    personal: "pass",
    warnings: "pass",
  });
});

test("two starts of a pixel on a page fail", () => {
  const { starts } = check([initEntry(), initEntry()]);
  assert.equal(starts.state, "fail");
  assert.equal(starts.seqs?.length, 1);
  assert.equal(check([entry()]).starts.state, "pending");
});

test("pixel IDs that are nearly the same fail, others need a review", () => {
  /** @param {...string} pixels */
  const ids = (...pixels) =>
    check(pixels.map((pixel) => entry({ pixel }))).pixel;
  assert.equal(ids("PIXEL-ONE", "PIXEL-0NE").state, "fail");
  assert.match(ids("PIXEL-ONE", "pixel-one ").found, /nearly the same/);
  assert.equal(ids("PIXEL-ONE", "CLEARLY-ANOTHER").state, "review");
  assert.equal(ids("A", "B").state, "review");
});

test("a single pixel ID needs a review", () => {
  const { state, found, todo } = check([entry(), entry()]).pixel;
  assert.equal(state, "review");
  assert.equal(found, "One pixel ID: PIXEL-ONE (2 events).");
  assert.match(todo ?? "", /^Compare it with the ID in Ads Manager/);
});

test("a page view sent twice within a second fails the check of the start", () => {
  /** @param {number} ms */
  const view = (ms) =>
    entry({
      event: {
        type: "page_viewed",
        timestamp_ms: NOW + ms,
        data: { type: "contents" },
      },
    });
  const { starts, twice } = check([initEntry(), view(1), view(300)]);
  assert.equal(starts.state, "fail");
  assert.match(starts.found, /^1 page sent page_viewed twice within a second/);
  assert.equal(starts.seqs?.length, 1);
  assert.equal(twice.state, "pending");
  // a page view a while later is another visit to the page
  assert.equal(check([initEntry(), view(1), view(5000)]).starts.state, "pass");
});

test("scripts that a page with debug has reported are named", () => {
  const report = (/** @type {unknown} */ duplicate_calls) =>
    diagnosticEntry({ duplicate_calls });
  const twice = {
    call: "page_viewed",
    callers: ["https://shop.test/theme.js", "https://app.test/pixel.js"],
  };
  const { starts } = check([
    initEntry(),
    report([twice]),
    report([twice, { call: "init", callers: ["an inline script (line 3)"] }]),
  ]);
  assert.equal(starts.state, "fail");
  assert.equal(
    starts.found,
    "page_viewed was measured twice on a page, by https://shop.test/theme.js and by https://app.test/pixel.js; init was called twice for the same pixel, by an inline script (line 3).",
  );
  assert.match(starts.todo ?? "", /^Keep the calls in one of these scripts/);
  assert.equal(starts.seqs?.length, 2);
});

test("a report of scripts in another form is not shown", () => {
  for (const duplicate_calls of [
    null,
    "x",
    [null],
    [{}],
    [{ call: "toString", callers: [] }],
    [{ call: "init", callers: "x" }],
  ])
    assert.equal(
      check([initEntry(), diagnosticEntry({ duplicate_calls })]).starts.state,
      "pass",
    );
});

test("another event sent twice within a second needs a review", () => {
  const { twice } = check([
    entry(),
    entry({ event: { timestamp_ms: NOW + 1 } }),
  ]);
  assert.equal(twice.state, "review");
  assert.match(twice.found, /order_created #\d+ after #\d+\. Both count/);
});

test("an order with a generated ID needs a review, and fails once it is repeated", () => {
  const order = (/** @type {string} */ id, ms = 0) =>
    entry({ event: { id, timestamp_ms: NOW + ms } });
  const [one, other] = [
    "1b4e28ba-2fa1-4d1e-883f-0016d3cca427",
    "6fa459ea-ee8a-4ca4-894e-db77e160355e",
  ];
  /** @param {...EventRecord} entries */
  const result = (...entries) => check(entries)["own-ids"];
  assert.equal(result(order("A-1")).state, "pass");
  assert.equal(result(order(one)).state, "review");
  assert.match(
    result(order(one)).found,
    /^1 of 1 event has a random UUID as ID/,
  );
  const again = result(order(one), order(other, 60_000));
  assert.equal(again.state, "fail");
  assert.match(again.found, /order_created #\d+ repeats #\d+/);
  // a UUID that the server sends too is the site's own
  assert.equal(
    result(order(one), serverEntry({ event: { id: one } })).state,
    "pass",
  );
});

test("personal data in unhashed fields fails and names each field", () => {
  const { personal } = check([
    entry({ event: { id: "jane@example.com" } }),
    entry({ event: { source_url: "https://shop.test/jane%40example.com" } }),
    entry(),
  ]);
  assert.equal(personal.state, "fail");
  assert.equal(personal.seqs?.length, 2);
  assert.match(personal.found, /event_id holds an e-mail address \(1 event\)/);
  assert.match(personal.found, /path of the page's URL holds an e-mail/);
  assert.match(personal.todo ?? "", /redactPath/);
});

test("what may be a name needs a review", () => {
  assert.equal(
    check([entry({ event: { id: "Jane Doe" } })]).personal.state,
    "review",
  );
});

test("older field names of the Conversions API need a review and show the current ones", () => {
  const { warnings } = check([
    serverEntry({
      warnings: [{ field: "user.email_sha256", use: "user.emails_sha256" }],
    }),
  ]);
  assert.equal(warnings.state, "review");
  assert.match(
    warnings.found,
    /user\.email_sha256 \(now user\.emails_sha256\)/,
  );
  assert.equal(check([serverEntry()]).warnings.state, "pass");
});

test("the check of click IDs agrees in number", () => {
  const { found } = check([entry({ oppref: "c" })]).click;
  assert.equal(found, "1 of 1 event has a click ID.");
  const two = check([entry({ oppref: "c" }), entry({ oppref: "c" })]).click;
  assert.equal(two.found, "2 of 2 events have a click ID.");
});

test("a pixel ID that the collector was not started with fails", () => {
  const entries = [entry({ pixel: "A" }), entry({ pixel: "B" })];
  assert.equal(check(entries, ["A", "B"]).pixel.state, "pass");
  const { state, found, seqs } = check(entries, ["A"]).pixel;
  assert.equal(state, "fail");
  assert.match(found, /^B is not one of the pixel IDs/);
  assert.deepEqual(seqs, [entries[1].seq]);
});

test("consent does not pass merely because events arrive", () => {
  assert.equal(check([entry()]).consent.state, "pending");
  assert.equal(
    check([diagnosticEntry({ consent: true })]).consent.state,
    "pending",
  );
  const anonymous = entry({ stripped: true, obref: undefined });
  assert.equal(check([anonymous]).consent.state, "review");
});

test("a click ID that a browser loses fails", () => {
  const came = entry({ oppref: "click" });
  const lost = entry({ event: { timestamp_ms: NOW + 1000 } });
  assert.deepEqual(check([came, lost]).click.seqs, [lost.seq]);
  assert.equal(check([came, lost]).click.state, "fail");
  // a browser that gets its click ID later has lost none
  const before = entry({ event: { timestamp_ms: NOW - 1000 } });
  assert.equal(check([before, came]).click.state, "pass");
});

test("one purchase with two IDs fails and shows both IDs", () => {
  /** @param {{ oppref?: string }} event */
  const ids = (event) =>
    check([
      entry({ oppref: "click", event: { id: "A" } }),
      serverEntry({ event: { id: "B", ...event } }),
    ]).ids;
  assert.equal(ids({ oppref: "click" }).state, "fail");
  assert.match(ids({}).found, /A in the browser, B from the server/);
  // the same amount alone may be a coincidence
  assert.equal(ids({}).state, "review");
  assert.equal(ids({ oppref: "another" }).state, "pending");
});

test("a rejected event fails the check that its violation is about", () => {
  /**
   * @param {string} code
   * @param {string} field
   */
  const rejected = (code, field) =>
    entry({
      verdict: "refused",
      faults: [{ code, field, given: "x", expected: "y" }],
    });
  /** @param {EventRecord} one */
  const failed = (one) =>
    Object.entries(statesOf(check([one])))
      .filter(([, state]) => state === "fail")
      .map(([id]) => id);
  for (const [code, field, expected] of [
    ["amount_not_integer", "data.amount", "amounts"],
    ["missing_currency", "data.contents[1].currency", "amounts"],
    ["unknown_field", "data.sku", "fields"],
    ["unknown_field", "data.amount", "fields"],
    ["unknown_event_name", "type", "fields"],
    ["not_string", "event_id", "other-rejections"],
    ["wrong_shape", "data.type", "other-rejections"],
  ])
    assert.deepEqual(failed(rejected(code, field)), [expected], code);
  assert.deepEqual(
    failed(unreadableEntry({ verdict: "refused", error: "wrong key" })),
    ["other-rejections"],
  );
});

test("a call that the pixel rejected fails the check that it is about", () => {
  /**
   * @param {string} reason
   * @param {string} [code]
   * @param {string} [field]
   */
  const calls = (reason, code, field) =>
    diagnosticEntry({
      dropped_event_count: 1,
      dropped_event_reason_counts: { [reason]: 1 },
      dropped_event_name_counts: { order_created: 1 },
      dropped_event_details: code && [{ reason, code, field, count: 1 }],
    });
  const amount = calls("invalid_event_props", "invalid_amount", "data.amount");
  assert.equal(check([amount]).amounts.state, "fail");
  assert.match(
    check([amount]).amounts.found,
    /1 call of order_created was rejected: data\.amount must be a whole number/,
  );
  assert.equal(check([calls("unsupported_event_name")]).fields.state, "fail");
  assert.equal(
    check([calls("missing_event_props")])["other-rejections"].state,
    "fail",
  );
});
