/** The verdict on an event, in words. */
/** @import { EventRecord, Violation, Warning, Normalized } from "./types.d.ts" */
import { isInternal } from "./event.js";
import { toText } from "./to-text.js";

/**
 * @typedef {object} Verdict
 * @property {string} name as the collector gives it, or "unknown"
 * @property {string} word
 * @property {string} meaning
 */

/**
 * @param {string} name
 * @param {string} word
 * @param {string} meaning
 * @returns {Readonly<Verdict>}
 */
const verdict = (name, word, meaning) => Object.freeze({ name, word, meaning });

/** All verdicts that a collector gives. */
export const VERDICTS = [
  verdict(
    "counted",
    "Counted",
    "The event is valid, and it is the first with this pixel, name and ID.",
  ),
  verdict(
    "duplicate",
    "Duplicate",
    "An event with the same pixel, name and ID arrived before. OpenAI counts the first one and drops this one.",
  ),
  verdict(
    "refused",
    "Rejected",
    "The event breaks a rule, so OpenAI does not count it.",
  ),
  verdict(
    "internal",
    "Pixel status",
    "Not a conversion: the pixel reports that it started, its config, consent, or calls that it rejected.",
  ),
  verdict(
    "valid",
    "Valid",
    "A test request (validate_only). OpenAI would accept the event but does not count it, and its ID stays unused.",
  ),
];

const UNKNOWN = verdict(
  "unknown",
  "No verdict",
  "The collector gave no verdict for this event.",
);

/**
 * "Unknown" where the collector gives no verdict, or one that the inspector does not know.
 *
 * @param {EventRecord} entry
 */
export const verdictOf = ({ verdict: given, event }) => {
  const wanted = given ?? (isInternal(event) ? "internal" : undefined);
  return VERDICTS.find(({ name }) => name === wanted) ?? UNKNOWN;
};

/**
 * Whether the event was rejected or sent only as a test, so that it is part of no conversion.
 *
 * @param {EventRecord} entry
 */
export const isRejectedOrTest = (entry) =>
  ["refused", "valid"].includes(verdictOf(entry).name);

/** @param {EventRecord} entry */
export const isRejected = (entry) => verdictOf(entry).name === "refused";

/**
 * The rules that a rejected event breaks.
 *
 * @param {EventRecord} entry
 */
export const violationsOf = (entry) => objectsIn(entry.faults);

/**
 * What the sender of an accepted server event should change.
 *
 * @param {EventRecord} entry
 * @returns {Warning[]}
 */
export const warningsOf = (entry) =>
  objectsIn(entry.warnings).map(({ field, use, message }) => ({
    field: toText(field),
    use: use === undefined ? undefined : toText(use),
    message: message === undefined ? undefined : toText(message),
  }));

/**
 * Values that count in another form than the one that was sent.
 *
 * @param {EventRecord} entry
 * @returns {Normalized[]}
 */
export const normalizedOf = (entry) =>
  objectsIn(entry.normalized).map(({ field, value }) => ({
    field: toText(field),
    value: toText(value),
  }));

/**
 * The objects of a list, also where another version of the collector sends something else.
 *
 * @template T
 * @param {T[] | undefined} value
 * @returns {T[]}
 */
const objectsIn = (value) =>
  (Array.isArray(value) ? value : []).filter(
    (item) => item !== null && typeof item === "object",
  );

/**
 * A violation as a sentence without its field: `is 25.99; it must be a whole number`.
 *
 * @param {Violation} violation
 */
export const describeViolation = ({ given, expected }) =>
  [
    given === undefined ? undefined : `is ${given}`,
    expected === undefined ? undefined : `must be ${expected}`,
  ]
    .filter(Boolean)
    .join("; it ") || "is wrong";

/**
 * The verdict and its reason, in one line.
 *
 * @param {EventRecord} entry
 */
export const verdictSummary = (entry) => {
  const { name, word } = verdictOf(entry);
  if (name === "duplicate" && entry.duplicate_of !== undefined)
    return `${word} of #${entry.duplicate_of}`;
  if (name !== "refused") return word;
  const [first, ...others] = violationsOf(entry);
  if (!first) return entry.error ? `${word}: ${entry.error}` : word;
  const more = others.length ? ` (+${others.length})` : "";
  return `${word}: ${first.field} ${describeViolation(first)}${more}`;
};
