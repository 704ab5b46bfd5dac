// Reads the options of the page: attributes of the script element, else `oaiq.config`.

import { NOT_MEASURING, tryOr } from "./safe-builtins.js";
import { serialize } from "./serialize-call.js";
import { scriptElement } from "oaiq:asset-urls";

const EVENTS = "https://bzr.openai.com/v1/sdk/events";
const PIXEL_CONFIG = "https://bzrcdn.openai.com/pixel-config/v1";

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
 * @param {string} defaultUrl
 */
const checkUrl = (name, given, defaultUrl) => {
  if (given == null) return defaultUrl;
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
      `${NOT_MEASURING}data-oaiq-${name} (oaiq.config.${name}) must be https or same-origin, but is ${serialize(given).slice(0, 100)}`,
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

/** @type {string} */
export let eventsUrl;
/** @type {string} */
export let configUrl;
/**
 * Whether calls wait for www/consent/entry.js.
 *
 * @type {boolean}
 */
export let mustHold;
/** @type {boolean} */
export let mayUseWasm;
/**
 * Whether no diagnostics are sent while consent is denied.
 *
 * @type {boolean}
 */
export let isSilent;

/**
 * What may be read from the page for matching. 1 if the page does not say.
 *
 * @type {unknown}
 */
export let matching;
/**
 * The options of the files that connect the pixel to the page (integrations.js).
 *
 * @type {unknown}
 */
export let layer;
/** @type {unknown} */
export let fields;
/** @type {unknown} */
export let pageViews;

/**
 * Sets the options above. Throws if the page sets an endpoint that is not allowed.
 *
 * @param {import("../types/oaiq.js").Config} config
 */
export const readOptions = (config) => {
  /**
   * Returns the attribute `data-oaiq-<name>`, else `data-<name>`, else `oaiq.config[key]`. Other tools use attributes such as
   * data-consent, so the unprefixed name counts only with values that are `known`.
   *
   * @param {string} name
   * @param {RegExp} [known]
   * @returns {unknown}
   */
  const read = (name, known, key = name) => {
    const unprefixed = scriptElement?.getAttribute("data-" + name);
    return (
      scriptElement?.getAttribute("data-oaiq-" + name) ??
      (unprefixed != null && known?.test(unprefixed)
        ? unprefixed
        : /** @type {Record<string, unknown>} */ (config)[key])
    );
  };
  if (isOn(read("cors", /^$/))) requestMode = "cors";
  eventsUrl = checkUrl("endpoint", read("endpoint", /^/), EVENTS);
  configUrl = checkUrl("settings", read("settings", /^/), PIXEL_CONFIG);
  mustHold =
    isOn(config.redactPath) ||
    read("consent", /^pending$/) === "pending" ||
    isOn(
      read(
        "consent-source",
        /^((google|tcf|gpp|gpc)\b[\s,]*)+$/i,
        "consentSource",
      ),
    ) ||
    isOn(read("gpc", /^(opt-out)?$/));
  mayUseWasm = isOn(read("wasm") ?? 1);
  isSilent = !isOn(read("diagnostics") ?? 1);
  matching = read("matching") ?? 1;
  layer = read("layer");
  fields = read("fields");
  pageViews = read("page-views", undefined, "pageViews");
};
