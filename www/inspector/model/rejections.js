/** Rejected calls, from the counts of one diagnostic. */
/** @import { Rejection, SentEvent } from "./types.d.ts" */
import { asObject, dataOf, isDiagnostic } from "./event.js";
import { plural } from "./format.js";
import { DIAGNOSED_VIOLATIONS } from "./schema.gen.js";
import { toText } from "./to-text.js";

/** What was wrong, by reason, for rejections without a code. */
const REASONS = new Map([
  ["unsupported_event_name", "the event's name is empty or not a string"],
  ["missing_event_props", "data is missing"],
  [
    "invalid_event_props",
    "data has an unknown field, an empty string, a malformed currency or item, or the type of another event",
  ],
  [
    "invalid_event_options",
    "the options have an unknown field, an empty event_id, or a custom_event_name on a standard event",
  ],
]);

const UNKNOWN_NAME = "unsupported_event_name";

/** The protocol allows no more; a page that sends more must not fill the screen. */
const MAX_DETAILS = 64;

/**
 * One entry per kind of rejection. A diagnostic counts reasons, names and phases separately, so which name belongs to
 * which reason has to be inferred, and is not always known.
 *
 * @param {Record<string, unknown>} data the diagnostic's data
 * @returns {Rejection[]}
 */
export function explainRejections(data) {
  const rejections = groupByViolation(data);
  const names = new Map(countsIn(data.dropped_event_name_counts));

  // Some violations are possible for one name only. Assigning these first may leave a single name for all others.
  for (const rejection of rejections) {
    const name = onlyNameFor(rejection);
    const count = name === undefined ? undefined : names.get(name);
    if (name === undefined || count === undefined) continue;
    rejection.name = name;
    names.set(name, count - rejection.count);
  }
  const left = [...names].filter(([, count]) => count > 0);
  if (left.length === 1)
    for (const rejection of rejections) rejection.name ??= left[0][0];
  return rejections;
}

/**
 * @param {Record<string, unknown>} data
 * @returns {Rejection[]}
 */
function groupByViolation(data) {
  const withoutCode = new Map(countsIn(data.dropped_event_reason_counts));
  /** @type {Rejection[]} */
  const rejections = [];
  for (const { reason, code, field, count } of detailsIn(data)) {
    withoutCode.set(reason, (withoutCode.get(reason) ?? 0) - count);
    const words = DIAGNOSED_VIOLATIONS.get(`${code} ${field}`) ?? code;
    rejections.push({ count, reason, code, field, words });
  }
  for (const [reason, count] of withoutCode) {
    const words = REASONS.get(reason) ?? reason;
    if (count > 0) rejections.push({ count, reason, words });
  }
  const explained = rejections.reduce((sum, { count }) => sum + count, 0);
  const unexplained = rejectedCount(data) - explained;
  if (unexplained > 0)
    rejections.push({
      count: unexplained,
      words: "the diagnostic gives no reason",
    });
  return rejections;
}

/** @param {Record<string, unknown>} data */
function detailsIn(data) {
  if (!Array.isArray(data.dropped_event_details)) return [];
  return data.dropped_event_details
    .slice(0, MAX_DETAILS)
    .map(asObject)
    .map(({ reason, code, field, count }) => ({
      reason: toText(reason),
      code: toText(code),
      field: toText(field),
      count: asCount(count),
    }))
    .filter(({ count }) => count > 0);
}

/** @param {Rejection} rejection */
function onlyNameFor({ reason, code }) {
  if (reason === UNKNOWN_NAME) return "unknown";
  if (code === "invalid_custom_event_name") return "custom";
  if (code === "custom_event_name_required") return "custom";
  return undefined;
}

/**
 * How many rejected calls a diagnostic reports.
 *
 * @param {Record<string, unknown>} data the diagnostic's data
 */
export function rejectedCount(data) {
  return asCount(data.dropped_event_count);
}

/**
 * Whether an event is a diagnostic that reports rejected calls.
 *
 * @param {SentEvent | null | undefined} event
 */
export function reportsRejections(event) {
  return isDiagnostic(event) && rejectedCount(dataOf(event)) > 0;
}

/**
 * "order_created ×4, custom ×1"
 *
 * @param {Record<string, unknown>} data the diagnostic's data
 */
export function rejectedNames(data) {
  return countsIn(data.dropped_event_name_counts)
    .map(([name, count]) => `${name} ×${count}`)
    .join(", ");
}

/**
 * "after init", or with counts where there are both: "(2 before init, 1 after init)".
 *
 * @param {Record<string, unknown>} data the diagnostic's data
 */
export function rejectedPhases(data) {
  const phases = countsIn(data.dropped_event_phase_counts).map(
    ([phase, count]) => ({ phase: phase.replaceAll("_", " "), count }),
  );
  if (phases.length === 1) return phases[0].phase;
  if (phases.length === 0) return "";
  return `(${phases.map(({ phase, count }) => `${count} ${phase}`).join(", ")})`;
}

/**
 * The positive counts of an object, by their names.
 *
 * @param {unknown} object
 * @returns {[string, number][]}
 */
function countsIn(object) {
  return Object.entries(object ?? {})
    .slice(0, MAX_DETAILS)
    .map(
      ([name, count]) =>
        /** @type {[string, number]} */ ([name, asCount(count)]),
    )
    .filter(([, count]) => count > 0);
}

/** @param {unknown} count */
function asCount(count) {
  return typeof count === "number" && Number.isSafeInteger(count) && count > 0
    ? count
    : 0;
}

/** What a diagnostic says about a rejected call, and what it does not. */
export const DIAGNOSTICS_CONTENT =
  "A diagnostic reports how many calls were rejected, the event's name if it is a known one, the reason and the field. It has neither the value nor an unknown name.";

/**
 * A sentence without its full stop: "1 call of order_created was rejected: …".
 *
 * @param {Rejection} rejection
 */
export function describeRejection({ count, name, reason, words }) {
  const calls = plural(count, "call");
  if (name === "unknown" || (name === undefined && reason === UNKNOWN_NAME))
    return `${calls} with an unknown event name ${count === 1 ? "was" : "were"} rejected. Add ?oaiq_debug=1 to the page's URL to see the name`;
  const of = name === undefined ? "" : ` of ${name}`;
  return `${calls}${of} ${count === 1 ? "was" : "were"} rejected: ${words}`;
}
