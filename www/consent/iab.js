// The interfaces of the IAB: TCF 2.2 and 2.3 (https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework)
// and GPP (https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform).

import { attempt } from "../pixel/safe-builtins.js";
import { readGpp, readTcData } from "./interpret.js";

export const tcf = ({ answer, seek, options }) =>
  seek(() => {
    if (typeof window.__tcfapi !== "function") return false;
    window.__tcfapi("addEventListener", 2, (data, isSuccess) => {
      if (!isSuccess) return;
      const measure = attempt(() => readTcData(data, options.tcfVendor));
      // while the visitor looks at their choice again, the last one holds
      if (measure !== undefined) answer({ measure });
    });
    return true;
  });

export const gpp = ({ answer, seek }) =>
  seek(() => {
    if (typeof window.__gpp !== "function") return false;
    window.__gpp("addEventListener", (event, isSuccess) => {
      if (!isSuccess) return;
      const tell = (ping) => {
        const measure = attempt(() => readGpp(ping));
        if (measure !== undefined) answer({ measure });
      };
      if (event?.pingData) tell(event.pingData);
      else window.__gpp("ping", tell);
    });
    return true;
  });
