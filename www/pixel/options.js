// What a page asks of the pixel: by attributes of the script's element, else by `oaiq.config`.

import { element } from "oaiq:asset-urls";
import { copy } from "./serialize-call.js";
import { attempt, NOTHING } from "./safe-builtins.js";

const EVENTS = "https://bzr.openai.com/v1/sdk/events";
const SETTINGS = "https://bzrcdn.openai.com/pixel-config/v1";

/** Browsers take these addresses for this very machine. */
const LOOPBACK = /^https?:\/\/(localhost|127\.[\d.]+|\[::1])[:/]/;

/** An attribute without a value is set, and so is `oaiq.config.cors: true`. */
const isSet = (value) => value != null && value !== false;
const isOff = (value) => value === false || value === "off";

/** Throws, with a message for the site's developer, if the address may not be used. */
const checked = (name, given, standard) => {
  if (given == null) return standard;
  const url = attempt(() => given && new URL(given, location.href));
  if (
    typeof given !== "string" ||
    !url ||
    (url.protocol !== "https:" &&
      url.origin !== location.origin &&
      // a server on the developer's own machine
      !(LOOPBACK.test(url.href) && LOOPBACK.test(location.href))) ||
    url.username ||
    url.password
  )
    throw new Error(
      `${NOTHING}data-oaiq-${name} (oaiq.config.${name}) must be https or same-origin, but is ${copy(given).slice(0, 100)}`,
    );
  return url.origin + url.pathname.replace(/\/+$/, "") + url.search;
};

/**
 * How requests for events are made. Answers of other origins can be read, and a request that is refused be told from one
 * that has arrived, only where the endpoint allows it (CORS) and the page says so.
 */
export let mode = "no-cors";

/** Reads all of it. Throws where the page asks for an address that may not be used. */
export const readOptions = (config) => {
  /**
   * The value of the attribute `data-oaiq-<name>`, else of `oaiq.config[key]`. Other tools use attributes like data-consent, so
   * the older name `data-<name>` counts only with values that are `known`.
   */
  const of = (name, known, key = name) => {
    const older = element?.getAttribute("data-" + name);
    return (
      element?.getAttribute("data-oaiq-" + name) ??
      (older != null && known?.test(older) ? older : config[key])
    );
  };
  if (isSet(of("cors", /^$/))) mode = "cors";
  return {
    events: checked("endpoint", of("endpoint", /^/), EVENTS),
    settingsUrl: checked("settings", of("settings", /^/), SETTINGS),
    /** Calls wait for www/consent/entry.js: the visitor is to be asked, by the page's own calls or by a consent manager. */
    waits:
      isSet(config.redactPath) ||
      of("consent", /^pending$/) === "pending" ||
      isSet(
        of(
          "consent-source",
          /^((google|tcf|gpp|gpc)\b[\s,]*)+$/i,
          "consentSource",
        ),
      ) ||
      isSet(of("gpc", /^(opt-out)?$/)),
    hasWasm: !isOff(of("wasm")),
    isSilent: isOff(of("diagnostics")),
  };
};
