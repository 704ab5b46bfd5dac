/** @import { Check } from "../types.d.ts" */
import { isDiagnostic, isFromBrowser, isInit, isPageView } from "../event.js";
import { plural } from "../format.js";
import { duplicateInits } from "../timeline.js";
import { toText } from "../to-text.js";
import { evidence } from "./shared.js";

/** What a page with debug has reported as called twice (www/debug/send-callers.js), in words. */
const CALLS = /** @type {Record<string, string>} */ ({
  init: "init was called twice for the same pixel",
  page_viewed: "page_viewed was measured twice on a page",
});

/**
 * What pages with debug have reported of scripts that make a call twice, each report once.
 *
 * @param {import("../types.d.ts").EventRecord[]} diagnostics
 */
const describeCallers = (diagnostics) => {
  const lines = new Set();
  for (const { event } of diagnostics) {
    const { duplicate_calls: calls } =
      /** @type {{ duplicate_calls?: unknown }} */ (event?.data ?? {});
    for (const it of Array.isArray(calls) ? calls : [])
      if (Array.isArray(it?.callers) && Object.hasOwn(CALLS, toText(it.call)))
        lines.add(
          `${CALLS[toText(it.call)]}, by ${it.callers.map(toText).join(" and by ")}`,
        );
  }
  return [...lines];
};

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
  const reported = entries.filter(
    (entry) => isDiagnostic(entry.event) && describeCallers([entry]).length > 0,
  );
  const callers = describeCallers(reported);
  if (started.length + viewed.length + callers.length > 0) {
    const found = [
      started.length > 0 &&
        `${plural(started.length, "page")} started the same pixel more than once`,
      viewed.length > 0 &&
        `${plural(viewed.length, "page")} sent page_viewed twice within a second`,
      ...callers,
    ].filter(Boolean);
    return {
      ...check,
      state: "fail",
      found: `${found.join("; ")}.`,
      todo: callers.length
        ? "Keep the calls in one of these scripts, and remove them from the others: from the theme, the app or the tag manager that adds them."
        : "The page has the install snippet twice, for example in the template and in a tag manager. Remove one. Open the page with ?oaiq_debug=1 to see here which scripts make the calls.",
      seqs: evidence([...started, ...viewed, ...reported]),
    };
  }
  return {
    ...check,
    state: "pass",
    found: `${plural(count, "page")} started each pixel once, and no page view was sent twice.`,
  };
};
