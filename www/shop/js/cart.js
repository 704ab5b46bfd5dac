import { findProduct } from "./catalogue.js";
import { readStored, store } from "./storage.js";

const key = "ebbe-cart";

/** At most this many of one piece: it is a small pottery. */
export const most = 20;

/** What is in the cart: products, each with its `quantity`. What the shop no longer sells is left out. */
export const cartLines = () =>
  Object.entries(readStored("localStorage", key, {}))
    .map(([id, quantity]) => ({
      ...findProduct(id),
      quantity: limited(quantity),
    }))
    .filter(({ id, quantity }) => id && quantity > 0);

export const totalOf = (lines) =>
  lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);

export const piecesIn = (lines) =>
  lines.reduce((sum, { quantity }) => sum + quantity, 0);

/** Sets how many of a piece are in the cart, 0 takes it out. False where the browser keeps nothing. */
export function setQuantity(id, quantity) {
  const quantities = Object.fromEntries(
    cartLines().map((line) => [line.id, line.quantity]),
  );
  return save({ ...quantities, [id]: limited(quantity) });
}

/** Adds pieces of one product and returns how many were added, which `most` may have cut. */
export function addToCart(id, quantity) {
  const before = quantityOf(id);
  setQuantity(id, before + quantity);
  return quantityOf(id) - before;
}

export const clearCart = () => save({});

/** Calls back after each change of the cart, wherever it was made. */
export function onCartChange(callback) {
  window.addEventListener("cart-change", callback);
  onCartChangedElsewhere(callback);
}

/** Calls back after a change in another tab, and when the visitor comes back to this page as they left it. */
export function onCartChangedElsewhere(callback) {
  window.addEventListener(
    "storage",
    (event) => event.key === key && callback(),
  );
  window.addEventListener("pageshow", (event) => event.persisted && callback());
}

const quantityOf = (id) =>
  cartLines().find((line) => line.id === id)?.quantity ?? 0;

const limited = (quantity) =>
  Math.max(0, Math.min(most, Math.trunc(quantity) || 0));

function save(quantities) {
  const kept = store("localStorage", key, quantities);
  if (kept) window.dispatchEvent(new Event("cart-change"));
  return kept;
}
