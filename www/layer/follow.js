// Follows an array of the page: what stands in it, and what comes. The page may create or replace it at any time, remove entries,
// freeze it, and replace its `push`, before and after this script.

import { each } from "../consent/lists.js";
import { isObject } from "./read.js";
import { setTimer, tryOr } from "../pixel/safe-builtins.js";

const { defineProperty, is } = Object;
const { apply } = Reflect;
const { isArray } = Array;

/** How often to look for entries that did not come through `push`, in milliseconds. */
const POLL_MS = 500;
/** A page without the array for this many polls is reported. */
const MISSING_POLLS = 10;
/** How long to read at once, in milliseconds. */
const SLICE_MS = 5;
/** The same when the page may end. */
const LAST_SLICE_MS = 50;
/** The last events of a page. */
const LAST_EVENTS = ["pagehide", "beforeunload", "visibilitychange"];
/** How many entries to read between two looks at the clock. */
const ENTRIES_PER_LOOK = 16;
/** Of an array that claims to be longer, only the last entries are read. */
const MAX_LENGTH = 1_000_000;

/** Milliseconds by a clock that never jumps; NaN where the page has broken it. */
const clock = () => tryOr(() => performance.now(), NaN);

/**
 * @param {string} name - of the global
 * @param {(entry: object) => void} take - called once for each entry that is an object
 * @param {(isFound: boolean) => void} onFound - called once, or once if there has been no array for some seconds
 */
export const follow = (name, take, onFound) => {
  /** Entries that have been taken. An array may come back in another one. */
  const taken = new WeakSet();
  /** Arrays whose `push` calls `read`. */
  const watched = new WeakSet();
  /** @type {unknown} */
  let layer;
  let next = 0;
  /**
   * The entry before `next`: if another one stands there, entries were removed.
   *
   * @type {unknown}
   */
  let last;
  let isReading = false;
  let isContinuing = false;
  let polls = 0;

  /**
   * Reads on after each `push`.
   *
   * @param {unknown[]} array
   */
  const watch = (array) => {
    if (watched.has(array)) return;
    watched.add(array);
    onFound(true);
    const { push } = array;
    if (typeof push === "function")
      defineProperty(array, "push", {
        // @ts-expect-error -- TypeScript does not know that this sets the prototype
        __proto__: null,
        configurable: true,
        writable: true,
        /** @this {unknown[]} */
        value: function () {
          try {
            return apply(push, this, arguments);
          } finally {
            read(SLICE_MS);
          }
        },
      });
  };

  /** @param {number} end - by `clock` */
  const readUntil = (end) => {
    const array = /** @type {Record<string, unknown>} */ (
      /** @type {unknown} */ (window)
    )[name];
    if (!isArray(array)) return;
    if (array !== layer || (next && !is(array[next - 1], last))) {
      layer = array;
      next = 0;
    }
    tryOr(() => watch(array));
    if (array.length - next > MAX_LENGTH) next = array.length - MAX_LENGTH;
    while (next < array.length) {
      last = tryOr(() => array[next]);
      next += 1;
      const entry = last;
      if (isObject(entry) && !taken.has(entry)) {
        taken.add(entry);
        tryOr(() => take(entry));
      }
      if (next % ENTRIES_PER_LOOK === 0 && !(clock() < end)) {
        readLater();
        return;
      }
    }
  };

  /** @param {number} ms */
  const read = (ms) => {
    // an entry's getter may push
    if (isReading) return;
    isReading = true;
    tryOr(() => readUntil(clock() + ms));
    isReading = false;
  };

  const readLater = () => {
    if (isContinuing) return;
    isContinuing = true;
    setTimer(() => {
      isContinuing = false;
      read(SLICE_MS);
    }, 0);
  };

  const poll = () => {
    read(SLICE_MS);
    polls += 1;
    if (polls === MISSING_POLLS && !layer) onFound(false);
    setTimer(poll, POLL_MS);
  };

  poll();
  // while capturing, so before the script's own listeners, which send what is queued
  each(LAST_EVENTS, (event) =>
    tryOr(() =>
      window.addEventListener(event, () => read(LAST_SLICE_MS), true),
    ),
  );
};
