import assert from "node:assert/strict";
import { test } from "node:test";
import { entryFilter, NO_FILTER } from "../../../www/inspector/model/filter.js";
import {
  faultsOf,
  verdictLine,
  verdictOf,
} from "../../../www/inspector/model/verdict.js";
import {
  asJson,
  visible,
} from "../../../www/inspector/model/escape-invisible.js";
import { diagnostic, entry } from "./fixtures.mjs";

const FAULT = {
  field: "data.amount",
  given: "25.99",
  expected: "a whole number in the currency's minor unit",
};

test("each verdict is a word, and a refused event says field, what was given and what is expected", () => {
  const line = (over) => verdictLine(entry(over));
  assert.equal(line({}), "Counted");
  assert.equal(
    line({ verdict: "duplicate", duplicate_of: 7 }),
    "Duplicate of #7",
  );
  assert.equal(line({ verdict: "valid" }), "Valid");
  assert.equal(
    line({ verdict: "refused", faults: [FAULT, FAULT] }),
    "Refused: data.amount is 25.99; it must be a whole number in the currency's minor unit (+1)",
  );
  assert.equal(
    line({ verdict: "refused", error: "the key is wrong", event: null }),
    "Refused: the key is wrong",
  );
});

test("an event of a collector that gives no verdict, or a strange one, is not said to be counted", () => {
  assert.equal(verdictOf(entry({ verdict: undefined })).name, "unknown");
  assert.equal(verdictOf(entry({ verdict: "constructor" })).name, "unknown");
  assert.equal(
    verdictOf(diagnostic({}, { verdict: undefined })).name,
    "internal",
  );
  assert.deepEqual(faultsOf(entry({ faults: "none" })), []);
  assert.deepEqual(faultsOf(entry({ faults: [null, FAULT] })), [FAULT]);
});

test("a search finds events by what is shown and by any value in them, and filters narrow it down", () => {
  const order = entry({
    event: {
      data: { amount: 2599, currency: "USD", contents: [{ id: "MUG" }] },
    },
  });
  const start = diagnostic({});
  const refused = diagnostic({ dropped_event_count: 2 });
  const finds = (filter, ...entries) =>
    entries.map(entryFilter({ ...NO_FILTER, ...filter }));
  assert.deepEqual(finds({ text: "25.99 mug" }, order, start), [true, false]);
  assert.deepEqual(finds({ text: `#${order.seq}` }, order), [true]);
  assert.deepEqual(finds({ text: "contents" }, order), [false]);
  // refused calls are conversions that went missing
  assert.deepEqual(finds({ internal: false }, order, start, refused), [
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
  assert.deepEqual(finds({ text: "x" }, entry({ event: null })), [true]);
});

test("an amount is found however it is written, and a time as it is shown", () => {
  const when = new Date(2026, 10, 25, 9, 5, 7, 89).getTime();
  const priced = (amount, currency, more) =>
    entry({
      event: { timestamp_ms: when, data: { amount, currency, ...more } },
    });
  const finds = (one, text) => entryFilter({ ...NO_FILTER, text })(one);
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

test("what came before the start of a test is left out", () => {
  const [before, after] = [entry(), entry()];
  const passes = entryFilter({ ...NO_FILTER, since: before.seq });
  assert.deepEqual([before, after].map(passes), [false, true]);
});

test("an event nested more deeply than a program can follow is searched and shown all the same", () => {
  const deep = JSON.parse(`${"[".repeat(100_000)}1${"]".repeat(100_000)}`);
  const found = entry({ event: { data: { deep, name: "needle" } } });
  assert.equal(entryFilter({ ...NO_FILTER, text: "needle" })(found), true);
  assert.match(asJson(deep), /too deeply/);
});

test("characters that hide or reorder text are shown as what they are; words and emoji stay", () => {
  assert.equal(visible("exe\u202egpj.invoice"), "exe\\u{202e}gpj.invoice");
  assert.equal(
    visible("a\u0000b\nc\u200bd\ufeff"),
    "a\\u{0}b\\u{a}c\\u{200b}d\\u{feff}",
  );
  assert.equal(visible("\ud800"), "\\u{d800}");
  for (const text of ["Größe", "👩‍👧", "می‌خواهم", "עברית"])
    assert.equal(visible(text), text);
});

test("a very long text is cut, and says how much is left", () => {
  assert.equal(visible("x".repeat(3000), 10), `xxxxxxxxxx… (2,990 more)`);
});
