import { nameOf } from "../event.js";
import { plural } from "../format.js";
import { evidence, measuredByBrowser, NO_EVENT_YET } from "./shared.js";

/** Page views that come twice: the snippet itself is there twice, which the check of the start says. */
export const isPageView = ({ event }) => event?.type === "page_viewed";

/** The same event with the same data within a second on one page. */
export const twice = ({ entries, repeats }) => {
  const item = { id: "twice", title: "No event is measured twice on a page" };
  const again = [...repeats.twice].filter(([entry]) => !isPageView(entry));
  if (again.length > 0) {
    const [[entry, before]] = again;
    return {
      ...item,
      state: "look",
      found: `${plural(again.length, "event")} came within a second of the same event with the same data on the same page: ${nameOf(entry.event)} #${entry.seq} after #${before.seq}. ${again.length === 1 ? "Both count" : "All of them count"}, because the ids differ.`,
      todo: "If one action of a visitor caused both, the call runs twice: two listeners, a tag that fires twice, or two snippets. Remove one, or give both the same event_id.",
      seqs: evidence(again.map(([one]) => one)),
    };
  }
  const measured = entries.filter(
    (entry) => measuredByBrowser(entry) && !isPageView(entry),
  );
  if (measured.length === 0)
    return { ...item, ...NO_EVENT_YET, found: "No event but page views yet." };
  return {
    ...item,
    state: "yes",
    found: `${plural(measured.length, "event")} besides page views, none repeated within a second on the same page with the same data.`,
  };
};
