import { addToCart, most } from "../cart.js";
import { findProduct, imageOf, products } from "../catalogue.js";
import { html } from "../html.js";
import {
  measureItemsAdded,
  measurePageViewed,
  measureProductViewed,
} from "../measure.js";
import { formatMoney } from "../money.js";
import { productCard } from "../product-card.js";
import { stepper } from "../stepper.js";

const product = findProduct(new URLSearchParams(location.search).get("id"));
if (product) {
  measureProductViewed(product);
  show(product);
} else {
  measurePageViewed();
  document.querySelector("#unknown").hidden = false;
}

function show(product) {
  document.title = `${product.name} – Ebbe`;
  document.querySelector("#product").append(html`
    <div class="backdrop ${product.backdrop}">
      <img
        src="${imageOf(product)}"
        alt="${product.alt}"
        width="800"
        height="800"
      />
    </div>
    <div class="product-text">
      <nav class="breadcrumb" aria-label="Breadcrumb">
        <a href="products.html">Shop</a> <span aria-hidden="true">/</span>
        <span aria-current="page">${product.name}</span>
      </nav>
      <h1>${product.name}</h1>
      <p class="lead">${product.summary}</p>
      <p class="price">${formatMoney(product.price)}</p>
      <p>${product.description}</p>
      <form id="buy">
        ${stepper({ id: "quantity", label: "Quantity" })}
        <button class="button" id="add-to-cart">Add to cart</button>
      </form>
      <p class="added" id="added" role="status"></p>
      <dl class="facts">
        ${[
          ...Object.entries(product.facts),
          ["Care", "Dishwasher and microwave, no open flame"],
        ].map(
          ([term, fact]) => html`
            <div>
              <dt>${term}</dt>
              <dd>${fact}</dd>
            </div>
          `,
        )}
      </dl>
    </div>
  `);
  document.querySelector("#buy").addEventListener("submit", (event) => {
    event.preventDefault();
    add(product, event.target.quantity.valueAsNumber);
  });

  // Three from the same shelf, and one from the other.
  const others = products
    .filter(({ id }) => id !== product.id)
    .sort((a, b) => (b.shelf === product.shelf) - (a.shelf === product.shelf))
    .slice(0, 4);
  document.querySelector("#others").append(...others.map(productCard));
  document.querySelector("#others-section").hidden = false;
}

function add(product, wanted) {
  const added = addToCart(product.id, wanted);
  if (added > 0) measureItemsAdded(product, added);
  document
    .querySelector("#added")
    .replaceChildren(
      added > 0
        ? html`${added} × ${product.name} added.
            <a href="cart.html">Go to cart</a>`
        : html`Not added: we make at most ${most} of one piece, and this browser
          must allow the shop to keep a cart.`,
    );
}
