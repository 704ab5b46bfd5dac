import { asObject, dataOf, isDiagnostic, isInternal, nameOf } from "./event.js";
import { timeTexts } from "./format.js";
import { moneyTexts } from "./money.js";
import { refusedCount } from "./rejections.js";
import { textOf } from "./to-text.js";
import { verdictLine, verdictOf } from "./verdict.js";

/**
 * Which entries are in view; an empty text lets all pass. `since` is the seq after which a test starts, or 0. `kind` and
 * `views` are for conversions alone: see their view.
 */
export const NO_FILTER = Object.freeze({
  text: "",
  verdict: "",
  name: "",
  transport: "",
  pixel: "",
  internal: true,
  since: 0,
  kind: "all",
  views: false,
});

/** What says which entries are in view. */
const ABOUT_ENTRIES = [
  ...["text", "verdict", "name", "transport", "pixel"],
  ...["internal", "since"],
];

export const isFiltering = (filter) =>
  ABOUT_ENTRIES.some((key) => filter[key] !== NO_FILTER[key]);

/**
 * A function that tells whether an entry is to be seen. Refused calls stay when internal events are hidden: they are
 * conversions that went missing.
 */
export const entryFilter = (filter) => {
  const words = textOf(filter.text)
    .toLowerCase()
    .split(/\s+/)
    // the comma after a date is not part of it
    .map((word) => word.replace(/,$/, ""))
    .filter(Boolean);
  return (entry) =>
    entry.seq > filter.since &&
    (filter.internal || !isOnlyInternal(entry.event)) &&
    (!filter.verdict || verdictOf(entry).name === filter.verdict) &&
    (!filter.name || nameOf(entry.event) === filter.name) &&
    (!filter.transport || entry.transport === filter.transport) &&
    (!filter.pixel || entry.pixel === filter.pixel) &&
    (words.length === 0 || hasAll(searchedText(entry), words));
};

const hasAll = (text, words) => words.every((word) => text.includes(word));

/** What is there to choose from: `{names, transports, pixels}`, each sorted. */
export const choices = (entries) => {
  const names = new Set();
  const transports = new Set();
  const pixels = new Set();
  for (const { event, transport, pixel } of entries) {
    names.add(nameOf(event));
    transports.add(transport);
    if (typeof pixel === "string") pixels.add(pixel);
  }
  const sorted = (set) => [...set].sort().slice(0, MOST_CHOICES);
  return {
    names: sorted(names),
    transports: sorted(transports),
    pixels: sorted(pixels),
  };
};

/** A menu of 10,000 pixels helps nobody, and the search finds them. */
const MOST_CHOICES = 200;

/** Enough to find an event by, and little enough to search 10,000 of them at each key. */
const MOST_SEARCHED = 20_000;

/** Of how many items the amounts are found as they are shown. */
const MOST_ITEMS = 50;

const searchedTexts = new WeakMap();

/** All values that were sent, at any depth, and what is shown of them. Keys are the same in every entry. */
const searchedText = (entry) => {
  const known = searchedTexts.get(entry);
  if (known !== undefined) return known;
  const { event } = entry;
  const data = dataOf(event);
  const parts = [
    `#${entry.seq}`,
    verdictLine(entry),
    nameOf(event),
    ...moneyTexts(data.amount, data.currency),
    ...timeTexts(event?.timestamp_ms),
    ...timeTexts(entry.received_ms),
  ];
  if (Array.isArray(data.contents))
    for (const item of data.contents.slice(0, MOST_ITEMS)) {
      const { amount, currency = data.currency } = asObject(item);
      parts.push(...moneyTexts(amount, currency));
    }
  let length = 0;
  // Not by recursion: what a page sends may be nested deeply.
  const left = [entry];
  while (left.length > 0 && length < MOST_SEARCHED) {
    const value = left.pop();
    if (value !== null && typeof value === "object") {
      left.push(...Object.values(value).slice(0, 1000).reverse());
    } else {
      const part = String(value).slice(0, MOST_SEARCHED);
      parts.push(part);
      length += part.length;
    }
  }
  const text = parts.join(" ").toLowerCase();
  searchedTexts.set(entry, text);
  return text;
};

const isOnlyInternal = (event) => {
  if (!event || !isInternal(event)) return false;
  return !isDiagnostic(event) || refusedCount(event.data) === 0;
};
