import { confirmInPlaceOf } from "../confirmation.js";
import { measurePageViewed, measureRegistrationCompleted } from "../measure.js";

measurePageViewed();

const form = document.querySelector("#signup-form");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const email = form.elements.email.value;
  measureRegistrationCompleted(email);
  document.querySelector("#confirmed-email").textContent = email;
  confirmInPlaceOf(form, document.querySelector("#signup-confirmation"));
});
