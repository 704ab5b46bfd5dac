// Finds options with values that the pixel ignores: www/pixel/options.js and www/consent/options.js read them, and
// tests/unit/ignored-options.test.mjs compares. Other invalid values stop the pixel with a warning, so they are not here.

/** @param {unknown} value */
const text = (value) => String(value).trim();
/** @param {unknown} value */
const isEmpty = (value) => text(value) === "";
/** @param {unknown} value */
const isSwitch = (value) => value === "on" || value === "off";
/** @param {unknown} value */
const isFlag = (value) => isEmpty(value) || /^(true|off)$/.test(text(value));

/**
 * The values of attributes without the prefix "data-oaiq-", which other tools use too.
 *
 * @type {Record<string, (value: string) => boolean>}
 */
const UNPREFIXED = {
  consent: (value) => value === "pending",
  "consent-source": (value) => /^((google|tcf|gpp|gpc)\b[\s,]*)+$/i.test(value),
  gpc: (value) => value === "" || value === "opt-out",
  cors: (value) => value === "",
  "google-data-layer": (value) => /^[\w$]+$/.test(text(value)),
  region: (value) =>
    /^(?!(eu|uk)$)[a-z]{2}(-[a-z\d]{1,3})?$/i.test(text(value)),
  "tcf-vendor": (value) => /^\d+$/.test(text(value)),
  "click-passthrough": isEmpty,
};

/**
 * The values of the pixel's own attributes that ignore any other.
 *
 * @type {Record<string, (value: string) => boolean>}
 */
const PREFIXED = {
  consent: (value) => value === "pending" || value === "off",
  "click-passthrough": isFlag,
  diagnostics: isSwitch,
  wasm: isSwitch,
};

/**
 * The same for keys of `oaiq.config`, apart from undefined, null and booleans.
 *
 * @type {Record<string, (value: unknown) => boolean>}
 */
const CONFIG = {
  consent: (value) => value === "pending" || value === "off" || value === "",
  clickPassthrough: isFlag,
  diagnostics: isSwitch,
  wasm: isSwitch,
};

/**
 * The attributes and config keys whose values the pixel ignores, with these values.
 *
 * @param {(name: string) => string | null | undefined} getAttribute
 * @param {Record<string, unknown>} config
 * @returns {[name: string, value: string][]}
 */
export const ignoredOptions = (getAttribute, config) => {
  /** @type {[name: string, value: string][]} */
  const ignored = [];
  for (const [prefix, known] of /** @type {const} */ ([
    ["data-", UNPREFIXED],
    ["data-oaiq-", PREFIXED],
  ]))
    for (const [name, isKnown] of Object.entries(known)) {
      const value = getAttribute(prefix + name);
      if (value != null && !isKnown(value))
        ignored.push([prefix + name, value]);
    }
  for (const [key, isKnown] of Object.entries(CONFIG)) {
    const value = config[key];
    if (value != null && typeof value !== "boolean" && !isKnown(value))
      ignored.push([`oaiq.config.${key}`, String(value)]);
  }
  return ignored;
};
