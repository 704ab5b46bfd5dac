// The inspector's model with events that have any JSON value anywhere.
/** @import { EventRecord } from "../../../www/inspector/model/types.d.ts" */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runChecks } from "../../../www/inspector/model/checks/index.js";
import {
  groupConversions,
  describeConversion,
} from "../../../www/inspector/model/conversions.js";
import { isSendable, toCurl } from "../../../www/inspector/model/curl.js";
import { summarizeDiagnostic } from "../../../www/inspector/model/diagnostic-summary.js";
import { dataOf, displayName } from "../../../www/inspector/model/event.js";
import {
  filterOptions,
  createFilter,
  EMPTY_FILTER,
} from "../../../www/inspector/model/filter.js";
import { formatTime, pathOf } from "../../../www/inspector/model/format.js";
import { formatMoney } from "../../../www/inspector/model/money.js";
import {
  explainRejections,
  describeRejection,
} from "../../../www/inspector/model/rejections.js";
import {
  analyzeEvents,
  remarksOf,
} from "../../../www/inspector/model/remarks.js";
import {
  consentOf,
  timelineRows,
  groupVisits,
} from "../../../www/inspector/model/timeline.js";
import { verdictSummary } from "../../../www/inspector/model/verdict.js";
import { escapeInvisible } from "../../../www/inspector/model/escape-invisible.js";
import { entry } from "./fixtures.mjs";

const deep = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);

const VALUES = [
  ...[undefined, null, true, 0, -1, 1.5, 1e308, "", "text", [], {}, [null]],
  ...JSON.parse(
    `[{"toString":1,"valueOf":1},{"__proto__":{"a":1}},{"length":-1},{"constructor":null},[[]],"\\u202e","\\ud800"]`,
  ),
  deep,
];

/**
 * Pseudorandom numbers below 1, the same each time (mulberry32).
 *
 * @param {number} seed
 */
const createRandom = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

test("no event stops the inspector from showing the others", () => {
  const random = createRandom(20261125);
  const any = () => VALUES[Math.floor(random() * VALUES.length)];
  /** @param {...unknown} usual */
  const one = (...usual) =>
    random() < 0.5 ? usual[Math.floor(random() * usual.length)] : any();
  /** @param {...string} fields */
  const names = (...fields) =>
    Object.fromEntries(fields.map((field) => [field, any()]));
  const strange = () =>
    /** @type {EventRecord} */ ({
      ...entry({
        verdict: one("counted", "refused", "duplicate", "valid"),
        // the collector sets it
        transport: random() < 0.5 ? "fetch" : "server",
        obref: one("b-1", "b-2"),
        oppref: one("c-1"),
        user: one({ in: names("em", "co", "zz", "fn", "ph", "ct") }),
        faults: one([{ field: "data.amount", given: "x", expected: "y" }]),
        warnings: one([names("field", "use", "message"), any()]),
        normalized: one([names("field", "value"), any()]),
        referer: one("https://a.test/c"),
      }),
      event: one({
        ...names("referrer_url", "opt_out", "user"),
        type: one("order_created", "oai::diagnostic", "openai::sdk_init"),
        id: one("A", "B"),
        custom_event_name: one(undefined),
        timestamp_ms: one(1, 2, 3),
        source_url: one("https://a.test/", "https://a.test/b"),
        data: one({
          ...names("type", "plan_id", "contents", "config", "consent"),
          amount: one(2599),
          currency: one("USD", "usd"),
          dropped_event_count: one(1, 5),
          dropped_event_reason_counts: one({ a: 1, b: any() }),
          dropped_event_name_counts: one({ a: 1, b: any() }),
          dropped_event_phase_counts: one({ a: 1, b: any() }),
          dropped_event_details: one([
            { ...names("reason", "code", "field"), count: 1 },
            any(),
          ]),
        }),
      }),
    });
  const entries = Array.from({ length: 800 }, strange).reverse();

  const conversions = groupConversions(entries);
  const visits = groupVisits(entries);
  conversions.forEach(describeConversion);
  const inVisits = visits.flatMap(({ pages }) =>
    pages.flatMap((page) => page.entries),
  );
  assert.equal(inVisits.length, entries.length);
  assert.equal(runChecks({ entries, visits, conversions }).length, 12);
  assert.ok(timelineRows(visits).length >= entries.length);
  const analysis = analyzeEvents(entries, conversions);
  filterOptions(entries);
  const passes = createFilter({
    ...EMPTY_FILTER,
    text: "order",
    internal: false,
  });
  for (const sent of entries) {
    passes(sent);
    const { event } = sent;
    const data = dataOf(event);
    const texts = [
      displayName(event),
      verdictSummary(sent),
      consentOf(sent).words,
      formatMoney(data.amount, data.currency),
      formatTime(event?.timestamp_ms),
      pathOf(event?.source_url),
      escapeInvisible(event?.id),
      ...summarizeDiagnostic(data).map(({ words }) => words),
      ...explainRejections(data).map(describeRejection),
      ...remarksOf(sent, analysis).map(({ words }) => words),
    ];
    for (const text of texts) assert.equal(typeof text, "string");
    if (!isSendable(sent)) continue;
    assert.match(toCurl(sent, "http://localhost"), /^curl '/);
  }
});
