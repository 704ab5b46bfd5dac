import { products } from "../catalogue.js";
import { measurePageViewed } from "../measure.js";
import { productCard } from "../product-card.js";

measurePageViewed();

for (const shelf of document.querySelectorAll("[data-shelf]")) {
  const onShelf = products.filter(
    (product) => product.shelf === shelf.dataset.shelf,
  );
  shelf.append(...onShelf.map(productCard));
}
