/** What to say about an event besides its verdict. */
/** @import { Analysis, Conversion, EventRecord, Remark } from "./types.d.ts" */
import { confirmedByServer } from "./conversions.js";
import { timeOf } from "./event.js";
import { formatDuration, joinWords } from "./format.js";
import { findPersonalData } from "./personal.js";
import { rejectionPages } from "./rejection-page.js";
import { findRepeats, lacksOwnId } from "./repeats.js";
import { normalizedOf, warningsOf } from "./verdict.js";

/**
 * @param {EventRecord[]} newestFirst
 * @param {Conversion[]} conversions
 * @returns {Analysis}
 */
export const analyzeEvents = (newestFirst, conversions) => ({
  ...findRepeats(newestFirst),
  pages: rejectionPages(newestFirst),
  confirmed: confirmedByServer(conversions),
});

export const EMPTY_ANALYSIS = analyzeEvents([], []);

/**
 * @param {EventRecord} entry
 * @param {Analysis} analysis
 */
export const remarksOf = (entry, { doubleFires, reloads, confirmed }) => {
  /** @type {Remark[]} */
  const remarks = [];
  const before = doubleFires.get(entry);
  const original = reloads.get(entry);
  if (before)
    remarks.push({
      id: "twice",
      short: "measured twice",
      words: `The same event with the same data was measured on this page ${formatDuration(timeOf(entry) - timeOf(before))} earlier. The IDs differ, so both count. If one action caused both, the snippet or the call is on the page twice. The other event is`,
      seq: before.seq,
    });
  if (original)
    remarks.push({
      id: "reloaded",
      short: "counted again",
      words: `The same browser sent the same data from the same page ${formatDuration(timeOf(entry) - timeOf(original))} earlier, so the page was probably reloaded. This event counts again, because the call has no event_id and the pixel generates a new ID each time. Pass the order number as event_id. The earlier event is`,
      seq: original.seq,
    });
  else if (lacksOwnId(entry) && !confirmed.has(entry))
    remarks.push({
      id: "own-id",
      short: "generated ID",
      words:
        "The ID is a random UUID, as the pixel generates for a call without event_id. If the visitor reloads this page, the event counts again. Pass the order number as event_id.",
    });
  const findings = findPersonalData(entry);
  if (findings.length > 0)
    remarks.push({
      id: "personal",
      short: "personal data",
      words: `${joinWords(findings.map(({ field, kind }) => `${field} holds ${kind}`))}. These fields are not hashed. Remove the personal data from them.`,
    });
  const warnings = warningsOf(entry);
  if (warnings.length > 0)
    remarks.push({
      id: "warnings",
      short: warnings.some(({ use }) => use !== undefined)
        ? "older field names"
        : "warning",
      words: warnings
        .slice(0, MAX_LISTED)
        .map(
          ({ field, use, message }) =>
            `${field}: ${message ?? (use ? `an older name; send ${use} instead.` : "see the collector's documentation.")}`,
        )
        .join(" "),
    });
  const normalized = normalizedOf(entry);
  if (normalized.length > 0)
    remarks.push({
      id: "normalized",
      words: `OpenAI counts ${joinWords(
        normalized
          .slice(0, MAX_LISTED)
          .map(({ field, value }) => `${field} as ${value}`),
      )}.`,
    });
  return remarks;
};

const MAX_LISTED = 10;
