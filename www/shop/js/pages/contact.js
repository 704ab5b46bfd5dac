import { confirmInPlaceOf } from "../confirmation.js";
import { measureLeadCreated, measurePageViewed } from "../measure.js";

measurePageViewed();

const form = document.querySelector("#contact-form");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  measureLeadCreated();
  document.querySelector("#confirmed-name").textContent =
    form.elements.name.value;
  confirmInPlaceOf(form, document.querySelector("#contact-confirmation"));
});
