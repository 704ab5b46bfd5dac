/** What several checks need. */
import { isInternal, isServer } from "../event.js";

const MOST_EVIDENCE = 5;

/** The events that a check links to. */
export const evidence = (entries) =>
  entries.slice(0, MOST_EVIDENCE).map(({ seq }) => seq);

export const measuredByBrowser = (entry) =>
  entry.event && !isInternal(entry.event) && !isServer(entry);

/** From a browser or a server, and not pixel status. */
export const isMeasured = ({ event }) => event && !isInternal(event);

export const NO_EVENT_YET = Object.freeze({
  state: "open",
  found: "No event yet.",
  todo: "Use your site as a customer does: look at a product, fill the cart, place an order.",
});
