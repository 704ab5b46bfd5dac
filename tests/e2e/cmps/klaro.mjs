// Configures klaro with the pixel as one of its services.
import * as klaro from "klaro";
import { settingsButton } from "./banner.mjs";

const config = {
  acceptAll: true,
  translations: {
    en: {
      ok: "Accept all",
      acceptAll: "Accept all",
      decline: "Reject all",
      purposes: { advertising: { title: "Advertising" } },
    },
  },
  services: [
    {
      name: "openai-ads",
      title: "OpenAI Ads",
      purposes: ["advertising"],
      onAccept: () => window.oaiq("consent", true),
      onDecline: (/** @type {{confirmed: boolean}} */ { confirmed }) => {
        // klaro declines every service until the visitor has answered
        if (confirmed) window.oaiq("consent", false);
      },
    },
  ],
};

klaro.setup(config);
settingsButton(() => klaro.show(config));
