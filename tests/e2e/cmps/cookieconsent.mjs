// vanilla-cookieconsent, set up as its documentation says.
import * as CookieConsent from "vanilla-cookieconsent";
import css from "vanilla-cookieconsent/dist/cookieconsent.css";
import { settingsButton } from "./banner.mjs";

/** Calls back with whether marketing is allowed: on an answer, on a change of it, on each page that knows it. */
export const prompt = (answered) => {
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);

  const answer = () => answered(CookieConsent.acceptedCategory("marketing"));
  const buttons = {
    acceptAllBtn: "Accept all",
    acceptNecessaryBtn: "Reject all",
  };
  CookieConsent.run({
    onConsent: answer,
    onChange: answer,
    // a driven browser says that it is one
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
