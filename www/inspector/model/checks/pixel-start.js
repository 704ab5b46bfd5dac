/** @import { Check } from "../types.d.ts" */
import { isFromBrowser, isInit, isPageView } from "../event.js";
import { plural } from "../format.js";
import { duplicateInits } from "../timeline.js";
import { evidence } from "./shared.js";

/**
 * Whether each page has the install snippet once.
 *
 * @type {Check}
 */
export const checkPixelStart = ({ entries, visits, repeats }) => {
  const check = { id: "starts", title: "The pixel starts once on each page" };
  const count = entries.filter(({ event }) => isInit(event)).length;
  if (count === 0) {
    const isMeasuring = entries.some(
      (entry) => isFromBrowser(entry) && entry.transport !== "image",
    );
    return {
      ...check,
      state: "pending",
      found: isMeasuring
        ? "Events have arrived, but no start of the pixel. It may be older than the events that count here."
        : "The pixel has not started yet.",
      todo: "Open a page of your site that has the install snippet, and accept cookies.",
    };
  }
  const started = visits.flatMap(({ pages }) => pages.flatMap(duplicateInits));
  // The init of a second snippet is ignored, so that often only its page view is sent.
  const viewed = [...repeats.doubleFires.keys()].filter(({ event }) =>
    isPageView(event),
  );
  if (started.length + viewed.length > 0) {
    const found = [
      started.length > 0 &&
        `${plural(started.length, "page")} started the same pixel more than once`,
      viewed.length > 0 &&
        `${plural(viewed.length, "page")} sent page_viewed twice within a second`,
    ].filter(Boolean);
    return {
      ...check,
      state: "fail",
      found: `${found.join("; ")}.`,
      todo: "The page has the install snippet twice, for example in the template and in a tag manager. Remove one.",
      seqs: evidence([...started, ...viewed]),
    };
  }
  return {
    ...check,
    state: "pass",
    found: `${plural(count, "page")} started each pixel once, and no page view was sent twice.`,
  };
};
