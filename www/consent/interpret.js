// What the words of each source of consent mean. Nothing here knows a browser.

// Google Consent Mode

/** The place that a region names better is the more specific one; below 0 where the region does not cover the place. */
const specificity = (regions, place) => {
  if (!regions) return 0;
  if (regions.includes(place)) return 2;
  return regions.includes(place.split("-")[0]) ? 1 : -1;
};

/**
 * The default for a visitor at that place: the most specific region wins, and among equals the last command. Nothing if no
 * default covers the place.
 */
const defaultAt = (place, defaults) => {
  let best = 0;
  let value;
  for (const it of defaults) {
    const how = specificity(it.regions, place);
    if (how < best) continue;
    best = how;
    value = it.value;
  }
  return value;
};

/**
 * The default for a visitor whose place nobody has said. They may be anywhere, so a denial for any region counts, and a grant
 * for some regions alone is none.
 */
const defaultAnywhere = (defaults) =>
  defaults.some(({ regions, value }) => regions && value === "denied")
    ? "denied"
    : defaults.filter(({ regions }) => !regions).pop()?.value;

/**
 * What the commands of a data layer say together. `place` is the visitor's region in ISO 3166-2, "DE" or "US-CA", or "".
 * Nobody has been asked yet where a default denies. A default that grants holds only once `wait` milliseconds are over;
 * `byDefault` says that nothing but a default grants.
 */
export const readCommands = (commands, place) => {
  const of = (type) => {
    const defaults = [];
    let updated;
    for (const { kind, given } of commands) {
      const value = given[type];
      if (value !== "granted" && value !== "denied") continue;
      if (kind === "update") updated = value;
      else defaults.push({ regions: given.region, value });
    }
    return updated
      ? { updated, value: updated }
      : {
          value: place ? defaultAt(place, defaults) : defaultAnywhere(defaults),
        };
  };
  const storage = of("ad_storage");
  const data = of("ad_user_data");
  const byDefault = !storage.updated && storage.value === "granted";
  let wait = 0;
  for (const { kind, given } of commands) {
    const { region, wait_for_update: asked } = given;
    if (byDefault && kind === "default" && asked > wait)
      if (!region || !place || specificity(region, place) > 0) wait = +asked;
  }
  return {
    measure: byDefault || (storage.updated && storage.value === "granted"),
    user: data.value !== "denied",
    byDefault,
    wait,
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
  // without its sections nobody knows what the visitor has said
  if (!ping.parsedSections) return;
  for (const [name, section] of Object.entries(ping.parsedSections)) {
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
