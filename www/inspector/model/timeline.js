/** Who did what on which page, in the order in which it happened. */
import {
  browserOf,
  clickOf,
  dataOf,
  isInternal,
  isServer,
  isStart,
  keyOf,
  timeOf,
} from "./event.js";

/** The visitors of what says nothing of its visitor. */
export const NOBODY = "nobody";
export const SERVER = "server";

/**
 * The visits of these entries, the one that began last first: `{visitor, first, from, to, pages}`. `visitor` is a browser
 * reference, {@link NOBODY} for what was sent without identity, or {@link SERVER} for server events of no known visitor.
 * `pages` are `{url, first, entries, pause?}` in the order of time; a page begins anew when its pixel starts anew, and after a
 * `pause`, in ms, that ended a session. `first` is the smallest seq in it, which tells it from others for as long as it is
 * there.
 */
export const visitsOf = (newestFirst) => {
  const visitors = visitorFinder(newestFirst);
  const byVisitor = new Map();
  for (let i = newestFirst.length - 1; i >= 0; i -= 1) {
    const entry = newestFirst[i];
    const visitor = visitors(entry);
    if (!byVisitor.has(visitor)) byVisitor.set(visitor, []);
    byVisitor.get(visitor).push(entry);
  }
  const visits = [...byVisitor].map(([visitor, entries]) => {
    const first = entries[0].seq;
    // In the order of time; at the same time, in the order of arrival.
    entries.sort((one, other) => timeOf(one) - timeOf(other));
    return {
      visitor,
      first,
      from: timeOf(entries[0]),
      to: timeOf(entries.at(-1)),
      pages: pagesOf(entries),
    };
  });
  return visits.reverse();
};

/**
 * Whose an entry is. A server event belongs to the visitor whose browser sent its other half, else to the one who came by
 * its click.
 */
const visitorFinder = (entries) => {
  const byKey = new Map();
  const byClick = new Map();
  for (const entry of entries) {
    const browser = browserOf(entry);
    if (isServer(entry) || browser === undefined) continue;
    const click = clickOf(entry);
    if (click !== undefined) byClick.set(click, browser);
    const key = keyOf(entry);
    if (key !== undefined) byKey.set(key, browser);
  }
  return (entry) =>
    browserOf(entry) ??
    (isServer(entry)
      ? (byKey.get(keyOf(entry)) ?? byClick.get(clickOf(entry)) ?? SERVER)
      : NOBODY);
};

/** A visitor who does nothing for longer has left; what follows is another session. */
export const SESSION_MS = 30 * 60 * 1000;

const pagesOf = (entries) => {
  const pages = [];
  let before;
  for (const entry of entries) {
    const page = pages.at(-1);
    const pause = before === undefined ? 0 : timeOf(entry) - timeOf(before);
    before = entry;
    const url = entry.event?.source_url;
    // What has no address, such as a diagnostic, belongs to the page that is open.
    const goesOn =
      page &&
      !(pause > SESSION_MS) &&
      (url === undefined || page.url === undefined || page.url === url) &&
      !(isStart(entry.event) && hasStarted(page, entry));
    if (goesOn) {
      page.entries.push(entry);
      page.url ??= url;
      page.first = Math.min(page.first, entry.seq);
    } else {
      pages.push({ url, first: entry.seq, entries: [entry] });
      if (pause > SESSION_MS) pages.at(-1).pause = pause;
    }
  }
  return pages;
};

/** Two starts this close are one page with the pixel installed twice: nobody reloads that quickly. */
const SAME_PAGE_MS = 1000;

const hasStarted = ({ entries }, { pixel, event }) =>
  entries.some(
    (entry) =>
      isStart(entry.event) &&
      entry.pixel === pixel &&
      Math.abs(event.timestamp_ms - entry.event.timestamp_ms) >= SAME_PAGE_MS,
  );

/** The starts of a page that are too many: for each pixel all but its first. */
export const startsTooMany = ({ entries }) => {
  const seen = new Set();
  return entries.filter((entry) => {
    if (!isStart(entry.event)) return false;
    if (seen.has(entry.pixel)) return true;
    seen.add(entry.pixel);
    return false;
  });
};

/**
 * Visits as the rows of one list: `{kind, key, …}` with a `visit`, a `pause` (`ms`, and `time` when it ended), a `click` that
 * differs from the one `before`, a `page` or an `event` (`entry`).
 */
export const timelineRows = (visits) =>
  visits.flatMap((visit) => {
    const rows = [
      { kind: "visit", key: `visit ${visit.visitor} ${visit.first}`, visit },
    ];
    let current;
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
        const click = clickOf(entry);
        // session markers go without it, and a server may not know it
        if (carriesClick(entry) && visit.visitor !== NOBODY) {
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

const carriesClick = (entry) =>
  entry.event && !isServer(entry) && entry.stripped !== true;

/** The click IDs of a visit, in the order in which they came. */
export const clicksOf = ({ pages }) => {
  const clicks = new Set();
  for (const { entries } of pages)
    for (const entry of entries) {
      const click = clickOf(entry);
      if (click !== undefined) clicks.add(click);
    }
  return [...clicks];
};

/**
 * What is known of consent from one entry, as `{state, words}`: "denied", "granted" or "unknown". Only diagnostics say it;
 * an event says it by carrying an identity or not.
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
    return { state: "denied", words: "denied, as the pixel reports" };
  if (isInternal(event) && consent === true)
    return { state: "granted", words: "not denied, as the pixel reports" };
  if (transport === "image")
    return {
      state: "unknown",
      words: "unknown: an image tag does not look at consent",
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
