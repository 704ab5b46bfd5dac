/** @import { EventRecord, Filter, SentEvent } from "./types.d.ts" */
import { asObject, dataOf, displayName, isInternal } from "./event.js";
import { timeTexts } from "./format.js";
import { moneyTexts } from "./money.js";
import { reportsRejections } from "./rejections.js";
import { toText } from "./to-text.js";
import { verdictOf, verdictSummary } from "./verdict.js";

/** @type {Readonly<Filter>} */
export const EMPTY_FILTER = Object.freeze({
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

/**
 * The filters that apply to events; the others apply to the conversions view only.
 *
 * @type {(keyof Filter)[]}
 */
const EVENT_FILTERS = [
  "text",
  "verdict",
  "name",
  "transport",
  "pixel",
  "internal",
  "since",
];

/** @param {Filter} filter */
export const isFilterActive = (filter) =>
  EVENT_FILTERS.some((key) => filter[key] !== EMPTY_FILTER[key]);

/**
 * How many filters besides the search are set.
 *
 * @param {Filter} filter
 */
export const activeFilterCount = (filter) =>
  EVENT_FILTERS.filter(
    (key) => key !== "text" && filter[key] !== EMPTY_FILTER[key],
  ).length;

/**
 * A predicate for the entries that a filter shows. Diagnostics that report rejected calls are shown even where pixel
 * status is hidden: each rejected call is a missing conversion.
 *
 * @param {Filter} filter
 * @returns {(entry: EventRecord) => boolean}
 */
export const createFilter = (filter) => {
  const words = toText(filter.text)
    .toLowerCase()
    .split(/\s+/)
    // the comma after a date is not part of it
    .map((word) => word.replace(/,$/, ""))
    .filter(Boolean);
  return (entry) =>
    entry.seq > filter.since &&
    (filter.internal || !isOnlyStatus(entry.event)) &&
    (!filter.verdict || verdictOf(entry).name === filter.verdict) &&
    (!filter.name || displayName(entry.event) === filter.name) &&
    (!filter.transport || entry.transport === filter.transport) &&
    (!filter.pixel || entry.pixel === filter.pixel) &&
    (words.length === 0 || includesAll(searchableText(entry), words));
};

/**
 * @param {string} text
 * @param {string[]} words
 */
const includesAll = (text, words) => words.every((word) => text.includes(word));

/**
 * The options of the menus, each sorted.
 *
 * @param {EventRecord[]} entries
 */
export const filterOptions = (entries) => {
  /** @type {Set<string>} */
  const names = new Set();
  /** @type {Set<string>} */
  const transports = new Set();
  /** @type {Set<string>} */
  const pixels = new Set();
  for (const { event, transport, pixel } of entries) {
    names.add(displayName(event));
    transports.add(transport);
    if (typeof pixel === "string") pixels.add(pixel);
  }
  /** @param {Set<string>} set */
  const sorted = (set) => [...set].sort().slice(0, MAX_OPTIONS);
  return {
    names: sorted(names),
    transports: sorted(transports),
    pixels: sorted(pixels),
  };
};

/** A menu of 10,000 pixels is of no use; the search finds them. */
const MAX_OPTIONS = 200;

/** Enough to find an event by, and little enough to search 10,000 of them at each keystroke. */
const MAX_SEARCHED = 20_000;

/** The amounts of this many items can be found as they are shown. */
const MAX_ITEMS = 50;

/** @type {WeakMap<EventRecord, string>} */
const searchableTexts = new WeakMap();

/**
 * All values that were sent, at any depth, and how they are shown. Without keys, which are the same in every entry.
 *
 * @param {EventRecord} entry
 */
const searchableText = (entry) => {
  const known = searchableTexts.get(entry);
  if (known !== undefined) return known;
  const { event } = entry;
  const data = dataOf(event);
  const parts = [
    `#${entry.seq}`,
    verdictSummary(entry),
    displayName(event),
    ...moneyTexts(data.amount, data.currency),
    ...timeTexts(event?.timestamp_ms),
    ...timeTexts(entry.received_ms),
  ];
  if (Array.isArray(data.contents))
    for (const item of data.contents.slice(0, MAX_ITEMS)) {
      const { amount, currency = data.currency } = asObject(item);
      parts.push(...moneyTexts(amount, currency));
    }
  let length = 0;
  // No recursion: what a page sends may be deeply nested.
  /** @type {unknown[]} */
  const left = [entry];
  while (left.length > 0 && length < MAX_SEARCHED) {
    const value = left.pop();
    if (value !== null && typeof value === "object") {
      left.push(...Object.values(value).slice(0, 1000).reverse());
    } else {
      const part = String(value).slice(0, MAX_SEARCHED);
      parts.push(part);
      length += part.length;
    }
  }
  const text = parts.join(" ").toLowerCase();
  searchableTexts.set(entry, text);
  return text;
};

/** @param {SentEvent | null | undefined} event */
const isOnlyStatus = (event) => isInternal(event) && !reportsRejections(event);
