/** @import { Check, EventRecord } from "../types.d.ts" */
import { browserIdOf, clickIdOf, isFromBrowser, timeOf } from "../event.js";
import { plural } from "../format.js";
import { evidence } from "./shared.js";

/**
 * Whether events have the click ID of the ad.
 *
 * @type {Check}
 */
export const checkClickId = ({ entries }) => {
  const check = { id: "click", title: "The ad click is captured" };
  const measured = entries.filter(isFromBrowser);
  const withClick = measured.filter((entry) => clickIdOf(entry) !== undefined);
  if (withClick.length === 0)
    return {
      ...check,
      state: "pending",
      found:
        measured.length > 0
          ? `${plural(measured.length, "event")}, none with a click ID.`
          : "No event yet.",
      todo: "Open your landing page with ?oppref=test-click at the end of its URL, as an ad does.",
    };
  const lost = lostClicks(measured);
  if (lost.length > 0)
    return {
      ...check,
      state: "fail",
      found: `${plural(lost.length, "event")} arrived without a click ID from a browser that had one before.`,
      todo: "Something deletes the cookie __oppref between two pages, for example a consent banner or a server that rewrites cookies.",
      seqs: evidence(lost),
    };
  return {
    ...check,
    state: "pass",
    found: `${withClick.length.toLocaleString()} of ${plural(measured.length, "event")} ${withClick.length === 1 ? "has" : "have"} a click ID.`,
    seqs: evidence(withClick),
  };
};

/**
 * Events without a click ID from browsers that had one before.
 *
 * @param {EventRecord[]} entries
 */
const lostClicks = (entries) => {
  const clicked = new Set();
  const lost = [];
  for (const entry of [...entries].sort(
    (one, other) => timeOf(one) - timeOf(other),
  )) {
    const browser = browserIdOf(entry);
    if (browser === undefined) continue;
    if (clickIdOf(entry) !== undefined) clicked.add(browser);
    else if (clicked.has(browser)) lost.push(entry);
  }
  return lost;
};
