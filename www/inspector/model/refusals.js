import { textOf } from "./text.js";

/**
 * Refused calls, from the counts of one diagnostic. The counts are merged: reasons, names and phases are counted side by
 * side, so that which name belongs to which reason has to be worked out, and sometimes cannot be.
 */

/** What was wrong, by `code field`; it ends the sentence "order_created was refused: …". */
const FAULTS = new Map([
  ["unknown_event_type type", "no event has this name"],
  ["missing_required_field data", "it came without data"],
  ["missing_required_field data.type", "the type of its data is missing"],
  ["invalid_field_type data", "data must be an object"],
  ["invalid_field_type data.type", "the type of its data must be a string"],
  [
    "invalid_field_type data.currency",
    "currency must be a string of three letters",
  ],
  ["invalid_field_type data.contents", "contents must be a list"],
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
  ["invalid_amount data.amount", "amount must be an integer in minor units"],
  [
    "invalid_amount data.contents[].amount",
    "an item's amount must be an integer in minor units",
  ],
  ["missing_currency data.currency", "amount needs a currency"],
  [
    "missing_currency data.contents[].currency",
    "an item's amount needs a currency, its own or the event's",
  ],
  [
    "invalid_custom_event_name custom_event_name",
    "the name must be 1 to 64 letters, digits, _ or -, begin and end with a letter or digit, and not be a standard event's",
  ],
  [
    "custom_event_name_required custom_event_name",
    "a custom event needs a custom_event_name",
  ],
]);

/** Faults without a code are known by their reason alone. */
const REASONS = new Map([
  ["unsupported_event_name", "its name is empty or no string"],
  ["missing_event_props", "it came without data"],
  [
    "invalid_event_props",
    "its data has a field that does not belong there, an empty string, a malformed currency or item, or another event's type",
  ],
  [
    "invalid_event_options",
    "its options have an unknown field, an empty event_id, or a custom_event_name on a standard event",
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
    refusals.push({ count: unexplained, words: "no reason was given" });
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
