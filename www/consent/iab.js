// Consent by the APIs of the IAB: TCF 2.2 and 2.3
// (https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework), and GPP
// (https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform).

import { tryOr } from "../pixel/safe-builtins.js";
import { interpretGpp, interpretTcf } from "./interpret.js";

/** @type {import("./sources.js").Source} */
export const tcf = ({ onAnswer, poll, options }) =>
  poll(() => {
    if (typeof window.__tcfapi !== "function") return false;
    window.__tcfapi("addEventListener", 2, (data, isSuccess) => {
      if (!isSuccess) return;
      const measure = tryOr(() => interpretTcf(data, options.tcfVendor));
      // while the visitor reviews their choice, the last one holds
      if (measure !== undefined) onAnswer({ measure });
    });
    return true;
  });

/** @type {import("./sources.js").Source} */
export const gpp = ({ onAnswer, poll }) =>
  poll(() => {
    if (typeof window.__gpp !== "function") return false;
    window.__gpp("addEventListener", (event, isSuccess) => {
      if (!isSuccess) return;
      /** @param {import("./interpret.js").GppPing} ping */
      const read = (ping) => {
        const measure = tryOr(() => interpretGpp(ping));
        if (measure !== undefined) onAnswer({ measure });
      };
      if (event?.pingData) read(event.pingData);
      else window.__gpp?.("ping", read);
    });
    return true;
  });
