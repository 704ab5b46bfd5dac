import {
  cartLines,
  onCartChange,
  onCartChangedElsewhere,
  setQuantity,
  totalOf,
} from "../cart.js";
import { imageOf, pageOf } from "../catalogue.js";
import { html } from "../html.js";
import { measurePageViewed } from "../measure.js";
import { formatMoney } from "../money.js";
import { stepper } from "../stepper.js";

measurePageViewed();

const list = document.querySelector("#cart-lines");
show();
// Lines keep themselves up to date, so that the keyboard stays where it is; only a cart that was changed
// elsewhere is laid out anew.
onCartChange(showTotal);
onCartChangedElsewhere(show);

function show() {
  list.replaceChildren(...cartLines().map(cartLine));
  showTotal();
}

function showTotal() {
  const lines = cartLines();
  document.querySelector("#cart").hidden = lines.length === 0;
  document.querySelector("#empty").hidden = lines.length > 0;
  document.querySelector("#cart-total").textContent = formatMoney(
    totalOf(lines),
  );
}

function cartLine(line) {
  const nodes = html`
    <li data-product="${line.id}">
      <a
        class="backdrop ${line.backdrop}"
        href="${pageOf(line)}"
        tabindex="-1"
        aria-hidden="true"
      >
        <img src="${imageOf(line)}" alt="" width="800" height="800" />
      </a>
      <div class="cart-name">
        <a href="${pageOf(line)}">${line.name}</a>
        <span class="note">${formatMoney(line.price)} each</span>
      </div>
      ${stepper({
        id: `quantity-${line.id}`,
        label: `Quantity of ${line.name}`,
        value: line.quantity,
        onChange(quantity) {
          setQuantity(line.id, quantity);
          sum.textContent = formatMoney(line.price * quantity);
        },
      })}
      <span class="figure">${formatMoney(line.price * line.quantity)}</span>
      <button
        type="button"
        class="text-button"
        aria-label="Remove ${line.name}"
      >
        Remove
      </button>
    </li>
  `;
  const sum = nodes.querySelector(".figure");
  nodes.querySelector(".text-button").addEventListener("click", (event) => {
    setQuantity(line.id, 0);
    event.target.closest("li").remove();
    document.querySelector("h1").focus();
  });
  return nodes;
}
