// c15t without a backend, with a banner made as its documentation shows.
import { getOrCreateConsentRuntime } from "c15t";
import { banner, settingsButton } from "./banner.mjs";

const { consentStore } = getOrCreateConsentRuntime({
  mode: "offline",
  consentCategories: ["necessary", "marketing"],
  overrides: { country: "DE" },
});

consentStore.getState().setCallback("onConsentSet", ({ preferences }) => {
  const { hasConsented } = consentStore.getState();
  // before the visitor's answer, what needs one is false
  if (hasConsented() || preferences.marketing)
    window.oaiq("consent", preferences.marketing);
});

const { show } = banner((accepts) =>
  consentStore.getState().saveConsents(accepts ? "all" : "necessary"),
);
const showIfDue = ({ activeUI }) => show(activeUI === "banner");
consentStore.subscribe(showIfDue);
showIfDue(consentStore.getState());
settingsButton(() =>
  consentStore.getState().setActiveUI("banner", { force: true }),
);
