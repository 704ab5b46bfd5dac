// Reads the options of the consent file: attributes of the script element, else `oaiq.config`.

import { tryOr } from "../pixel/safe-builtins.js";
import { append, each, findIndex, join } from "./lists.js";

/**
 * @typedef {object} Options
 * @property {boolean} mustAsk - whether calls wait for an answer
 * @property {unknown} redactPath - false if no paths are redacted
 * @property {string[]} sources - `["call"]` if only the page itself answers
 * @property {string} googleDataLayer - its name, or ""
 * @property {string} region - by ISO 3166-2, in upper case, or ""
 * @property {string} tcfVendor - the ID of a vendor of the TCF, or ""
 * @property {"opt-out" | ""} gpc - "opt-out": Global Privacy Control opts events out instead of denying consent
 * @property {boolean} forwardsClickId
 * @property {string[]} warnings - about invalid options, for the site's developer
 */

const SOURCE_NAMES = ["google", "tcf", "gpp", "gpc"];

/** @param {string} text */
const namesIn = (text) => text.toLowerCase().match(/[^\s,]+/g) ?? [];
/** @param {string} name */
const isSource = (name) => findIndex(SOURCE_NAMES, (it) => it === name) >= 0;

/**
 * ISO 3166-2. EU is not a country, and the code of the United Kingdom is GB.
 *
 * @param {string} text
 */
const isRegion = (text) =>
  /^[a-z]{2}(-[a-z\d]{1,3})?$/i.test(text) && !/^(eu|uk)$/i.test(text);

/**
 * Attributes without the prefix "data-oaiq-" may belong to another tool. They count only with the values that older versions
 * of the pixel documented.
 *
 * @type {Record<string, (text: string) => boolean>}
 */
const IS_KNOWN_VALUE = {
  consent: (text) => text === "pending",
  "consent-source": (text) =>
    findIndex(namesIn(text), (it) => !isSource(it)) < 0 && /\S/.test(text),
  "google-data-layer": (text) => /^[\w$]+$/.test(text),
  region: isRegion,
  "tcf-vendor": (text) => /^\d+$/.test(text),
  gpc: (text) => text === "" || text === "opt-out",
  "click-passthrough": (text) => text === "",
};

/**
 * @param {(name: string) => string | null | undefined} getAttribute
 * @param {import("../types/oaiq.js").Config} config
 * @returns {Options}
 */
export const readOptions = (getAttribute, config) => {
  /** @type {string[]} */
  const warnings = [];
  /** @param {string} line */
  const addWarning = (line) => append(warnings, line);
  /**
   * The text of an option, and where the page sets it; undefined if the page does not set it, or sets it to "off".
   *
   * @param {string} name
   * @param {keyof typeof config} key
   */
  const find = (name, key) => {
    const own = tryOr(() => getAttribute(`data-oaiq-${name}`)) ?? null;
    if (own === "off") return;
    if (own !== null) return { text: own.trim(), from: `data-oaiq-${name}` };
    const unprefixed = tryOr(() => getAttribute(`data-${name}`)) ?? null;
    if (unprefixed !== null && IS_KNOWN_VALUE[name](unprefixed.trim()))
      return { text: unprefixed.trim(), from: `data-${name}` };
    const value = tryOr(() => config[key]) ?? false;
    if (value === false || value === "" || value === "off") return;
    return {
      // true is like an attribute without a value
      text: value === true ? "" : tryOr(() => `${value}`.trim(), ""),
      from: `oaiq.config.${key}`,
    };
  };

  const source = find("consent-source", "consentSource");
  /** @type {string[]} */
  const sources = [];
  /** @param {string} name */
  const addSource = (name) => {
    if (findIndex(sources, (it) => it === name) < 0) append(sources, name);
  };
  each(namesIn(source?.text ?? ""), addSource);
  const known = join(SOURCE_NAMES, ", ");
  each(sources, (name) => {
    if (!isSource(name))
      addWarning(
        `nothing is measured: ${source?.from} names the unknown source "${name}" (known: ${known})`,
      );
  });
  if (source && !sources.length)
    addWarning(
      `nothing is measured before oaiq("consent", true): ${source.from} names no source (known: ${known})`,
    );

  const gpc = find("gpc", "gpc");
  if (gpc) addSource("gpc");
  if (gpc && !/^(true|opt-out)?$/.test(gpc.text))
    addWarning(
      `${gpc.from} must be empty or "opt-out", but is "${gpc.text}": Global Privacy Control counts as a denial`,
    );

  const place = find("region", "region");
  const region = place && isRegion(place.text) ? place.text.toUpperCase() : "";
  if (place?.text && !region)
    addWarning(
      `${place.from} must be a country or a part of one by ISO 3166-2, such as "DE", "GB" or "US-CA", but is "${place.text}": a default that denies for any region counts`,
    );

  const vendor = find("tcf-vendor", "tcfVendor");
  if (vendor && !/^\d+$/.test(vendor.text))
    addWarning(
      `nothing is measured where the TCF applies: ${vendor.from} must be the number of a vendor, but is "${vendor.text}"`,
    );

  const paths = tryOr(() => config.redactPath) ?? false;
  const redactPath = paths !== "off" && paths;
  const mustAsk =
    sources.length > 0 ||
    source !== undefined ||
    find("consent", "consent")?.text === "pending" ||
    // without redactPath, only consent can be the reason why this file was loaded
    redactPath === false;

  const click = find("click-passthrough", "clickPassthrough");

  return {
    mustAsk,
    redactPath,
    sources: sources.length ? sources : ["call"],
    googleDataLayer: find("google-data-layer", "googleDataLayer")?.text ?? "",
    region,
    // an invalid vendor has no consent
    tcfVendor: vendor ? vendor.text || "none" : "",
    gpc: gpc?.text === "opt-out" ? "opt-out" : "",
    forwardsClickId: /^(true)?$/.test(click ? click.text : "no"),
    warnings,
  };
};
