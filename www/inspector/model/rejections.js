import { textOf } from "./to-text.js";

/**
 * Refused calls, from the counts of one diagnostic. The counts are merged: reasons, names and phases are counted side by
 * side, so that which name belongs to which reason has to be worked out, and sometimes cannot be.
 */

/** What was wrong, by `code field`; it ends the sentence "1 call of order_created was refused: …". */
const FAULTS = new Map([
  ["unknown_event_type type", "no event has that name"],
  ["missing_required_field data", "data is missing"],
  ["missing_required_field data.type", "data.type is missing"],
  ["invalid_field_type data", "data must be an object"],
  ["invalid_field_type data.type", "data.type must be a string"],
  [
    "invalid_field_type data.currency",
    "currency must be a string of three letters",
  ],
  ["invalid_field_type data.contents", "contents must be an array"],
  [
    "invalid_field_type data.contents[].content_type",
    "an item's content_type must be a string",
  ],
  [
    "invalid_field_type data.contents[].quantity",
    "an item's quantity must be an integer",
  ],
  [
    "invalid_field_type data.contents[].currency",
    "an item's currency must be a string of three letters",
  ],
  [
    "invalid_field_type custom_event_name",
    "custom_event_name must be a string",
  ],
  ["invalid_field_type opt_out", "opt_out must be true or false"],
  [
    "invalid_amount data.amount",
    "amount must be an integer in the currency's smallest unit: 2599 for 25.99",
  ],
  [
    "invalid_amount data.contents[].amount",
    "an item's amount must be an integer in the currency's smallest unit: 2599 for 25.99",
  ],
  ["missing_currency data.currency", "amount is there without currency"],
  [
    "missing_currency data.contents[].currency",
    "an item has an amount without a currency, and so has the event",
  ],
  [
    "invalid_custom_event_name custom_event_name",
    "custom_event_name must be 1 to 64 letters, digits, _ or -, begin and end with a letter or digit, and not be the name of a standard event",
  ],
  [
    "custom_event_name_required custom_event_name",
    "custom_event_name is missing",
  ],
]);

/** Faults without a code are known by their reason alone. */
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

/** The protocol allows no more details; a list that does not keep to it is not let fill the page. */
const MOST_DETAILS = 64;

/**
 * One entry for each kind of fault: `{count, reason, code?, field?, name?, words}`. `name` is the event's, where the counts
 * leave only one possible.
 */
export function explainRefusals(data) {
  const refusals = countByFault(data);
  const names = new Map(counts(data.dropped_event_name_counts));

  // These faults exist for one name only: they claim it, which may leave a single name for all others.
  for (const refusal of refusals) {
    const name = onlyNameFor(refusal);
    if (!names.has(name)) continue;
    refusal.name = name;
    names.set(name, names.get(name) - refusal.count);
  }
  const left = [...names].filter(([, count]) => count > 0);
  if (left.length === 1) {
    for (const refusal of refusals) refusal.name ??= left[0][0];
  }
  return refusals;
}

function countByFault(data) {
  const uncoded = new Map(counts(data.dropped_event_reason_counts));
  const refusals = [];
  for (const detail of details(data)) {
    const { reason, code, field } = detail;
    const count = positive(detail.count);
    uncoded.set(reason, (uncoded.get(reason) ?? 0) - count);
    const words = FAULTS.get(`${code} ${field}`) ?? code;
    refusals.push({ count, reason, code, field, words });
  }
  for (const [reason, count] of uncoded) {
    const words = REASONS.get(reason) ?? reason;
    if (count > 0) refusals.push({ count, reason, words });
  }
  const explained = refusals.reduce((sum, { count }) => sum + count, 0);
  const unexplained = refusedCount(data) - explained;
  if (unexplained > 0) {
    refusals.push({
      count: unexplained,
      words: "the diagnostic gives no reason",
    });
  }
  return refusals;
}

function details(data) {
  if (!Array.isArray(data.dropped_event_details)) return [];
  return data.dropped_event_details
    .slice(0, MOST_DETAILS)
    .filter((detail) => positive(detail?.count) > 0)
    .map(({ reason, code, field, count }) => ({
      reason: textOf(reason),
      code: textOf(code),
      field: textOf(field),
      count,
    }));
}

function onlyNameFor({ reason, code }) {
  if (reason === "unsupported_event_name") return "unknown";
  if (code === "invalid_custom_event_name") return "custom";
  if (code === "custom_event_name_required") return "custom";
  return undefined;
}

/** How many calls one diagnostic says were refused. */
export function refusedCount(data) {
  return positive(data?.dropped_event_count);
}

/** "order_created ×4, custom ×1" */
export function refusedNames(data) {
  return counts(data.dropped_event_name_counts)
    .map(([name, count]) => `${name} ×${count}`)
    .join(", ");
}

/** "after init", or with counts where both happened: "(2 before init, 1 after init)". */
export function refusedPhases(data) {
  const phases = counts(data.dropped_event_phase_counts).map(
    ([phase, count]) => [phase.replaceAll("_", " "), count],
  );
  if (phases.length === 1) return phases[0][0];
  if (phases.length === 0) return "";
  return `(${phases.map(([phase, count]) => `${count} ${phase}`).join(", ")})`;
}

function counts(object) {
  return Object.entries(object ?? {})
    .slice(0, MOST_DETAILS)
    .filter(([, count]) => positive(count) > 0);
}

function positive(count) {
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}

/** What a diagnostic holds of a refused call, and what it does not. */
export const DIAGNOSTICS_CARRY =
  "Diagnostics carry how many calls were refused, the name of the event if it is a known one, a reason and the field. They carry neither the value nor the name that was not known.";

/**
 * One refusal as a sentence without its end: "1 call of order_created was refused: …". Of an unknown name it can only be said
 * that there was one.
 */
export function refusalSentence({ count, name, reason, words }) {
  if (name === "unknown" || (name === undefined && reason === UNKNOWN_NAME))
    return count === 1
      ? "An event with an unknown name was not measured; add ?oaiq_debug=1 to see which"
      : `${count.toLocaleString()} events with an unknown name were not measured; add ?oaiq_debug=1 to see which`;
  const calls = count === 1 ? "1 call" : `${count.toLocaleString()} calls`;
  const of = name === undefined ? "" : ` of ${name}`;
  return `${calls}${of} ${count === 1 ? "was" : "were"} refused: ${words}`;
}

const UNKNOWN_NAME = "unsupported_event_name";
