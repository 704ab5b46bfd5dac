/** @import { EventRecord, Filter } from "../../../www/inspector/model/types.d.ts" */
/** @import { RecordFields } from "./fixtures.mjs" */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createFilter,
  EMPTY_FILTER,
} from "../../../www/inspector/model/filter.js";
import {
  violationsOf,
  verdictSummary,
  verdictOf,
} from "../../../www/inspector/model/verdict.js";
import {
  toPrettyJson,
  escapeInvisible,
} from "../../../www/inspector/model/escape-invisible.js";
import { diagnosticEntry, entry, unreadableEntry } from "./fixtures.mjs";

const VIOLATION = {
  field: "data.amount",
  given: "25.99",
  expected: "a whole number in the currency's minor unit",
};

test("the summary of a rejected event has the field, what was sent and what is expected", () => {
  /** @param {RecordFields} fields */
  const line = (fields) => verdictSummary(entry(fields));
  assert.equal(line({}), "Counted");
  assert.equal(
    line({ verdict: "duplicate", duplicate_of: 7 }),
    "Duplicate of #7",
  );
  assert.equal(line({ verdict: "valid" }), "Valid");
  assert.equal(
    line({ verdict: "refused", faults: [VIOLATION, VIOLATION] }),
    "Rejected: data.amount is 25.99; it must be a whole number in the currency's minor unit (+1)",
  );
  assert.equal(
    verdictSummary(
      unreadableEntry({ verdict: "refused", error: "the key is wrong" }),
    ),
    "Rejected: the key is wrong",
  );
});

test("an unknown verdict or none is shown as no verdict", () => {
  /** @param {Record<string, unknown>} fields as another version of the collector may send them */
  const other = (fields) =>
    /** @type {EventRecord} */ ({ ...entry(), ...fields });
  assert.equal(verdictOf(other({ verdict: undefined })).name, "unknown");
  assert.equal(verdictOf(other({ verdict: "constructor" })).name, "unknown");
  assert.equal(
    verdictOf(diagnosticEntry({}, { verdict: undefined })).name,
    "internal",
  );
  assert.deepEqual(violationsOf(other({ faults: "none" })), []);
  assert.deepEqual(violationsOf(other({ faults: [null, VIOLATION] })), [
    VIOLATION,
  ]);
});

test("a search finds what is shown and any value, and filters combine", () => {
  const order = entry({
    event: {
      data: { amount: 2599, currency: "USD", contents: [{ id: "MUG" }] },
    },
  });
  const start = diagnosticEntry({});
  const rejections = diagnosticEntry({ dropped_event_count: 2 });
  /**
   * @param {Partial<Filter>} filter
   * @param {...EventRecord} entries
   */
  const finds = (filter, ...entries) =>
    entries.map(createFilter({ ...EMPTY_FILTER, ...filter }));
  assert.deepEqual(finds({ text: "25.99 mug" }, order, start), [true, false]);
  assert.deepEqual(finds({ text: `#${order.seq}` }, order), [true]);
  assert.deepEqual(finds({ text: "contents" }, order), [false]);
  // each rejected call is a missing conversion
  assert.deepEqual(finds({ internal: false }, order, start, rejections), [
    true,
    false,
    true,
  ]);
  assert.deepEqual(finds({ verdict: "counted" }, order, start), [true, false]);
  assert.deepEqual(finds({ transport: "server" }, order), [false]);
  assert.deepEqual(
    finds({ pixel: "PIXEL-ONE", name: "order_created" }, order),
    [true],
  );
  assert.deepEqual(finds({ text: "x" }, unreadableEntry()), [true]);
});

test("a search finds an amount in any notation and a time as shown", () => {
  const when = new Date(2026, 10, 25, 9, 5, 7, 89).getTime();
  /**
   * @param {number} amount
   * @param {string} currency
   * @param {object} [more]
   */
  const priced = (amount, currency, more) =>
    entry({
      event: { timestamp_ms: when, data: { amount, currency, ...more } },
    });
  /**
   * @param {EventRecord} one
   * @param {string} text
   */
  const finds = (one, text) => createFilter({ ...EMPTY_FILTER, text })(one);
  const euros = priced(1498, "EUR");
  for (const text of [
    "14.98",
    "14,98",
    "14,98 €",
    "€14.98",
    "14,98€",
    "EUR 14,98",
  ])
    assert.ok(finds(euros, text), text);
  assert.ok(!finds(euros, "14,99"));
  const many = priced(123_456_789, "EUR");
  for (const text of ["1234567.89", "1.234.567,89", "1,234,567.89"])
    assert.ok(finds(many, text), text);
  assert.ok(finds(priced(1500, "JPY"), "1.500"));
  assert.ok(finds(priced(25_990, "KWD"), "25,990"));
  // an item's amount, in the event's currency
  assert.ok(finds(priced(1, "EUR", { contents: [{ amount: 1298 }] }), "12,98"));
  for (const text of ["09:05", "09:05:07.089", "25 09:05:07", "2026"])
    assert.ok(finds(euros, text), text);
  assert.ok(!finds(euros, "09:06"));
});

test("events from before the start of a test are left out", () => {
  const [before, after] = [entry(), entry()];
  const passes = createFilter({ ...EMPTY_FILTER, since: before.seq });
  assert.deepEqual([before, after].map(passes), [false, true]);
});

test("a very deeply nested event is searched and shown", () => {
  const deep = JSON.parse(`${"[".repeat(100_000)}1${"]".repeat(100_000)}`);
  const found = entry({ event: { data: { deep, name: "needle" } } });
  assert.equal(createFilter({ ...EMPTY_FILTER, text: "needle" })(found), true);
  assert.match(toPrettyJson(deep), /too deeply/);
});

test("invisible and reordering characters are escaped, words and emoji stay", () => {
  assert.equal(
    escapeInvisible("exe\u202egpj.invoice"),
    "exe\\u{202e}gpj.invoice",
  );
  assert.equal(
    escapeInvisible("a\u0000b\nc\u200bd\ufeff"),
    "a\\u{0}b\\u{a}c\\u{200b}d\\u{feff}",
  );
  assert.equal(escapeInvisible("\ud800"), "\\u{d800}");
  for (const text of ["Größe", "👩‍👧", "می‌خواهم", "עברית"])
    assert.equal(escapeInvisible(text), text);
});

test("a long text is cut and says how much is left", () => {
  assert.equal(
    escapeInvisible("x".repeat(3000), 10),
    `xxxxxxxxxx… (2,990 more)`,
  );
});
