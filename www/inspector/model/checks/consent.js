/** @import { Check, EventRecord } from "../types.d.ts" */
import { isSessionMarker } from "../diagnostic-summary.js";
import { dataOf, isDiagnostic, isFromBrowser, timeOf } from "../event.js";
import { plural } from "../format.js";
import { evidence } from "./shared.js";

/**
 * Whether visitors who deny consent are not measured. Little of it can be seen from here: a denial is reported once per
 * session and without identity, and a site that never asks looks like one whose visitors all accept.
 *
 * @type {Check}
 */
export const checkConsent = ({ entries }) => {
  const check = {
    id: "consent",
    title: "Consent comes before the first event",
  };
  const measured = entries.filter(
    (entry) => isFromBrowser(entry) && entry.transport !== "image",
  );
  const anonymous = measured.filter(({ stripped }) => stripped === true);
  if (anonymous.length > 0)
    return {
      ...check,
      state: "review",
      found: `${plural(anonymous.length, "event")} arrived without click ID, browser ID and user data. The pixel measures nothing after a denial, so either this browser blocks cookies or something else sends events.`,
      todo: "Deny consent in a private window. No event may arrive after that.",
      seqs: evidence(anonymous),
    };
  const denied = entries.filter(deniesConsent);
  if (denied.length > 0) {
    const markers = denied.filter(({ event }) =>
      isSessionMarker(dataOf(event)),
    );
    const last = Math.max(...denied.map(timeOf));
    const later = measured.filter((entry) => timeOf(entry) > last).length;
    const reports = denied.length === 1 ? "that report" : "those reports";
    const visitors = later === 1 ? "a visitor" : "visitors";
    return {
      ...check,
      state: "pass",
      found: `A visitor denied consent (${plural(denied.length, "report")}), and no event came with ${reports}.${later > 0 ? ` ${plural(later, "event")} arrived later, from ${visitors} who had not denied it.` : ""}`,
      todo: "Whether your banner asks every visitor cannot be seen here. Check that in a private window.",
      seqs: evidence(markers.length > 0 ? markers : denied),
    };
  }
  return {
    ...check,
    state: "pending",
    found:
      measured.length > 0
        ? "Events have arrived, but no denial. From here, a site that asks for consent and one that never does look the same."
        : "Nothing about consent has arrived yet.",
    todo: "Open the site in a private window and deny consent: at most one pixel status report with “consent denied” arrives, and no event. Then give consent: events arrive.",
  };
};

/** @param {EventRecord} entry */
const deniesConsent = ({ event }) =>
  isDiagnostic(event) && dataOf(event).consent === false;
