// What a page tells the consent file: by attributes of the pixel's script element, or else by `oaiq.config`.

import { attempt } from "../pixel/safe-builtins.js";
import { add, each, joined, placeOf } from "./lists.js";

export const SOURCES = ["google", "tcf", "gpp", "gpc"];

const namesIn = (text) => text.toLowerCase().match(/[^\s,]+/g) ?? [];
const isSource = (name) => placeOf(SOURCES, (it) => it === name) >= 0;

/** ISO 3166-2. The Union is no country, and the code of the United Kingdom is GB. */
const isRegion = (text) =>
  /^[a-z]{2}(-[a-z\d]{1,3})?$/i.test(text) && !/^(eu|uk)$/i.test(text);

/**
 * Attributes without the pixel's prefix may be another tool's. Those that the pixel used to document count with the values
 * that it documented.
 */
const IS_OURS = {
  consent: (text) => text === "pending",
  "consent-source": (text) =>
    placeOf(namesIn(text), (it) => !isSource(it)) < 0 && /\S/.test(text),
  "google-data-layer": (text) => /^[\w$]+$/.test(text),
  region: isRegion,
  "tcf-vendor": (text) => /^\d+$/.test(text),
  gpc: (text) => text === "" || text === "opt-out",
  "click-passthrough": (text) => text === "",
};

/**
 * What is asked for, and in `faults` what cannot be meant, each as a line for the site's developer. `attribute` gives an
 * attribute's text, or null.
 */
export const optionsOf = (attribute, config) => {
  const faults = [];
  /** The text, and the name under which a page has given it. Nothing if it has not. */
  const find = (name, key) => {
    const own = attempt(() => attribute(`data-oaiq-${name}`)) ?? null;
    if (own !== null) return { text: own.trim(), as: `data-oaiq-${name}` };
    const old = attempt(() => attribute(`data-${name}`)) ?? null;
    if (old !== null && IS_OURS[name](old.trim()))
      return { text: old.trim(), as: `data-${name}` };
    const given = attempt(() => config[key]) ?? false;
    if (given === false || given === "") return;
    return {
      // true is an attribute without a value
      text: given === true ? "" : attempt(() => `${given}`.trim(), ""),
      as: `oaiq.config.${key}`,
    };
  };

  const source = find("consent-source", "consentSource");
  const names = [];
  const addName = (name) => {
    if (placeOf(names, (it) => it === name) < 0) add(names, name);
  };
  each(namesIn(source?.text ?? ""), addName);
  const known = joined(SOURCES, ", ");
  each(names, (name) => {
    if (!isSource(name))
      add(
        faults,
        `nothing is measured: ${source.as} names "${name}", and there are only ${known}`,
      );
  });
  if (source && !names.length)
    add(
      faults,
      `nothing is measured before oaiq("consent", true): ${source.as} names no source; there are ${known}`,
    );

  const gpc = find("gpc", "gpc");
  if (gpc) addName("gpc");
  if (gpc && !/^(true|opt-out)?$/.test(gpc.text))
    add(
      faults,
      `${gpc.as} is empty or "opt-out": with "${gpc.text}", Global Privacy Control is a denial`,
    );

  const place = find("region", "region");
  const region = place && isRegion(place.text) ? place.text.toUpperCase() : "";
  if (place?.text && !region)
    add(
      faults,
      `${place.as} must be a country or a part of one by ISO 3166-2, such as "DE", "GB" or "US-CA", but is "${place.text}": a default that denies for any region counts`,
    );

  const vendor = find("tcf-vendor", "tcfVendor");
  if (vendor && !/^\d+$/.test(vendor.text))
    add(
      faults,
      `nothing is measured where the TCF asks: ${vendor.as} must be a vendor's number, but is "${vendor.text}"`,
    );

  const redactPath = attempt(() => config.redactPath) ?? false;
  // where nothing else is asked for, this file is here to redact
  const asks =
    names.length > 0 ||
    source !== undefined ||
    find("consent", "consent")?.text === "pending" ||
    redactPath === false;

  const click = find("click-passthrough", "clickPassthrough");

  return {
    /** Whether the visitor is to be asked. */
    asks,
    redactPath,
    // nobody but the page itself
    names: names.length ? names : ["call"],
    googleDataLayer: find("google-data-layer", "googleDataLayer")?.text ?? "",
    region,
    tcfVendor: vendor ? vendor.text || "none" : "",
    gpc: gpc?.text === "opt-out" ? "opt-out" : "",
    passesClick: /^(true)?$/.test(click ? click.text : "no"),
    faults,
  };
};
