/** @import { Check } from "../types.d.ts" */
import { displayName, isFromBrowser, isPageView } from "../event.js";
import { plural } from "../format.js";
import { evidence, NO_EVENT_YET } from "./shared.js";

/**
 * Whether an event is measured twice within a second on one page. Double page views belong to the check of the start:
 * their cause is a second snippet.
 *
 * @type {Check}
 */
export const checkDoubleEvents = ({ entries, repeats }) => {
  const check = { id: "twice", title: "No event is measured twice on a page" };
  const again = [...repeats.doubleFires].filter(
    ([{ event }]) => !isPageView(event),
  );
  if (again.length > 0) {
    const [[entry, before]] = again;
    return {
      ...check,
      state: "review",
      found: `${plural(again.length, "event")} arrived within a second of the same event with the same data on the same page: ${displayName(entry.event)} #${entry.seq} after #${before.seq}. ${again.length === 1 ? "Both count" : "All of them count"}, because the IDs differ.`,
      todo: "If one action of a visitor caused both, the call runs twice: two listeners, a tag that fires twice, or two snippets. Remove one, or give both the same event_id.",
      seqs: evidence(again.map(([one]) => one)),
    };
  }
  const measured = entries.filter(
    (entry) => isFromBrowser(entry) && !isPageView(entry.event),
  );
  if (measured.length === 0)
    return { ...check, ...NO_EVENT_YET, found: "No event except page views." };
  return {
    ...check,
    state: "pass",
    found: `${plural(measured.length, "event")} besides page views, none repeated within a second on the same page with the same data.`,
  };
};
