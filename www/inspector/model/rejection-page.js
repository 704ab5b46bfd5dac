/** The page on which a call was rejected. Diagnostics do not name it, but the data around them often does. */
/** @import { EventRecord, RejectionPage } from "./types.d.ts" */
import { asObject, browserIdOf, isServer, timeOf } from "./event.js";
import { addTo } from "./multimap.js";
import { reportsRejections } from "./rejections.js";

/** @typedef {{ url: string, time: number }} PageSeen */

/**
 * The page of each diagnostic that reports rejected calls, where it is known: from the events of the same request, from
 * its Referer, or else, not certain, from the browser's previous event.
 *
 * @param {EventRecord[]} newestFirst
 * @returns {Map<EventRecord, RejectionPage>}
 */
export const rejectionPages = (newestFirst) => {
  /** @type {Map<EventRecord, RejectionPage>} */
  const pages = new Map();
  const wanted = newestFirst.filter(({ event }) => reportsRejections(event));
  if (wanted.length === 0) return pages;

  /** @type {Map<unknown, PageSeen[]>} */
  const byBatch = new Map();
  /** @type {Map<unknown, PageSeen[]>} */
  const byBrowser = new Map();
  for (const entry of newestFirst) {
    const url = webUrl(asObject(entry.event).source_url);
    if (url === undefined || isServer(entry)) continue;
    const seen = { url, time: timeOf(entry) };
    addTo(byBatch, entry.batch, seen);
    const browser = browserIdOf(entry);
    if (browser !== undefined) addTo(byBrowser, browser, seen);
  }
  for (const list of byBrowser.values())
    list.sort((one, other) => one.time - other.time);

  for (const entry of wanted) {
    const certain =
      onlyUrl(byBatch.get(entry.batch)) ?? refererUrl(entry.referer);
    const url =
      certain ??
      lastBefore(byBrowser.get(browserIdOf(entry)) ?? [], timeOf(entry));
    if (url !== undefined)
      pages.set(entry, { url, isCertain: certain !== undefined });
  }
  return pages;
};

/**
 * The URL that all events of a request share. Two pages can share a request; then neither is known to be the one.
 *
 * @param {PageSeen[]} [list]
 */
const onlyUrl = (list = []) =>
  list.every(({ url }) => url === list[0].url) ? list[0]?.url : undefined;

/**
 * The page of a Referer. Without a path it may be only an origin (Referrer-Policy), which does not name a page.
 *
 * @param {unknown} referer
 */
const refererUrl = (referer) => {
  const url = webUrl(referer);
  return url === undefined || new URL(url).pathname === "/" ? undefined : url;
};

/**
 * @param {PageSeen[]} byTime
 * @param {number} time
 */
const lastBefore = (byTime, time) =>
  (byTime.findLast((item) => item.time <= time) ?? byTime[0])?.url;

/**
 * An http(s) URL without query and fragment.
 *
 * @param {unknown} text
 */
const webUrl = (text) => {
  if (typeof text !== "string" || !URL.canParse(text)) return undefined;
  const { protocol, origin, pathname } = new URL(text);
  return protocol === "http:" || protocol === "https:"
    ? origin + pathname
    : undefined;
};

/**
 * The same page with debug logging on.
 *
 * @param {string} url
 */
export const debugUrl = (url) => `${url}?oaiq_debug=1`;
