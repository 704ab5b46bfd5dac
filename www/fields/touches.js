// Touches: where a visitor came from, at the first visit and at the last one that had a source. Pure: nothing here needs a browser.

import { each } from "../consent/lists.js";
import { tryOr } from "../pixel/safe-builtins.js";
import { aiSource } from "./ai-source.js";

/**
 * Texts by name: the time `at`, in milliseconds since 1970, the names in `TOUCH_FIELDS`, and `campaign`, which is empty if the URL
 * does not say where the visitor comes from.
 *
 * @typedef {Record<string, string>} Touch
 */

/** The names of a touch that are fields of forms. */
export const TOUCH_FIELDS = [
  "utm_source",
  "utm_medium",
  "utm_campaign",
  "utm_content",
  "utm_term",
  "landing_page",
  "referrer",
  "ai_source",
];
/** How many of them, from the start, are parameters of URLs. */
const PARAMETERS = 5;
/** Precedes the names of the first touch. */
export const FIRST = "first_";

/** In UTF-16 units. */
const MAX_LENGTH = 500;
const LIFE_MS = 90 * 24 * 60 * 60 * 1000;
/** Without a page for this long, a visit is over. */
const VISIT_MS = 30 * 60 * 1000;

/**
 * A URL without credentials, query and fragment; "" if it is none of the web's or of an Android app.
 *
 * @param {string} url
 */
export const publicUrl = (url) =>
  tryOr(() => {
    const { protocol, host, pathname } = new URL(url);
    return /^(https?|android-app):$/.test(protocol)
      ? `${protocol}//${host}${pathname}`
      : "";
  }, "");

/**
 * The host of a URL, without "www."; "" if there is none.
 *
 * @param {string} url
 */
const hostOf = (url) =>
  tryOr(() => new URL(url).hostname.replace(/^www\./, ""), "");

/**
 * Whether two hosts are one, or one is a subdomain of the other.
 *
 * @param {string} a
 * @param {string} b
 */
const isSameSite = (a, b) =>
  a === b || a.endsWith("." + b) || b.endsWith("." + a);

/**
 * Reads the touch of a page.
 *
 * @param {string} url - of the page when it was opened
 * @param {string} referrer
 * @param {number} now
 * @param {(url: string) => string} redact
 */
export const readTouch = (url, referrer, now, redact) => {
  const parameters = tryOr(() => new URL(url).searchParams);
  const clickId = parameters?.get("oppref");
  /** @type {Touch} */
  const touch = { at: `${now}`, campaign: clickId ?? "" };
  each(TOUCH_FIELDS, (name, i) => {
    touch[name] =
      (i < PARAMETERS && parameters?.get(name)?.slice(0, MAX_LENGTH)) || "";
    touch.campaign ||= touch[name];
  });
  const referrerHost = hostOf(referrer);
  /** @param {string} text */
  const page = (text) => redact(publicUrl(text)).slice(0, MAX_LENGTH);
  touch.landing_page = page(url);
  touch.referrer = isSameSite(referrerHost, hostOf(url)) ? "" : page(referrer);
  touch.ai_source = aiSource(
    clickId,
    touch.utm_source,
    touch.utm_medium,
    touch.referrer && referrerHost,
    /:~:text=/.test(url),
  );
  return touch;
};

/**
 * Returns what is to be stored once a page with this touch is open: the last touch, the first one with the prefix "first_", and
 * `seen`, the time.
 *
 * A direct visit keeps the last touch. So does a referrer within a visit: there it is the page of a payment or a login.
 *
 * @param {string} stored - what was stored before; "" if nothing was
 * @param {Touch} touch
 */
export const mergeTouches = (stored, touch) => {
  const now = +touch.at;
  const before = new URLSearchParams(stored);
  /** @param {string} name */
  const read = (name) => before.get(name) ?? "";
  // a time in the future is from a clock that was wrong
  /** @param {string} prefix */
  const isAlive = (prefix) => Math.abs(now - +read(prefix + "at")) < LIFE_MS;
  const hasLast = isAlive("");
  const hasFirst = isAlive(FIRST);
  const keepsLast =
    hasLast &&
    !touch.campaign &&
    (!touch.referrer || now - +read("seen") < VISIT_MS);
  const merged = new URLSearchParams({ seen: touch.at });
  /** @param {string} name */
  const merge = (name) => {
    merged.set(name, keepsLast ? read(name) : touch[name]);
    merged.set(
      FIRST + name,
      hasFirst ? read(FIRST + name) : hasLast ? read(name) : touch[name],
    );
  };
  merge("at");
  each(TOUCH_FIELDS, merge);
  return merged;
};
