/** What became of an event, in words. */
import { isInternal } from "./event.js";

const verdict = (name, word, meaning) => Object.freeze({ name, word, meaning });

const VERDICTS = new Map(
  [
    verdict(
      "counted",
      "Counted",
      "The first event of this pixel, name and id, and it keeps every rule.",
    ),
    verdict(
      "duplicate",
      "Duplicate",
      "An event of the same pixel, name and id came before. OpenAI keeps the first and drops this one.",
    ),
    verdict(
      "refused",
      "Refused",
      "It breaks a rule, so OpenAI does not count it.",
    ),
    verdict(
      "internal",
      "Internal",
      "The pixel says how it is doing. Never a conversion.",
    ),
    verdict(
      "valid",
      "Valid",
      "A trial (validate_only): it would have been accepted. It is not counted and does not take the id.",
    ),
  ].map((one) => [one.name, one]),
);

const UNKNOWN = verdict(
  "unknown",
  "No verdict",
  "The collector did not say what becomes of it.",
);

/** All verdicts that a collector gives. */
export const VERDICT_LIST = [...VERDICTS.values()];

/** `{name, word, meaning}`; "unknown" where the collector gives none, or one that is not known here. */
export const verdictOf = ({ verdict: name, event }) =>
  VERDICTS.get(name ?? (isInternal(event) ? "internal" : undefined)) ?? UNKNOWN;

/** The faults of a refused event, as far as they came in the form that was agreed. */
export const faultsOf = (entry) =>
  (Array.isArray(entry.faults) ? entry.faults : []).filter(
    (fault) => fault !== null && typeof fault === "object",
  );

/** A fault as a sentence without its field: `is 25.99; it must be a whole number`. */
export const faultSentence = ({ given, expected }) =>
  [
    given === undefined ? undefined : `is ${given}`,
    expected === undefined ? undefined : `must be ${expected}`,
  ]
    .filter(Boolean)
    .join("; it ") || "is at fault";

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
