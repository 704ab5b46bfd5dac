/** What must be right before a launch, checked from the events that have arrived. One check per file. */
/** @import { Check, CheckInput, CheckResult, CheckState, Repeats } from "../types.d.ts" */
import { findRepeats } from "../repeats.js";
import { checkAmounts } from "./amounts.js";
import { checkClickId } from "./click-id.js";
import { checkConsent } from "./consent.js";
import { checkDoubleEvents } from "./double-events.js";
import { checkKnownFields } from "./known-fields.js";
import { checkMatchingIds } from "./matching-ids.js";
import { checkOtherRejections } from "./other-rejections.js";
import { checkOwnEventIds } from "./own-event-ids.js";
import { checkPersonalData } from "./personal-data.js";
import { checkPixelId } from "./pixel-id.js";
import { checkPixelStart } from "./pixel-start.js";
import { checkWarnings } from "./warnings.js";

/** @type {Check[]} in the order in which they are shown */
const CHECKS = [
  checkPixelStart,
  checkPixelId,
  checkConsent,
  checkClickId,
  checkOwnEventIds,
  checkMatchingIds,
  checkDoubleEvents,
  checkAmounts,
  checkKnownFields,
  checkOtherRejections,
  checkPersonalData,
  checkWarnings,
];

/**
 * @param {Omit<CheckInput, "repeats" | "pixels"> & { repeats?: Repeats, pixels?: string[] }} input
 * @returns {CheckResult[]}
 */
export const runChecks = (input) => {
  const { repeats = findRepeats(input.entries), pixels = [] } = input;
  return CHECKS.map((check) => check({ ...input, repeats, pixels }));
};

/**
 * @param {CheckResult[]} results
 * @returns {Record<CheckState, number>}
 */
export const countByState = (results) => {
  const counts = { pass: 0, pending: 0, review: 0, fail: 0 };
  for (const { state } of results) counts[state] += 1;
  return counts;
};
