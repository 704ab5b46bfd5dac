import { totalOf } from "./cart.js";
import { imageOf } from "./catalogue.js";
import { html } from "./html.js";
import { formatMoney } from "./money.js";

/** The lines of a cart or an order and their total, to be read, not changed. */
export const orderSummary = (lines) => html`
  <ul class="summary-lines">
    ${lines.map(
      (line) => html`
        <li>
          <img src="${imageOf(line)}" alt="" width="800" height="800" />
          <span>${line.name}<span class="note"> × ${line.quantity}</span></span>
          <span class="figure">${formatMoney(line.price * line.quantity)}</span>
        </li>
      `,
    )}
  </ul>
  <dl class="totals">
    <div>
      <dt>Delivery</dt>
      <dd>free</dd>
    </div>
    <div class="total">
      <dt>Total</dt>
      <dd>${formatMoney(totalOf(lines))}</dd>
    </div>
  </dl>
`;
