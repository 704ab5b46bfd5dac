// The interfaces of the IAB: TCF 2.2 and 2.3 (https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework)
// and GPP (https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform).

/** Storing and reading on the device, and measuring advertising. */
const PURPOSES = [1, 7];

/** What a TCData object says; nothing as long as the visitor has not answered. */
export const readTcData = (data, vendor) => {
  if (data?.gdprApplies === false) return true;
  const { eventStatus, purpose, vendor: vendors } = data ?? {};
  if (eventStatus !== "tcloaded" && eventStatus !== "useractioncomplete")
    return;
  if (!PURPOSES.every((id) => purpose?.consents?.[id] === true)) return false;
  if (!vendor) return true;
  // since 2.3 a vendor that was not shown to the visitor has no consent
  return (
    vendors?.consents?.[vendor] === true &&
    vendors.disclosedVendors?.[vendor] !== false
  );
};

export const tcf = ({ answer, seek, options }) =>
  seek(() => {
    if (typeof window.__tcfapi !== "function") return false;
    window.__tcfapi("addEventListener", 2, (data, isSuccess) => {
      if (!isSuccess) return;
      const measure = readTcData(data, options.tcfVendor);
      // while the visitor looks at their choice again, the last one holds
      if (measure !== undefined) answer({ measure });
    });
    return true;
  });

/** Fields of the sections for the United States: 1 is an opt-out, 2 is none, 0 does not apply. */
const OPT_OUTS = ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"];

/** What GPP's ping data says; nothing as long as its signal is not ready. */
export const readGpp = (ping) => {
  if (ping?.signalStatus !== "ready") return;
  for (const [name, section] of Object.entries(ping.parsedSections ?? {})) {
    if (!/^us/.test(name)) continue;
    // some interfaces give a section's parts, others all in one
    for (const part of Array.isArray(section) ? section.flat() : [section]) {
      if (OPT_OUTS.some((field) => part?.[field] === 1)) return false;
      if (name === "uspv1" && readUspString(part)) return false;
    }
  }
  return true;
};

/** The old US Privacy String, "1YYN", whose third character is the opt-out of sale, or its fields. */
const readUspString = (part) =>
  typeof part === "string" ? part[2] === "Y" : part?.OptOutSale === "Y";

export const gpp = ({ answer, seek }) =>
  seek(() => {
    if (typeof window.__gpp !== "function") return false;
    window.__gpp("addEventListener", (event, isSuccess) => {
      if (!isSuccess) return;
      const tell = (ping) => {
        const measure = readGpp(ping);
        if (measure !== undefined) answer({ measure });
      };
      if (event?.pingData) tell(event.pingData);
      else window.__gpp("ping", tell);
    });
    return true;
  });
