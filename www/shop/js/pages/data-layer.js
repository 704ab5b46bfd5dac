import { findProduct } from "../catalogue.js";
import {
  measureCheckoutStarted,
  measureItemsAdded,
  measureLeadCreated,
  measureOrderCreated,
  measurePageViewed,
  measureProductViewed,
  measureRegistrationCompleted,
} from "../data-layer.js";
import { html } from "../html.js";
import { orderNumber } from "../order.js";

const product = findProduct("tide-mug");
const quantity = 2;
const lines = [{ ...product, quantity }];

/** What a visitor of the shop does, from the first page to the kiln letter. */
const steps = {
  "page-view": ["Open a page", measurePageViewed],
  "view-item": ["See a mug", () => measureProductViewed(product)],
  "add-to-cart": [
    "Add two to the cart",
    () => measureItemsAdded(product, quantity),
  ],
  "begin-checkout": ["Go to the checkout", () => measureCheckoutStarted(lines)],
  purchase: [
    "Place the order",
    () => measureOrderCreated({ number: orderNumber(), items: lines }),
  ],
  "generate-lead": ["Ask for a workshop", measureLeadCreated],
  "sign-up": ["Get the kiln letter", measureRegistrationCompleted],
};

const show = (entry) => {
  document.querySelector("#entry").textContent =
    `dataLayer.push(${JSON.stringify(entry, null, 2)});`;
};

const list = document.querySelector("#steps");
for (const [id, [label, push]] of Object.entries(steps)) {
  list.append(
    html`<button type="button" class="button" id="${id}">${label}</button>`,
  );
  document
    .querySelector(`#${id}`)
    .addEventListener("click", () => show(push()));
}
show(measurePageViewed());
