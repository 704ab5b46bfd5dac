import { html } from "./html.js";

/** The visitor's answer as the pixel keeps it. None yet means granted; a denial in either place counts. */
function consentGranted() {
  if (document.cookie.split("; ").includes("__oaiq_consent=false"))
    return false;
  try {
    return localStorage.getItem("oaiq_consent") !== "false";
  } catch {
    return true;
  }
}

/**
 * <consent-switch>: measurement of ad clicks, allowed or denied. The answer is the pixel's to keep, so this
 * shows what is stored and passes a new answer on; it stores nothing itself.
 */
class ConsentSwitch extends HTMLElement {
  connectedCallback() {
    this.replaceChildren(html`
      <p id="consent-label" class="consent-label">Measurement of ad clicks</p>
      <div class="consent-control">
        <button
          type="button"
          role="switch"
          id="consent-switch"
          aria-labelledby="consent-label"
          aria-describedby="consent-note"
        ></button>
        <span id="consent-state" aria-hidden="true"></span>
      </div>
      <p id="consent-note" class="note">
        Allowed, it tells our ad network which click led to a visit or an order.
        Denied, it forgets the click.
      </p>
    `);
    this.button = this.querySelector("button");
    this.show(consentGranted());
    this.button.addEventListener("click", () => {
      const granted = this.button.getAttribute("aria-checked") !== "true";
      window.oaiq("consent", granted);
      this.show(granted);
    });
    // Another tab may have changed the answer, or this page may come back from the back-forward cache.
    window.addEventListener("storage", () => this.show(consentGranted()));
    window.addEventListener(
      "pageshow",
      (event) => event.persisted && this.show(consentGranted()),
    );
  }

  show(granted) {
    this.button.setAttribute("aria-checked", granted);
    this.querySelector("#consent-state").textContent = granted
      ? "allowed"
      : "denied";
  }
}

customElements.define("consent-switch", ConsentSwitch);
