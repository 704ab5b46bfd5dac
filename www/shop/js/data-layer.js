/**
 * What this shop tells its data layer, in the form of Google Analytics 4. Each function does what the function of this name in
 * measure.js does by a call of the pixel.
 *
 * Amounts are numbers in the currency's major unit: 26.5 is 26.50 EUR.
 */
import { totalOf } from "./cart.js";
import { currency } from "./money.js";

const push = (entry) => {
  window.dataLayer ??= [];
  window.dataLayer.push(entry);
  return entry;
};

export const measurePageViewed = () => push({ event: "page_view" });

export const measureProductViewed = (product) =>
  push({
    event: "view_item",
    ecommerce: { items: [item({ ...product, quantity: 1 })] },
  });

export const measureItemsAdded = (product, quantity) =>
  push({
    event: "add_to_cart",
    ecommerce: valueOf([{ ...product, quantity }]),
  });

export const measureCheckoutStarted = (lines) =>
  push({ event: "begin_checkout", ecommerce: valueOf(lines) });

export const measureOrderCreated = ({ number, items }) =>
  push({
    event: "purchase",
    ecommerce: { transaction_id: number, ...valueOf(items) },
  });

export const measureLeadCreated = () => push({ event: "generate_lead" });

export const measureRegistrationCompleted = () => push({ event: "sign_up" });

const inMajorUnit = (cents) => cents / 100;

const valueOf = (lines) => ({
  currency,
  value: inMajorUnit(totalOf(lines)),
  items: lines.map(item),
});

const item = ({ id, name, price, quantity }) => ({
  item_id: id,
  item_name: name,
  price: inMajorUnit(price),
  currency,
  quantity,
});
