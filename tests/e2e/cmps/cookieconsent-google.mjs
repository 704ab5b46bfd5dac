// Configures vanilla-cookieconsent to update Google Consent Mode, whose defaults the page has set.
import { prompt } from "./cookieconsent.mjs";

prompt((allowed) => {
  const state = allowed ? "granted" : "denied";
  window.gtag("consent", "update", {
    ad_storage: state,
    ad_user_data: state,
    ad_personalization: state,
  });
});
