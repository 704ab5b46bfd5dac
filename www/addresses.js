// Where the pixel's requests go.

import { quote } from "./copy.js";
import { attempt } from "./guard.js";

const EVENTS = "https://bzr.openai.com/v1/sdk/events";
const SETTINGS = "https://bzrcdn.openai.com/pixel-config/v1";

/** Throws, with a message for the site's developer, if the address may not be used. */
const checked = (name, given) => {
  const isText = typeof given === "string";
  const url = isText && given && attempt(() => new URL(given, location.href));
  if (
    !url ||
    (url.protocol !== "https:" && url.origin !== location.origin) ||
    url.username ||
    url.password
  )
    throw new Error(
      `nothing is measured: ${name} must be https or the page's own origin, without a user name, but is ${isText ? quote(given.slice(0, 200)) : typeof given}`,
    );
  return url.origin + url.pathname.replace(/\/+$/, "") + url.search;
};

/**
 * How requests for events are made. Answers of other origins can be read, and a request that is refused be told from one
 * that has arrived, only where the endpoint allows it (CORS) and the page says so.
 */
export let mode = "no-cors";

/** The addresses for events and settings: the script element's, else the page's config's, else OpenAI's. */
export const addresses = (element, config) => {
  if (element?.hasAttribute("data-cors") || config.cors === true) mode = "cors";
  const pick = (name, standard) => {
    const attribute = element?.getAttribute(`data-${name}`);
    if (attribute != null) return checked(`data-${name}`, attribute);
    const given = config[name];
    return given == null ? standard : checked(`oaiq.config.${name}`, given);
  };
  return {
    events: pick("endpoint", EVENTS),
    settings: pick("settings", SETTINGS),
  };
};
