/** Who did what on which page, by time. */
/** @import { EventRecord, TimelineRow, Visit, VisitedPage } from "./types.d.ts" */
import {
  browserIdOf,
  clickIdOf,
  dataOf,
  dedupKeyOf,
  isInit,
  isInternal,
  isServer,
  timeOf,
} from "./event.js";
import { addTo } from "./multimap.js";

/** The visitor of events without identity. */
export const ANONYMOUS = "anonymous";
/** The visitor of server events that belong to no known visitor. */
export const SERVER = "server";

/**
 * The visits of these entries; the one that began last comes first.
 *
 * @param {EventRecord[]} newestFirst
 * @returns {Visit[]}
 */
export const groupVisits = (newestFirst) => {
  const visitorOf = visitorFinder(newestFirst);
  /** @type {Map<string, EventRecord[]>} */
  const byVisitor = new Map();
  for (const entry of [...newestFirst].reverse())
    addTo(byVisitor, visitorOf(entry), entry);
  const visits = [...byVisitor].map(([visitor, entries]) => {
    const first = entries[0].seq;
    // The sort is stable: entries of the same time stay in the order of arrival.
    entries.sort((one, other) => timeOf(one) - timeOf(other));
    return {
      visitor,
      first,
      from: timeOf(entries[0]),
      to: timeOf(entries[entries.length - 1]),
      pages: groupPages(entries),
    };
  });
  return visits.reverse();
};

/**
 * A function for the visitor of an entry. A server event without browser ID belongs to the visitor whose browser sent
 * the same event, or else to the one with its click ID.
 *
 * @param {EventRecord[]} entries
 * @returns {(entry: EventRecord) => string}
 */
const visitorFinder = (entries) => {
  /** @type {Map<string | undefined, string>} */
  const byKey = new Map();
  /** @type {Map<string | undefined, string>} */
  const byClick = new Map();
  for (const entry of entries) {
    const browser = browserIdOf(entry);
    if (isServer(entry) || browser === undefined) continue;
    const click = clickIdOf(entry);
    if (click !== undefined) byClick.set(click, browser);
    const key = dedupKeyOf(entry);
    if (key !== undefined) byKey.set(key, browser);
  }
  return (entry) =>
    browserIdOf(entry) ??
    (isServer(entry)
      ? (byKey.get(dedupKeyOf(entry)) ??
        byClick.get(clickIdOf(entry)) ??
        SERVER)
      : ANONYMOUS);
};

/** A longer time without an event ends a session. */
const SESSION_MS = 30 * 60 * 1000;

/** @param {EventRecord[]} byTime */
const groupPages = (byTime) => {
  /** @type {VisitedPage[]} */
  const pages = [];
  /** @type {EventRecord | undefined} */
  let before;
  for (const entry of byTime) {
    const page = pages.at(-1);
    const pause = before === undefined ? 0 : timeOf(entry) - timeOf(before);
    before = entry;
    const url = entry.event?.source_url;
    const isSamePage =
      page &&
      !(pause > SESSION_MS) &&
      // an event without URL, such as a diagnostic, belongs to the open page
      (url === undefined || page.url === undefined || page.url === url) &&
      !isReload(page, entry);
    if (isSamePage) {
      page.entries.push(entry);
      page.url ??= url;
      page.first = Math.min(page.first, entry.seq);
    } else {
      pages.push({
        url,
        first: entry.seq,
        entries: [entry],
        ...(pause > SESSION_MS && { pause }),
      });
    }
  }
  return pages;
};

/** Two inits this close are one page that has the snippet twice: nobody reloads that quickly. */
const SAME_PAGE_MS = 1000;

/**
 * Whether an entry is the init of a pixel that the page has had for a while.
 *
 * @param {VisitedPage} page
 * @param {EventRecord} entry
 */
const isReload = ({ entries }, entry) =>
  isInit(entry.event) &&
  entries.some(
    (earlier) =>
      isInit(earlier.event) &&
      earlier.pixel === entry.pixel &&
      Math.abs(timeOf(entry) - timeOf(earlier)) >= SAME_PAGE_MS,
  );

/**
 * The inits of a page besides the first one of each pixel.
 *
 * @param {VisitedPage} page
 */
export const duplicateInits = ({ entries }) => {
  const seen = new Set();
  return entries.filter((entry) => {
    if (!isInit(entry.event)) return false;
    if (seen.has(entry.pixel)) return true;
    seen.add(entry.pixel);
    return false;
  });
};

/**
 * Visits as the rows of one list. Besides visits, pages and events there is a row for each pause that ends a session,
 * and one where the click ID changes.
 *
 * @param {Visit[]} visits
 * @returns {TimelineRow[]}
 */
export const timelineRows = (visits) =>
  visits.flatMap((visit) => {
    /** @type {TimelineRow[]} */
    const rows = [
      { kind: "visit", key: `visit ${visit.visitor} ${visit.first}`, visit },
    ];
    /** @type {string | undefined} */
    let current;
    /** @type {string | undefined} */
    let last;
    for (const page of visit.pages) {
      const [{ seq }] = page.entries;
      if (page.pause !== undefined)
        rows.push({
          kind: "pause",
          key: `pause ${seq}`,
          ms: page.pause,
          time: timeOf(page.entries[0]),
        });
      rows.push({ kind: "page", key: `page ${page.first}`, page });
      for (const entry of page.entries) {
        const click = clickIdOf(entry);
        if (mayCarryClick(entry) && visit.visitor !== ANONYMOUS) {
          if (last !== undefined && click !== current)
            rows.push({
              kind: "click",
              key: `click ${entry.seq}`,
              click,
              before: last,
            });
          current = click;
          last = click ?? last;
        }
        rows.push({ kind: "event", key: entry.seq, entry });
      }
    }
    return rows;
  });

/**
 * Whether a missing click ID means that there is none: session markers are sent without it, and a server may not know
 * it.
 *
 * @param {EventRecord} entry
 */
const mayCarryClick = (entry) =>
  entry.event && !isServer(entry) && entry.stripped !== true;

/**
 * The click IDs of a visit, in the order in which they appear.
 *
 * @param {Visit} visit
 */
export const clickIdsOf = ({ pages }) => {
  /** @type {Set<string>} */
  const clicks = new Set();
  for (const { entries } of pages)
    for (const entry of entries) {
      const click = clickIdOf(entry);
      if (click !== undefined) clicks.add(click);
    }
  return [...clicks];
};

/**
 * What one entry shows about consent. Only diagnostics state it; an event implies it by having an identity or not.
 *
 * @param {EventRecord} entry
 * @returns {{ state: "denied" | "granted" | "unknown", words: string }}
 */
export const consentOf = (entry) => {
  const { event, transport, stripped } = entry;
  if (!event) return { state: "unknown", words: "unknown" };
  if (transport === "server")
    return {
      state: "unknown",
      words: "unknown: your server decides whether it may send this",
    };
  const { consent } = dataOf(event);
  if (isInternal(event) && consent === false)
    return { state: "denied", words: "denied, as reported by the pixel" };
  if (isInternal(event) && consent === true)
    return { state: "granted", words: "not denied, as reported by the pixel" };
  if (transport === "image")
    return {
      state: "unknown",
      words: "unknown: an image tag does not check consent",
    };
  return stripped
    ? {
        state: "unknown",
        words:
          "unknown: sent without click ID and browser ID, as after a denial",
      }
    : {
        state: "granted",
        words: "not denied: sent with click ID or browser ID",
      };
};
