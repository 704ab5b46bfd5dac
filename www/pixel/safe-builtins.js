// Built-ins that keep working on pages that replace or break them, and small helpers on top.

const { defineProperty } = Object;
const { setTimeout } = window;
const { random: mathRandom } = Math;
const dateNow = window.Date?.now;

/**
 * Returns what `work` returns, or `otherwise` if it throws: the browser or the page may refuse anything.
 *
 * @template T
 * @template [F=undefined]
 * @param {() => T} work
 * @param {F} [otherwise]
 * @returns {T | F}
 */
export const tryOr = (work, otherwise) => {
  try {
    return work();
  } catch {
    return /** @type {F} */ (otherwise);
  }
};

/**
 * Calls `work` with each item. A page may have replaced any array method.
 *
 * @template T
 * @param {ArrayLike<T>} list
 * @param {(item: T) => void} work
 */
export const each = (list, work) => {
  for (let i = 0; i < list.length; i += 1) work(list[i]);
};

/** A random number from 0 up to 1; always 0 where the page has broken `Math.random`. */
export const random = () => /** @type {number} */ (tryOr(mathRandom)) % 1 || 0;

/**
 * Defines a property that the page's own loops do not see.
 *
 * @param {object} object
 * @param {string} name
 * @param {unknown} value
 */
export const defineHidden = (object, name, value) =>
  tryOr(() =>
    defineProperty(object, name, {
      // @ts-expect-error -- TypeScript does not know that this sets the prototype
      __proto__: null,
      value,
    }),
  );

/**
 * @param {EventTarget} target
 * @param {string} event
 * @param {(event: any) => void} listener
 */
export const on = (target, event, listener) =>
  tryOr(() => target.addEventListener(event, listener));

/**
 * Starts a timer and returns its ID, or undefined where the page has broken `setTimeout`.
 *
 * @param {() => void} work
 * @param {number} [ms]
 */
export const setTimer = (work, ms) => tryOr(() => setTimeout(work, ms));

export const isHidden = () =>
  tryOr(() => document.visibilityState === "hidden");

/** @param {string} line */
export const warn = (line) => tryOr(() => console.warn("[oaiq] " + line));

/** Starts each warning that says why the pixel does not work at all. */
export const NOT_MEASURING = "nothing is measured: ";

const byPerformance = () =>
  Math.floor(performance.timeOrigin + performance.now());

/** Milliseconds since the Unix epoch. */
export const now = () => {
  const time = /** @type {number} */ (tryOr(dateNow));
  // a page may have replaced Date with a clock of its own
  return time > 0 ? Math.floor(time) : tryOr(byPerformance, 0);
};

/** Milliseconds by a clock that never jumps, where the browser has one. */
export const monotonicMs = () => tryOr(() => performance.now()) ?? now();

/** Returns a version 4 UUID. `crypto.randomUUID` needs a secure context, `getRandomValues` does not. */
export const uuid = () => {
  const digits = new Uint8Array(36);
  tryOr(() => crypto.getRandomValues(digits));
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, (_, at) =>
    // where the page or the browser has broken one source, the other one remains
    ((digits[at] ^ (random() * 16)) & 15).toString(16),
  );
};
