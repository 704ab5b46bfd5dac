// The calls of a page whose pixel is loaded after them, and those that React's strict mode repeats. Nothing here needs React.

/** @typedef {import("../types/oaiq.js").Oaiq} Oaiq */

/** @returns {Oaiq} */
const createQueue = () => {
  const { q = [], config = {} } = window.oaiq ?? {};
  const queue = function () {
    queue.q.push(arguments);
  };
  queue.q = q;
  queue.config = config;
  return /** @type {Oaiq} */ (/** @type {unknown} */ (queue));
};

/** @type {Oaiq | undefined} */
let ownQueue;

/**
 * The page's `oaiq`; undefined on a server. Until the pixel has loaded it is a queue, as the install snippet makes it.
 *
 * @returns {Oaiq | undefined}
 */
export const pageOaiq = () => {
  if (typeof window !== "object") return;
  if (typeof window.oaiq !== "function") window.oaiq = ownQueue = createQueue();
  return window.oaiq;
};

/** Whether nothing else on the page loads the pixel. */
export const isOnlyQueue = () => pageOaiq() === ownQueue;

/** Calls of the page's `oaiq`. On a server, does nothing. */
export const oaiq = /** @type {Oaiq} */ (
  /** @param {unknown[]} args */ (...args) => {
    /** @type {Function | undefined} */ (pageOaiq())?.(...args);
  }
);

/**
 * Passes calls of `measure` on, and drops those that strict mode repeats: it runs the effects of a new component, cleans them up, and
 * runs them once more, all within one task.
 *
 * @param {(args: unknown[]) => void} measure
 */
export const createMeasure = (measure) => {
  /**
   * The calls of this task, as JSON.
   *
   * @type {string[]}
   */
  let calls = [];
  /**
   * Those that are expected again.
   *
   * @type {string[]}
   */
  let repeated = [];
  const endTask = () => {
    calls = [];
    repeated = [];
  };
  return {
    /** An effect of the component has been cleaned up. If it runs again within this task, its calls are repeated. */
    onCleanUp() {
      repeated = calls;
      calls = [];
    },
    /** @param {unknown[]} args */
    measure(...args) {
      const call = JSON.stringify(args);
      const at = repeated.indexOf(call);
      if (at >= 0) {
        repeated.splice(at, 1);
        return;
      }
      if (!calls.length) queueMicrotask(endTask);
      calls.push(call);
      measure(args);
    },
  };
};
