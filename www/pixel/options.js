// Reads the options of the page: attributes of the script element, else `oaiq.config`.

import { assetUrl, scriptElement } from "oaiq:asset-urls";
import { NOT_MEASURING, tryOr } from "./safe-builtins.js";
import { serialize } from "./serialize-call.js";

/** URLs of the developer's own machine. */
const LOOPBACK = /^https?:\/\/(localhost|127\.[\d.]+|\[::1])[:/]/;

/**
 * Whether an option is set and not off. An attribute without a value is set, and so is `oaiq.config.cors: true`.
 *
 * @param {unknown} value
 */
export const isOn = (value) =>
  value != null && value !== false && value !== "off";

/**
 * Returns the URL of an endpoint. Throws an error whose message is for the site's developer, if the URL is not allowed.
 *
 * @param {string} name
 * @param {unknown} given
 * @param {string} [defaultUrl] - of an option that may be missing
 */
const checkUrl = (name, given, defaultUrl) => {
  if (given == null) return /** @type {string} */ (defaultUrl);
  const url = tryOr(
    () => given && new URL(/** @type {string} */ (given), location.href),
  );
  if (
    typeof given !== "string" ||
    !url ||
    (url.protocol !== "https:" &&
      url.origin !== location.origin &&
      !(LOOPBACK.test(url.href) && LOOPBACK.test(location.href))) ||
    url.username ||
    url.password
  )
    throw new Error(
      `${NOT_MEASURING}the option ${name} must be https or same-origin, but is ${serialize(given).slice(0, 100)}`,
    );
  return url.origin + url.pathname.replace(/\/+$/, "") + url.search;
};

/**
 * The mode of requests for events. With "cors" the page can read responses of other origins, and so tell a rejected request
 * from a delivered one, but the endpoint has to allow it. The page says whether it does.
 *
 * @type {RequestMode}
 */
export let requestMode = "no-cors";

/**
 * The directory of the site's own relay, if it has one.
 *
 * @type {string | false}
 */
export let relayUrl;
/** @type {string} */
export let eventsUrl;
/** @type {string} */
export let configUrl;
/**
 * What may be read from the page for matching. 1 if the page does not say.
 *
 * @type {unknown}
 */
export let matching;

/** @type {import("../types/oaiq.js").Config} */
let config;

/**
 * Returns the attribute `data-oaiq-<name>`, else `data-<name>`, else `oaiq.config[key]`. Other tools use attributes such as
 * data-consent, so the unprefixed name counts only with values that are `known`.
 *
 * @param {string} name
 * @param {RegExp} [known]
 * @returns {unknown}
 */
export const readOption = (name, known, key = name) => {
  const unprefixed = scriptElement?.getAttribute("data-" + name);
  return (
    scriptElement?.getAttribute("data-oaiq-" + name) ??
    (unprefixed != null && known?.test(unprefixed)
      ? unprefixed
      : /** @type {Record<string, unknown>} */ (config)[key])
  );
};

/** Whether calls wait for www/consent/entry.js. */
export const mustHold = () =>
  isOn(config.redactPath) ||
  readOption("consent", /^pending$/) === "pending" ||
  isOn(
    readOption(
      "consent-source",
      /^((google|tcf|gpp|gpc)([\s,]+|$))+$/i,
      "consentSource",
    ),
  ) ||
  isOn(readOption("gpc", /^(opt-out)?$/));

/**
 * Reads where requests go, and how. Throws if the page sets a URL that is not allowed.
 *
 * @param {import("../types/oaiq.js").Config} pageConfig
 */
export const readOptions = (pageConfig) => {
  config = pageConfig;
  let relay = readOption("relay");
  if (tryOr(() => /^(true)?$/.test(/** @type {string} */ (relay))))
    relay = assetUrl(".");
  matching = readOption("matching") ?? 1;
  relayUrl = isOn(relay) && checkUrl("relay", relay);
  // a relay allows it
  if (relayUrl || isOn(readOption("cors", /^$/))) requestMode = "cors";
  eventsUrl = checkUrl(
    "endpoint",
    readOption("endpoint", /^/),
    (relayUrl || "https://bzr.openai.com") + "/v1/sdk/events",
  );
  configUrl = checkUrl(
    "settings",
    readOption("settings", /^/),
    (relayUrl || "https://bzrcdn.openai.com") + "/pixel-config/v1",
  );
};
