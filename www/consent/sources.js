// The sources of consent that a page can name.

import { setTimer, tryOr } from "../pixel/safe-builtins.js";
import { google } from "./google.js";
import { gpp, tcf } from "./iab.js";

/**
 * Starts a source. It calls `onAnswer` with each answer, and may return a function that searches for a new answer, which is
 * called before each call of the page.
 *
 * @typedef {(context: {
 *   onAnswer: (answer: import("./decide.js").Answer) => void,
 *   poll: (isDone: () => unknown) => void,
 *   options: import("./options.js").Options,
 * }) => (() => void) | void} Source
 */

/** The first interval, in milliseconds, after which a source searches for the API that it needs. Each later one is twice as long. */
const FIRST_POLL_MS = 50;
/** The last interval. At its end, about 100 seconds after the first search, the source stops searching. */
const LAST_POLL_MS = 51_200;

/**
 * Calls `isDone` at growing intervals until it returns true.
 *
 * @param {() => unknown} isDone
 */
export const poll = (isDone, ms = FIRST_POLL_MS) => {
  if (!tryOr(isDone) && ms <= LAST_POLL_MS)
    setTimer(() => poll(isDone, ms * 2), ms);
};

/** Whether the browser sends the signal Global Privacy Control (https://w3c.github.io/gpc/). */
export const hasGpcSignal = () =>
  tryOr(
    () =>
      /** @type {Navigator & { globalPrivacyControl?: unknown }} */ (navigator)
        .globalPrivacyControl,
  ) === true;

/** @type {Source} */
const gpc = ({ onAnswer, options }) =>
  onAnswer({ measure: !(hasGpcSignal() && options.gpc !== "opt-out") });

/** @type {Record<string, Source>} */
export const SOURCES = /** @type {any} */ ({
  __proto__: null,
  google,
  tcf,
  gpp,
  gpc,
});
