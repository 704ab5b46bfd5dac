/** What several checks need. */
/** @import { CheckState, EventRecord } from "../types.d.ts" */

const MAX_EVIDENCE = 5;

/**
 * The events that a check links to.
 *
 * @param {EventRecord[]} entries
 */
export const evidence = (entries) =>
  entries.slice(0, MAX_EVIDENCE).map(({ seq }) => seq);

export const NO_EVENT_YET = Object.freeze({
  state: /** @type {CheckState} */ ("pending"),
  found: "No event yet.",
  todo: "Use your site as a customer does: view a product, fill the cart, place an order.",
});
