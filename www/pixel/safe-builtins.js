// What the script stands on, held against pages that have replaced it or do not let it be used.

const { defineProperty } = Object;
const { setTimeout } = window;
const { random } = Math;
const dateNow = window.Date?.now;

/** What the work returns, or the other where the browser or the page does not let it. */
export const attempt = (work, otherwise) => {
  try {
    return work();
  } catch {
    return otherwise;
  }
};

/** Does that with each item; no array method, since a page may have replaced any of them. */
export const each = (list, work) => {
  for (let i = 0; i < list.length; i += 1) work(list[i]);
};

/** A random number from 0 up to 1; 0 where there are none. */
export const chance = () => attempt(random) % 1 || 0;

/** Sets a property that the page's own loops do not see. */
export const hide = (object, name, value) =>
  attempt(() => defineProperty(object, name, { __proto__: null, value }));

export const listen = (target, event, work) =>
  attempt(() => target.addEventListener(event, work));

/** Calls back after so many milliseconds, if there are timers. */
export const later = (work, ms) => attempt(() => setTimeout(work, ms));

export const isHidden = () =>
  attempt(() => document.visibilityState === "hidden");

export const warn = (line) => attempt(() => console.warn("[oaiq] " + line));

/** Begins each line that says why. */
export const NOTHING = "nothing is measured: ";

const byPerformance = () =>
  Math.floor(performance.timeOrigin + performance.now());

/** Milliseconds since the epoch. */
export const now = () => {
  const time = attempt(dateNow);
  // a page may have put its own clock in the place of Date
  return time > 0 ? Math.floor(time) : attempt(byPerformance, 0);
};
