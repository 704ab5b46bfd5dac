import { measureOrderCreated, measurePageViewed } from "../measure.js";
import { orderSummary } from "../order-summary.js";
import { claimMeasurement, latestOrder } from "../order.js";

const order = latestOrder();
if (order) {
  if (claimMeasurement(order)) measureOrderCreated(order);
  show(order);
} else {
  measurePageViewed();
  document.querySelector("#no-order").hidden = false;
}

function show({ number, customer, items }) {
  document.querySelector("#customer").textContent = customer;
  document.querySelector("#order-number").textContent = number;
  document.querySelector("#summary").append(orderSummary(items));
  document.querySelector("#order").hidden = false;
}
