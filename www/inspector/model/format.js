/** Numbers, times and long values for people. All functions take whatever a page may have sent. */
import { toText } from "./to-text.js";

/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) =>
  new Intl.DateTimeFormat(undefined, { hourCycle: "h23", ...options });

/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const clock = format({ ...CLOCK, fractionalSecondDigits: 3 });
/** @type {Intl.DateTimeFormatOptions} */
const DATE = { day: "numeric", month: "short", year: "numeric" };
const day = format(DATE);
const weekday = format({ weekday: "short", ...DATE });
const dayAndClock = format({ day: "numeric", month: "short", ...CLOCK });
const minutes = format({ hour: "2-digit", minute: "2-digit" });

/**
 * A time of day with milliseconds, after its date unless that is today.
 *
 * @param {unknown} ms since the epoch
 */
export function formatTime(ms, now = Date.now()) {
  const date = toDate(ms);
  if (!date) return toText(ms ?? "no time");
  return isSameDay(date, now)
    ? clock.format(date)
    : `${day.format(date)}, ${clock.format(date)}`;
}

/**
 * The same, short enough for a row: less exact where it is not today.
 *
 * @param {unknown} ms since the epoch
 */
export function formatShortTime(ms, now = Date.now()) {
  const date = toDate(ms);
  if (!date || isSameDay(date, now)) return formatTime(ms, now);
  if (date.getFullYear() === new Date(now).getFullYear())
    return dayAndClock.format(date);
  return `${numericDay(date)} ${minutes.format(date)}`;
}

/** @param {Date} date */
function numericDay(date) {
  /** @param {number} number */
  const part = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`;
}

/**
 * The date with its weekday and year.
 *
 * @param {unknown} ms since the epoch
 */
export function formatDay(ms) {
  const date = toDate(ms);
  return date ? weekday.format(date) : toText(ms ?? "no time");
}

/**
 * All texts by which a search may find a time.
 *
 * @param {unknown} ms since the epoch
 */
export function timeTexts(ms) {
  const date = toDate(ms);
  return date
    ? [clock.format(date), weekday.format(date), numericDay(date)]
    : [];
}

/**
 * The value of `<time datetime>`; undefined where it is not a time.
 *
 * @param {unknown} ms since the epoch
 */
export function isoTime(ms) {
  return toDate(ms)?.toISOString();
}

/**
 * Whether two times are on the same day in the local time zone.
 *
 * @param {number | Date} one
 * @param {number | Date} other
 */
function isSameDay(one, other) {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

/** @param {unknown} ms */
function toDate(ms) {
  if (typeof ms !== "number") return undefined;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** @type {[number, string][]} */
const UNITS = [
  [24 * 60 * 60 * 1000, "day"],
  [60 * 60 * 1000, "hour"],
  [60 * 1000, "minute"],
];

/**
 * A duration: "0.2 seconds", "3 minutes", "2 days".
 *
 * @param {number} ms
 */
export function formatDuration(ms) {
  for (const [length, noun] of UNITS)
    if (ms >= length) return plural(Math.round(ms / length), noun);
  return `${(Math.round(ms / 100) / 10).toLocaleString()} seconds`;
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

/**
 * "1 event", "2 events"
 *
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun, nouns = `${noun}s`) {
  return `${count.toLocaleString()} ${count === 1 ? noun : nouns}`;
}

/**
 * "a", "a and b", "a, b and c"
 *
 * @param {string[]} words
 */
export function joinWords(words) {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/**
 * Cuts a long id in its middle: its end often tells it from similar ones.
 *
 * @param {string} text
 */
export function truncateMiddle(text, longest = 16) {
  if (text.length <= longest) return text;
  return `${text.slice(0, 8)}…${text.slice(-4)}`;
}

/**
 * The path of a web URL. URLs of other schemes (`file:`, `about:`) stay whole.
 *
 * @param {unknown} url
 */
export function pathOf(url) {
  const text = toText(url);
  if (!URL.canParse(text)) return text;
  const { protocol, pathname } = new URL(text);
  return protocol.startsWith("http") ? pathname : text;
}
