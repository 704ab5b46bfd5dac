import { most } from "./cart.js";
import { html } from "./html.js";

/**
 * A number from 1 to `most` with a button on either side. `label` names it to those who do not see the
 * heading it stands under; `onChange` gets each new number.
 */
export function stepper({ id, label, value = 1, onChange = () => {} }) {
  const nodes = html`
    <div class="stepper" role="group" aria-label="${label}">
      <button type="button" aria-label="One fewer">−</button>
      <input
        id="${id}"
        name="quantity"
        type="number"
        inputmode="numeric"
        min="1"
        max="${most}"
        required
        value="${value}"
        aria-label="${label}"
      />
      <button type="button" aria-label="One more">+</button>
    </div>
  `;
  const input = nodes.querySelector("input");
  const [fewer, more] = nodes.querySelectorAll("button");
  const settle = () => {
    input.value = Math.max(
      1,
      Math.min(most, Math.trunc(input.valueAsNumber) || 1),
    );
    onChange(input.valueAsNumber);
  };
  const step = (by) => {
    input.value = (input.valueAsNumber || 1) + by;
    settle();
  };
  input.addEventListener("change", settle);
  fewer.addEventListener("click", () => step(-1));
  more.addEventListener("click", () => step(1));
  return nodes;
}
