import { findProduct } from "../catalogue.js";
import { measurePageViewed } from "../measure.js";
import { productCard } from "../product-card.js";

measurePageViewed();

const featured = ["tide-mug", "pebble-bowl", "harbour-teapot", "reed-vase"];
document
  .querySelector("#featured")
  .append(...featured.map(findProduct).map(productCard));
