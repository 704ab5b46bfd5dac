/** @import { Check } from "../types.d.ts" */
import { dataOf, isMeasured } from "../event.js";
import { plural } from "../format.js";
import { formatMoney } from "../money.js";
import { findRejected } from "./rejected.js";
import { evidence } from "./shared.js";

/**
 * Whether amounts are in minor units and have a currency.
 *
 * @type {Check}
 */
export const checkAmounts = ({ entries }) => {
  const check = {
    id: "amounts",
    title: "Amounts are integers with a currency",
  };
  const rejected = findRejected(entries, "amounts");
  if (rejected)
    return {
      ...check,
      ...rejected,
      todo: "Send the amount in the currency's smallest unit: 2599 and USD for USD 25.99, 500 and JPY for JPY 500.",
    };
  const withAmount = entries.filter(
    (entry) => isMeasured(entry) && dataOf(entry.event).amount !== undefined,
  );
  if (withAmount.length === 0)
    return {
      ...check,
      state: "pending",
      found: "No event with an amount yet.",
      todo: "Place an order, and compare the amount here with the one in your shop.",
    };
  const { amount, currency } = dataOf(withAmount[0].event);
  return {
    ...check,
    state: "pass",
    found: `${plural(withAmount.length, "amount")}, the latest ${formatMoney(amount, currency)}. Compare it with the one in your shop.`,
    seqs: evidence(withAmount),
  };
};
