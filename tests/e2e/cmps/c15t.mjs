// Configures c15t without a backend, with a banner as in its documentation.
import { getOrCreateConsentRuntime } from "c15t";
import { banner, settingsButton } from "./banner.mjs";

const { consentStore } = getOrCreateConsentRuntime({
  mode: "offline",
  consentCategories: ["necessary", "marketing"],
  overrides: { country: "DE" },
});

consentStore
  .getState()
  .setCallback("onConsentSet", (/** @type {any} */ { preferences }) => {
    const { hasConsented } = consentStore.getState();
    // preferences are false before the visitor's answer
    if (hasConsented() || preferences.marketing)
      window.oaiq("consent", preferences.marketing);
  });

const { show } = banner((accepts) =>
  consentStore.getState().saveConsents(accepts ? "all" : "necessary"),
);
const showIfDue = (/** @type {{activeUI: string}} */ { activeUI }) =>
  show(activeUI === "banner");
consentStore.subscribe(showIfDue);
showIfDue(consentStore.getState());
settingsButton(() =>
  consentStore.getState().setActiveUI("banner", { force: true }),
);
