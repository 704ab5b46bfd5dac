import { totalOf } from "./cart.js";
import { readStored, store } from "./storage.js";

const key = "ebbe-order";

/** Makes an order of the cart's lines and keeps it for the thank-you page. False where the browser keeps nothing. */
export function placeOrder(lines, customer) {
  const items = lines.map(({ id, name, price, quantity }) => ({
    id,
    name,
    price,
    quantity,
  }));
  return store("sessionStorage", key, {
    number: orderNumber(),
    customer,
    items,
    total: totalOf(items),
    measured: false,
  });
}

/** This tab's last order, or null. */
export const latestOrder = () => readStored("sessionStorage", key, null);

/**
 * True the first time only: a thank-you page is often loaded again, and an order must count once.
 * (The event's id is the order number, so the receiver would drop a second one too.)
 */
export function claimMeasurement(order) {
  if (order.measured) return false;
  store("sessionStorage", key, { ...order, measured: true });
  return true;
}

// Letters and digits that are not taken for one another on the telephone.
const symbols = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

export const orderNumber = () =>
  "EB-" +
  [...crypto.getRandomValues(new Uint8Array(8))]
    .map((byte) => symbols[byte % 32])
    .join("");
