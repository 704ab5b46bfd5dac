/**
 * What this shop tells the pixel, all of it. Each function is one call of `oaiq`, which the snippet in the
 * page's head defines; whether the pixel's script has loaded yet, or ever does, makes no difference here.
 *
 * Amounts are integers in the currency's minor unit: 2650 is 26.50 EUR.
 */
import { totalOf } from "./cart.js";
import { currency } from "./money.js";

/** A page with no event of its own: landing page, list, cart, forms. */
export function measurePageViewed() {
  window.oaiq("measure", "page_viewed", { type: "contents" });
}

/** A product page. */
export function measureProductViewed(product) {
  window.oaiq("measure", "contents_viewed", {
    type: "contents",
    contents: [item({ ...product, quantity: 1 })],
  });
}

/** Pieces of one product go into the cart. */
export function measureItemsAdded(product, quantity) {
  window.oaiq("measure", "items_added", valueOf([{ ...product, quantity }]));
}

/** The checkout page, with the whole cart. */
export function measureCheckoutStarted(lines) {
  window.oaiq("measure", "checkout_started", valueOf(lines));
}

/** An order has been placed. The order number as event id keeps it one order, however often it is reported. */
export function measureOrderCreated({ number, items }) {
  window.oaiq("measure", "order_created", valueOf(items), { event_id: number });
}

/** Somebody asked for a workshop. */
export function measureLeadCreated() {
  window.oaiq("measure", "lead_created", { type: "customer_action" });
}

/**
 * Somebody signed up. The address goes to the pixel as typed, under the name of what leaves the page: the
 * pixel trims and lowercases it and sends its SHA-256, never the address itself.
 */
export function measureRegistrationCompleted(email) {
  window.oaiq("init", { user: { email_sha256: email } });
  window.oaiq("measure", "registration_completed", { type: "customer_action" });
}

/** Lines of a cart or an order, and what they come to. */
const valueOf = (lines) => ({
  type: "contents",
  amount: totalOf(lines),
  currency,
  contents: lines.map(item),
});

/** An item's `amount` is the price of one piece; the event's is price times quantity, of all items. */
const item = ({ id, name, price, quantity }) => ({
  id,
  name,
  content_type: "product",
  quantity,
  amount: price,
  currency,
});
