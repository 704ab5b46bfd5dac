/** On which page a call was refused. Diagnostics name no page, but what came with them often does. */
import {
  asObject,
  browserOf,
  isDiagnostic,
  isServer,
  timeOf,
} from "./event.js";
import { refusedCount } from "./rejections.js";

/**
 * A Map from each diagnostic with refused calls to `{url, sure}`, where a page is known: from the events of the same
 * request, from its Referer, or from what the same browser did last before. The last of these is not `sure`.
 */
export const refusalPages = (newestFirst) => {
  const pages = new Map();
  const wanted = newestFirst.filter(
    ({ event }) => isDiagnostic(event) && refusedCount(event.data) > 0,
  );
  if (wanted.length === 0) return pages;

  const byBatch = new Map();
  const byBrowser = new Map();
  for (const entry of newestFirst) {
    const url = webAddress(asObject(entry.event).source_url);
    if (url === undefined || isServer(entry)) continue;
    add(byBatch, entry.batch, { url });
    const browser = browserOf(entry);
    if (browser !== undefined)
      add(byBrowser, browser, { url, time: timeOf(entry) });
  }
  for (const list of byBrowser.values())
    list.sort((one, other) => one.time - other.time);

  for (const entry of wanted) {
    const page =
      sure(onlyOne(byBatch.get(entry.batch))) ??
      sure(refererOf(entry)) ??
      likely(lastBefore(byBrowser.get(browserOf(entry)), timeOf(entry)));
    if (page) pages.set(entry, page);
  }
  return pages;
};

const add = (lists, key, item) => {
  if (!lists.has(key)) lists.set(key, []);
  lists.get(key).push(item);
};

const sure = (url) => url && { url, sure: true };
const likely = (url) => url && { url, sure: false };

/** Events of two pages may share a request; then neither is known to be the one. */
const onlyOne = (list = []) =>
  list.length > 0 && list.every(({ url }) => url === list[0].url)
    ? list[0].url
    : undefined;

/** The page of a Referer. One without a path may be cut down to its origin, and names no page. */
const refererOf = ({ referer }) => {
  const url = webAddress(referer);
  return url === undefined || new URL(url).pathname === "/" ? undefined : url;
};

const lastBefore = (list = [], time) => {
  let found;
  for (const item of list) if (item.time <= time) found = item;
  return (found ?? list[0])?.url;
};

/** An http(s) address without query and fragment. */
const webAddress = (text) => {
  if (typeof text !== "string" || !URL.canParse(text)) return undefined;
  const { protocol, origin, pathname } = new URL(text);
  return protocol === "http:" || protocol === "https:"
    ? origin + pathname
    : undefined;
};

/** The same page with the debug mode on. */
export const debugAddress = (url) => `${url}?oaiq_debug=1`;
