// Interprets what consent APIs return. Pure: nothing here needs a browser.

// Google Consent Mode

/**
 * A command about consent, as read from a data layer. `region` is in upper case; undefined means everywhere.
 *
 * @typedef {object} Command
 * @property {"default" | "update"} kind
 * @property {{
 *   ad_storage?: unknown,
 *   ad_user_data?: unknown,
 *   wait_for_update?: unknown,
 *   region?: string[] | undefined,
 * }} params
 */

/** @typedef {{ regions: string[] | undefined, value: "granted" | "denied" }} Default */

/**
 * How specifically a list of regions covers a place; -1 if it does not.
 *
 * @param {string[] | undefined} regions
 * @param {string} place
 */
const specificity = (regions, place) => {
  if (!regions) return 0;
  if (regions.includes(place)) return 2;
  return regions.includes(place.split("-")[0]) ? 1 : -1;
};

/**
 * The default for a visitor at that place: the most specific region wins, and the last command among equals. undefined if no
 * default covers the place.
 *
 * @param {string} place
 * @param {Default[]} defaults
 */
const defaultAt = (place, defaults) => {
  let best = 0;
  /** @type {Default["value"] | undefined} */
  let value;
  for (const it of defaults) {
    const current = specificity(it.regions, place);
    if (current < best) continue;
    best = current;
    value = it.value;
  }
  return value;
};

/**
 * The default for a visitor whose place is unknown. They may be anywhere, so a denial for any region counts, and a grant for
 * some regions does not.
 *
 * @param {Default[]} defaults
 */
const defaultAnywhere = (defaults) =>
  defaults.some(({ regions, value }) => regions && value === "denied")
    ? "denied"
    : defaults.filter(({ regions }) => !regions).pop()?.value;

/**
 * The consent that the commands of a data layer give together. A default that denies is no answer yet, because the visitor has
 * not been asked. A default that grants (`byDefault`) counts after `wait` milliseconds, if no update follows.
 *
 * @param {Command[]} commands
 * @param {string} place - the visitor's region by ISO 3166-2, such as "DE" or "US-CA", or "" if it is unknown
 */
export const interpretGoogle = (commands, place) => {
  /** @param {"ad_storage" | "ad_user_data"} type */
  const read = (type) => {
    /** @type {Default[]} */
    const defaults = [];
    /** @type {Default["value"] | undefined} */
    let updated;
    for (const { kind, params } of commands) {
      const value = params[type];
      if (value !== "granted" && value !== "denied") continue;
      if (kind === "update") updated = value;
      else defaults.push({ regions: params.region, value });
    }
    return {
      updated,
      value:
        updated ??
        (place ? defaultAt(place, defaults) : defaultAnywhere(defaults)),
    };
  };
  const storage = read("ad_storage");
  const userData = read("ad_user_data");
  const byDefault = !storage.updated && storage.value === "granted";
  let wait = 0;
  for (const { kind, params } of commands) {
    const { region } = params;
    const ms = /** @type {number} */ (params.wait_for_update);
    if (byDefault && kind === "default" && ms > wait)
      if (!region || !place || specificity(region, place) > 0) wait = +ms;
  }
  return {
    measure: byDefault || (storage.updated && storage.value === "granted"),
    user: userData.value !== "denied",
    byDefault,
    wait,
  };
};

// IAB

/** Store and access information on a device (1), and measure advertising performance (7). */
const PURPOSES = [1, 7];

/**
 * The part of a TCData object that is read here
 * (https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework).
 *
 * @typedef {object} TcData
 * @property {boolean} [gdprApplies]
 * @property {string} [eventStatus]
 * @property {{ consents?: Record<string, boolean> }} [purpose]
 * @property {{ consents?: Record<string, boolean>, disclosedVendors?: Record<string, boolean> }} [vendor]
 */

/**
 * Whether a TCData object gives consent; undefined until the visitor has answered.
 *
 * @param {TcData | undefined} data
 * @param {string} vendor - the ID of a vendor that must be allowed as well, or ""
 */
export const interpretTcf = (data, vendor) => {
  if (data?.gdprApplies === false) return true;
  const { eventStatus, purpose, vendor: vendors } = data ?? {};
  if (eventStatus !== "tcloaded" && eventStatus !== "useractioncomplete")
    return;
  if (!PURPOSES.every((id) => purpose?.consents?.[id] === true)) return false;
  if (!vendor) return true;
  // since TCF 2.3, a vendor that was not shown to the visitor has no consent
  return (
    vendors?.consents?.[vendor] === true &&
    vendors.disclosedVendors?.[vendor] !== false
  );
};

/** Fields of the US sections: 1 means opted out, 2 not opted out, 0 not applicable. */
const OPT_OUTS = ["SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"];

/**
 * The part of GPP's ping data that is read here (https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform).
 *
 * @typedef {object} GppPing
 * @property {string} [signalStatus]
 * @property {Record<string, any>} [parsedSections]
 */

/**
 * Whether GPP's ping data gives consent; undefined until the signal is ready and the sections are there.
 *
 * @param {GppPing | undefined} ping
 */
export const interpretGpp = (ping) => {
  if (ping?.signalStatus !== "ready" || !ping.parsedSections) return;
  for (const [name, section] of Object.entries(ping.parsedSections)) {
    if (!/^us/.test(name)) continue;
    // some CMPs give a section as an array of parts, others as one object
    for (const part of Array.isArray(section) ? section.flat() : [section]) {
      if (OPT_OUTS.some((field) => part?.[field] === 1)) return false;
      if (name === "uspv1" && isUspOptOut(part)) return false;
    }
  }
  return true;
};

/**
 * The US Privacy String, such as "1YYN", whose third character is the opt-out of sale, or its fields.
 *
 * @param {string | { OptOutSale?: unknown } | null} part
 */
const isUspOptOut = (part) =>
  typeof part === "string" ? part[2] === "Y" : part?.OptOutSale === "Y";
