// Configures vanilla-cookieconsent as in its documentation.
import * as CookieConsent from "vanilla-cookieconsent";
import css from "vanilla-cookieconsent/dist/cookieconsent.css";
import { settingsButton } from "./banner.mjs";

/**
 * Prompts for consent.
 *
 * @param {(isMarketingAllowed: boolean) => void} onConsent called on an answer, on a change of it, and on each later page
 */
export const prompt = (onConsent) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);

  const report = () => onConsent(CookieConsent.acceptedCategory("marketing"));
  const buttons = {
    acceptAllBtn: "Accept all",
    acceptNecessaryBtn: "Reject all",
  };
  CookieConsent.run({
    onConsent: report,
    onChange: report,
    // an automated browser counts as a bot
    hideFromBots: false,
    categories: {
      necessary: { enabled: true, readOnly: true },
      marketing: {},
    },
    language: {
      default: "en",
      translations: {
        en: {
          consentModal: {
            title: "May we measure our ads?",
            description: "With cookies.",
            ...buttons,
          },
          preferencesModal: {
            title: "Privacy",
            ...buttons,
            sections: [{ title: "Ads", linkedCategory: "marketing" }],
          },
        },
      },
    },
  });
  settingsButton(() => CookieConsent.showPreferences());
};
