import { cartLines, clearCart, onCartChangedElsewhere } from "../cart.js";
import { measureCheckoutStarted, measurePageViewed } from "../measure.js";
import { orderSummary } from "../order-summary.js";
import { placeOrder } from "../order.js";

const form = document.querySelector("#checkout-form");

if (cartLines().length > 0) measureCheckoutStarted(cartLines());
else measurePageViewed();
show();
onCartChangedElsewhere(show);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // The thank-you page greets by name; the rest of what was typed is not kept.
  if (!placeOrder(cartLines(), form.elements.name.value)) {
    document.querySelector("#not-placed").hidden = false;
    return;
  }
  clearCart();
  location.assign("thanks.html");
});

function show() {
  const lines = cartLines();
  document.querySelector("#checkout").hidden = lines.length === 0;
  document.querySelector("#empty").hidden = lines.length > 0;
  document.querySelector("#summary").replaceChildren(orderSummary(lines));
}
