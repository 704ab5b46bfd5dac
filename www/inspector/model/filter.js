import { isDiagnostic, isInternal, nameOf } from "./event.js";
import { formatMoney } from "./money.js";
import { refusedCount } from "./refusals.js";
import { verdictLine, verdictOf } from "./verdict.js";

/** What is asked of an entry to be in view; an empty text asks nothing. */
export const NO_FILTER = Object.freeze({
  text: "",
  verdict: "",
  name: "",
  transport: "",
  pixel: "",
  internal: true,
});

export const isFiltering = (filter) =>
  Object.keys(NO_FILTER).some((key) => filter[key] !== NO_FILTER[key]);

/**
 * A function that tells whether an entry is to be seen. Refused calls stay when internal events are hidden: they are
 * conversions that went missing.
 */
export const entryFilter = (filter) => {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return (entry) =>
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

const searchedTexts = new WeakMap();

/** All values that were sent, at any depth, and what is shown of them. Keys are the same in every entry. */
const searchedText = (entry) => {
  const known = searchedTexts.get(entry);
  if (known !== undefined) return known;
  const { amount, currency } = entry.event?.data ?? {};
  const parts = [`#${entry.seq}`, verdictLine(entry), nameOf(entry.event)];
  if (amount !== undefined) parts.push(formatMoney(amount, currency));
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
