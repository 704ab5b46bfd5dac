// What the words of each source of consent mean. Nothing here knows a browser.

// Google Consent Mode

/** How well a region fits the visitor's, the better the higher; below 0 where it does not. */
const fit = (regions, place) => {
  if (!regions) return 0;
  // where nobody says where the visitor is, they may be anywhere
  if (!place) return 1;
  const [country] = place.split("-");
  if (regions.includes(place)) return 2;
  return regions.includes(country) ? 1 : -1;
};

/**
 * What the commands of a data layer say together. `place` is the visitor's region in ISO 3166-2, "DE" or "US-CA".
 * Nobody has been asked yet where a default denies; a default that grants holds once `wait` milliseconds are over.
 */
export const readCommands = (commands, place) => {
  const of = (type) => {
    let best;
    let updated;
    let wait = 0;
    for (const { kind, given } of commands) {
      const value = given[type];
      if (kind === "default") {
        const how = fit(given.region, place);
        if (how >= 0) wait = Math.max(wait, given.wait_for_update || 0);
        if (how < 0 || (value !== "granted" && value !== "denied")) continue;
        // among equals the later one counts; among regions that may all be the visitor's, the one that denies
        const isUnsure = !place && best && best.how + how > 0;
        const isBetter = isUnsure
          ? value === "denied"
          : !best || how >= best.how;
        if (isBetter) best = { value, how };
      } else if (value === "granted" || value === "denied") updated = value;
    }
    return { updated, standard: best?.value, wait };
  };
  const storage = of("ad_storage");
  const data = of("ad_user_data");
  return {
    measure:
      storage.updated === undefined
        ? storage.standard === "granted" || undefined
        : storage.updated === "granted",
    user: (data.updated ?? data.standard ?? "granted") === "granted",
    wait: storage.updated === undefined ? storage.wait : 0,
  };
};

// IAB

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
