import { HAPPENS_ONCE, nameOf } from "../event.js";
import { plural } from "../format.js";
import { lacksOwnId } from "../repeats.js";
import { verdictOf } from "../verdict.js";
import { evidence, measuredByBrowser } from "./shared.js";

/** An order without an id of the site's own cannot be told from its repetition. */
export const ownIds = ({ entries, conversions, repeats }) => {
  const item = {
    id: "own-ids",
    title: "Orders, leads and sign-ups carry your own event_id",
  };
  const todo =
    "Pass the order number as event_id, so that an order counts once however often its page is loaded.";
  const reloaded = [...repeats.reloaded];
  if (reloaded.length > 0) {
    const [[entry, before]] = reloaded;
    return {
      ...item,
      state: "problem",
      found: `${plural(reloaded.length, "event")} came again from the same page of the same browser with the same data, and ${reloaded.length === 1 ? "counts" : "count"} again: ${nameOf(entry.event)} #${entry.seq} repeats #${before.seq}. The calls have no event_id, so the pixel generated a new one each time.`,
      todo,
      seqs: evidence(reloaded.map(([one]) => one)),
    };
  }
  const once = entries.filter(
    (entry) =>
      measuredByBrowser(entry) &&
      HAPPENS_ONCE.has(entry.event.type) &&
      !["refused", "valid"].includes(verdictOf(entry).name),
  );
  if (once.length === 0)
    return {
      ...item,
      state: "open",
      found: "No order, lead or sign-up yet.",
      todo: "Place an order, then reload its confirmation page: the second one must be a duplicate.",
    };
  // where the server sends the same id, a UUID is the site's own
  const known = new Set(
    conversions
      .filter(({ server }) => server.length > 0)
      .flatMap(({ browser }) => browser),
  );
  const without = once.filter(
    (entry) => lacksOwnId(entry) && !known.has(entry),
  );
  if (without.length > 0)
    return {
      ...item,
      state: "look",
      found: `${without.length.toLocaleString()} of ${plural(once.length, "event")} ${without.length === 1 ? "has" : "have"} a random UUID as id, as the pixel generates where a call has no event_id. Such an order cannot be told from its repetition: if its page is loaded again, it counts again.`,
      todo: `${todo} If these UUIDs are your own order numbers, nothing is wrong.`,
      seqs: evidence(without),
    };
  return {
    ...item,
    state: "yes",
    found: `${plural(once.length, "event")}, ${once.length === 1 ? "with an id" : "all with ids"} of your own.`,
    seqs: evidence(once),
  };
};
