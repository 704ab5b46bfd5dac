/** What is to be said of one event besides its verdict. */
import { formatSpan, listed } from "./format.js";
import { personalData } from "./personal.js";
import { refusalPages } from "./rejection-page.js";
import { lacksOwnId, repeatsOf } from "./repeats.js";
import { normalizedOf, warningsOf } from "./verdict.js";
import { timeOf } from "./event.js";

/**
 * What can only be known from all entries: `{twice, reloaded}` as in {@link repeatsOf}, the `pages` of refused calls, and
 * the `confirmed` browser entries, whose id a server has sent too.
 */
export const insightOf = (newestFirst, conversions) => ({
  ...repeatsOf(newestFirst),
  pages: refusalPages(newestFirst),
  confirmed: new Set(
    conversions
      .filter(({ server }) => server.length > 0)
      .flatMap(({ browser }) => browser),
  ),
});

export const NO_INSIGHT = insightOf([], []);

/** `[{id, short?, words, seq?}]`: `short` is for a row, and `words` may go on with a link to the event `seq`. */
export const remarksOf = (entry, { twice, reloaded, confirmed }) => {
  const remarks = [];
  const before = twice.get(entry);
  const original = reloaded.get(entry);
  if (before)
    remarks.push({
      id: "twice",
      short: "measured twice",
      words: `The same event with the same data was measured on this page ${formatSpan(timeOf(entry) - timeOf(before))} earlier. The ids differ, so both count. If one action caused both, the snippet or the call is there twice. The other event is`,
      seq: before.seq,
    });
  if (original)
    remarks.push({
      id: "reloaded",
      short: "counted again",
      words: `It has the data, page and browser of an event ${formatSpan(timeOf(entry) - timeOf(original))} earlier, as after a reload, and counts again: the call has no event_id, so each id is a new one. Pass the order number as event_id. The earlier event is`,
      seq: original.seq,
    });
  else if (lacksOwnId(entry) && !confirmed.has(entry))
    remarks.push({
      id: "own-id",
      short: "generated id",
      words:
        "The id is a random UUID, as the pixel generates where a call has no event_id. If this page is loaded again, the event counts again. Pass the order number as event_id.",
    });
  const findings = personalData(entry);
  if (findings.length > 0)
    remarks.push({
      id: "personal",
      short: "personal data",
      words: `${listed(findings.map(({ field, kind }) => `${field} holds ${kind}`))}. ${findings.length === 1 ? "It is" : "They are"} sent as given, not hashed. Take ${findings.length === 1 ? "it" : "them"} out.`,
    });
  const warnings = warningsOf(entry);
  if (warnings.length > 0)
    remarks.push({
      id: "warnings",
      short: warnings.some(({ use }) => use !== undefined)
        ? "older field names"
        : "warning",
      words: warnings
        .slice(0, MOST_WARNINGS)
        .map(
          ({ field, use, message }) =>
            `${field}: ${message ?? (use ? `an older name; send ${use}.` : "see the collector's documentation.")}`,
        )
        .join(" "),
    });
  const normalized = normalizedOf(entry);
  if (normalized.length > 0)
    remarks.push({
      id: "normalized",
      words: `OpenAI counts ${listed(
        normalized
          .slice(0, MOST_WARNINGS)
          .map(({ field, value }) => `${field} as ${value}`),
      )}.`,
    });
  return remarks;
};

const MOST_WARNINGS = 10;
