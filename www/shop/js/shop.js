/** What every page has: the header with the cart's count, and the footer with the consent switch. */
import { cartLines, onCartChange, piecesIn } from "./cart.js";
import "./consent.js";
import { html } from "./html.js";

const pages = [
  ["products.html", "Shop"],
  ["contact.html", "Workshops"],
  ["signup.html", "Kiln letter"],
];

class ShopHeader extends HTMLElement {
  connectedCallback() {
    this.replaceChildren(html`
      <a class="skip-link" href="#main">Skip to content</a>
      <header class="site-header">
        <a class="wordmark" href="./" aria-label="Ebbe, home">ebbe</a>
        <nav aria-label="Main">${pages.map(link)}</nav>
        <a class="cart-link" href="cart.html">
          Cart <span class="count" id="cart-count"></span>
          <span class="visually-hidden">pieces</span>
        </a>
      </header>
    `);
    const showCount = () => {
      const count = this.querySelector("#cart-count");
      count.textContent = piecesIn(cartLines());
      count.classList.toggle("none", count.textContent === "0");
    };
    showCount();
    onCartChange(showCount);
  }
}

class ShopFooter extends HTMLElement {
  connectedCallback() {
    this.replaceChildren(html`
      <footer class="site-footer">
        <div class="footer-columns">
          <div>
            <p class="wordmark">ebbe</p>
            <p>
              Stoneware, thrown and fired by hand in a former net loft by the
              North Sea.
            </p>
          </div>
          <nav aria-label="Footer">
            <ul>
              ${[...pages, ["cart.html", "Cart"]].map((page) => html`<li>${link(page)}</li>`)}
            </ul>
          </nav>
          <consent-switch></consent-switch>
        </div>
        <p class="note small-print">
          Ebbe is an invented shop, made to show a measurement pixel at work.
          Nothing is sold, nothing is paid, and what you type stays on this
          machine.
          <a href="/inspector">See what is measured</a>
        </p>
      </footer>
    `);
  }
}

function link([href, text]) {
  const current = location.pathname.endsWith(`/${href}`)
    ? "aria-current=page"
    : "";
  return html`<a href="${href}" ${current}>${text}</a>`;
}

customElements.define("shop-header", ShopHeader);
customElements.define("shop-footer", ShopFooter);
