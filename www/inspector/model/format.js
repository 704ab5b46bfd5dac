/** Numbers, times and long values worded for a person. All of them take whatever a page may have sent. */
import { textOf } from "./text.js";

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});

/** A time of day to the millisecond, with the date in front unless it is today's. `ms`: since the epoch. */
export function formatTime(ms, now = Date.now()) {
  const date = toDate(ms);
  if (!date) return textOf(ms ?? "no time");
  const sameDay = date.toDateString() === new Date(now).toDateString();
  return sameDay
    ? clock.format(date)
    : `${date.toLocaleDateString()} ${clock.format(date)}`;
}

/** The same time for `<time datetime>`; undefined where it is no time. */
export function isoTime(ms) {
  return toDate(ms)?.toISOString();
}

function toDate(ms) {
  if (typeof ms !== "number") return undefined;
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

export function formatBytes(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}

export function plural(count, noun) {
  return `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
}

/** Keeps both ends of a long reference: its end often tells two of them apart. */
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
