/** @import { Check } from "../types.d.ts" */
import { confirmedByServer } from "../conversions.js";
import { displayName, isFromBrowser } from "../event.js";
import { plural } from "../format.js";
import { lacksOwnId } from "../repeats.js";
import { ONE_TIME_EVENTS } from "../schema.gen.js";
import { toText } from "../to-text.js";
import { isRejectedOrTest } from "../verdict.js";
import { evidence } from "./shared.js";

/**
 * Whether orders and other one-time events have an id of the site's own, so that a reload does not count again.
 *
 * @type {Check}
 */
export const checkOwnEventIds = ({ entries, conversions, repeats }) => {
  const check = {
    id: "own-ids",
    title: "Orders, leads and sign-ups have your own event_id",
  };
  const todo =
    "Pass the order number as event_id. Then an order counts once, however often its page is loaded.";
  const reloaded = [...repeats.reloads];
  if (reloaded.length > 0) {
    const [[entry, before]] = reloaded;
    return {
      ...check,
      state: "fail",
      found: `${plural(reloaded.length, "event")} arrived again from the same page of the same browser with the same data, and ${reloaded.length === 1 ? "counts" : "count"} again: ${displayName(entry.event)} #${entry.seq} repeats #${before.seq}. The calls have no event_id, so the pixel generated a new ID each time.`,
      todo,
      seqs: evidence(reloaded.map(([one]) => one)),
    };
  }
  const oneTime = entries.filter(
    (entry) =>
      isFromBrowser(entry) &&
      ONE_TIME_EVENTS.has(toText(entry.event.type)) &&
      !isRejectedOrTest(entry),
  );
  if (oneTime.length === 0)
    return {
      ...check,
      state: "pending",
      found: "No order, lead or sign-up yet.",
      todo: "Place an order, then reload its confirmation page: the second event must be a duplicate.",
    };
  // a UUID that the server sends too is the site's own
  const confirmed = confirmedByServer(conversions);
  const generated = oneTime.filter(
    (entry) => lacksOwnId(entry) && !confirmed.has(entry),
  );
  if (generated.length > 0)
    return {
      ...check,
      state: "review",
      found: `${generated.length.toLocaleString()} of ${plural(oneTime.length, "event")} ${generated.length === 1 ? "has" : "have"} a random UUID as ID, as the pixel generates for a call without event_id. If the visitor reloads the page, such an event counts again.`,
      todo: `${todo} If these UUIDs are your own order numbers, nothing is wrong.`,
      seqs: evidence(generated),
    };
  return {
    ...check,
    state: "pass",
    found: `${plural(oneTime.length, "event")}, ${oneTime.length === 1 ? "with an ID" : "all with IDs"} of your own.`,
    seqs: evidence(oneTime),
  };
};
