/** The verdict on an event, in words. */
import { isInternal } from "./event.js";
import { textOf } from "./to-text.js";

const verdict = (name, word, meaning) => Object.freeze({ name, word, meaning });

const VERDICTS = new Map(
  [
    verdict(
      "counted",
      "Counted",
      "This is the first event with its pixel, name and id, and it breaks no rule.",
    ),
    verdict(
      "duplicate",
      "Duplicate",
      "An event with the same pixel, name and id arrived before. OpenAI counts the first and drops this one.",
    ),
    verdict(
      "refused",
      "Refused",
      "The event breaks a rule, so OpenAI does not count it.",
    ),
    verdict(
      "internal",
      "Pixel status",
      "Pixel status (not a conversion): the pixel reports its start, the pixel config, consent, or calls that it refused.",
    ),
    verdict(
      "valid",
      "Valid",
      "A test request (validate_only). OpenAI would accept the event, but does not count it, and its id stays free.",
    ),
  ].map((one) => [one.name, one]),
);

const UNKNOWN = verdict(
  "unknown",
  "No verdict",
  "The collector gave no verdict for this event.",
);

/** All verdicts that a collector gives. */
export const VERDICT_LIST = [...VERDICTS.values()];

/** `{name, word, meaning}`; "unknown" where the collector gives none, or one that is not known here. */
export const verdictOf = ({ verdict: name, event }) =>
  VERDICTS.get(name ?? (isInternal(event) ? "internal" : undefined)) ?? UNKNOWN;

/** The faults of a refused event, as far as they came in the form that was agreed. */
export const faultsOf = (entry) => asList(entry.faults);

/**
 * What the sender of an event should know, though it was taken: `{field, use?, message?}`. `use` is today's name of a field of
 * the older Conversions API.
 */
export const warningsOf = (entry) =>
  asList(entry.warnings).map(({ field, use, message }) => ({
    field: textOf(field),
    use: use === undefined ? undefined : textOf(use),
    message: message === undefined ? undefined : textOf(message),
  }));

/** Values that count in another form than the one in which they were sent: `{field, value}`. */
export const normalizedOf = (entry) =>
  asList(entry.normalized).map(({ field, value }) => ({
    field: textOf(field),
    value: textOf(value),
  }));

const asList = (value) =>
  (Array.isArray(value) ? value : []).filter(
    (item) => item !== null && typeof item === "object",
  );

/** A fault as a sentence without its field: `is 25.99; it must be a whole number`. */
export const faultSentence = ({ given, expected }) =>
  [
    given === undefined ? undefined : `is ${given}`,
    expected === undefined ? undefined : `must be ${expected}`,
  ]
    .filter(Boolean)
    .join("; it ") || "is wrong";

/** All that a verdict says, in one line for a row. */
export const verdictLine = (entry) => {
  const { name, word } = verdictOf(entry);
  if (name === "duplicate" && entry.duplicate_of !== undefined)
    return `${word} of #${entry.duplicate_of}`;
  if (name !== "refused") return word;
  const [first, ...others] = faultsOf(entry);
  if (!first) return entry.error ? `${word}: ${entry.error}` : word;
  const more = others.length ? ` (+${others.length})` : "";
  return `${word}: ${first.field} ${faultSentence(first)}${more}`;
};
