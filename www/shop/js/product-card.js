import { imageOf, pageOf } from "./catalogue.js";
import { html } from "./html.js";
import { formatMoney } from "./money.js";

/** A product in a list: picture, name and price, all of it one link. */
export const productCard = (product) => html`
  <li>
    <a class="product-card" href="${pageOf(product)}">
      <span class="backdrop ${product.backdrop}">
        <img
          src="${imageOf(product)}"
          alt="${product.alt}"
          width="800"
          height="800"
          loading="lazy"
        />
      </span>
      <span class="name">${product.name}</span>
      <span class="price">${formatMoney(product.price)}</span>
      <span class="note">${product.summary}</span>
    </a>
  </li>
`;
