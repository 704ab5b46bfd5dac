/** Numbers, times and long values worded for a person. All of them take whatever a page may have sent. */
import { textOf } from "./to-text.js";

const format = (options) =>
  new Intl.DateTimeFormat(undefined, { hourCycle: "h23", ...options });

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const clock = format({ ...CLOCK, fractionalSecondDigits: 3 });
const day = format({ day: "numeric", month: "short", year: "numeric" });
const weekday = format({
  weekday: "short",
  ...{ day: "numeric", month: "short", year: "numeric" },
});
const dayAndClock = format({ day: "numeric", month: "short", ...CLOCK });
const minutes = format({ hour: "2-digit", minute: "2-digit" });

/** A time of day to the millisecond, with the date in front unless it is today's. `ms`: since the epoch. */
export function formatTime(ms, now = Date.now()) {
  const date = toDate(ms);
  if (!date) return textOf(ms ?? "no time");
  return isSameDay(date, now)
    ? clock.format(date)
    : `${day.format(date)}, ${clock.format(date)}`;
}

/** The same in the width that a row has for it: another day's time is less exact. */
export function formatShortTime(ms, now = Date.now()) {
  const date = toDate(ms);
  if (!date || isSameDay(date, now)) return formatTime(ms, now);
  if (date.getFullYear() === new Date(now).getFullYear())
    return dayAndClock.format(date);
  return `${numericDay(date)} ${minutes.format(date)}`;
}

function numericDay(date) {
  const part = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`;
}

/** The day with its weekday and year. */
export function formatDay(ms) {
  const date = toDate(ms);
  return date ? weekday.format(date) : textOf(ms ?? "no time");
}

/** All words with which a time is shown in whatever form, for a search. */
export function timeTexts(ms) {
  const date = toDate(ms);
  return date
    ? [clock.format(date), weekday.format(date), numericDay(date)]
    : [];
}

/** The same time for `<time datetime>`; undefined where it is no time. */
export function isoTime(ms) {
  return toDate(ms)?.toISOString();
}

/** Whether two times, in ms since the epoch, are on one day here. */
export function isSameDay(one, other) {
  return new Date(one).toDateString() === new Date(other).toDateString();
}

function toDate(ms) {
  if (typeof ms !== "number") return undefined;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const SPANS = [
  [24 * 60 * 60 * 1000, "day"],
  [60 * 60 * 1000, "hour"],
  [60 * 1000, "minute"],
];

/** How much time lies between: "0.2 seconds", "3 minutes", "2 days". */
export function formatSpan(ms) {
  for (const [length, noun] of SPANS)
    if (ms >= length) return plural(Math.round(ms / length), noun);
  return `${(Math.round(ms / 100) / 10).toLocaleString()} seconds`;
}

export function formatBytes(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

export function plural(count, noun, nouns = `${noun}s`) {
  return `${count.toLocaleString()} ${count === 1 ? noun : nouns}`;
}

/** "a", "a and b", "a, b and c" */
export function listed(words) {
  return words.length < 2
    ? words.join("")
    : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

/** Keeps both ends of a long id: its end often tells two of them apart. */
export function shorten(text, longest = 16) {
  if (text.length <= longest) return text;
  return `${text.slice(0, 8)}…${text.slice(-4)}`;
}

/** The path of a web address; an address of another kind (`file://`, `about:blank`) as it is. */
export function pathOf(address) {
  const text = textOf(address);
  if (!URL.canParse(text)) return text;
  const { protocol, pathname } = new URL(text);
  return protocol.startsWith("http") ? pathname : text;
}
