// Debug events, which say what the pixel does. A file of its own, which only debug loads, explains them. The last ones are
// always recorded, so that debug can be switched on later and still explain what has happened.

import { scriptElement } from "oaiq:asset-urls";
import {
  CONSENT_CHANGED,
  DEBUG_REQUESTED,
  STATE_LOADED,
} from "./debug-events.gen.js";
import { loadAsset } from "./lazy-assets.js";
import { callModule } from "./wasm-bridge.js";
import { storageGet, storageSet } from "./storage.js";
import { each, setTimer, tryOr, warn } from "./safe-builtins.js";
import { serialize } from "./serialize-call.js";

/**
 * Files that are loaded later add functions, which are called with each debug event.
 *
 * @type {import("../types/internal.js").Observer[]}
 */
export const observers = [];

/** The number of events that are recorded; later ones overwrite the oldest. */
const MAX_RECORDS = 250;
/** @type {import("../types/internal.js").DebugEvent[]} */
export const records = [];
let recorded = 0;

/** sessionStorage key: "1" if debug is on for the tab, "0" if the debug file is missing. */
const DEBUG_KEY = "oaiq_debug";
/**
 * The value of that key; null if the key is missing. Otherwise falsy while consent does not allow the use of storage.
 *
 * @type {string | number | null | undefined}
 */
let storedDebug;

/** @type {boolean | number | undefined} */
let isOn;
/**
 * Whether a person has requested debug, so that the page's code does not switch it off.
 *
 * @type {boolean | undefined}
 */
let isRequested;
/**
 * What `oaiq.debug` returns: always the same object, which the debug file fills.
 *
 * @type {Partial<import("../types/oaiq.js").DebugState>}
 */
const state = {};
/**
 * Explains an event, once the debug file is loaded.
 *
 * @type {import("../types/internal.js").Explain | undefined}
 */
let explain;
/** @type {number | void} */
let isLoading;

/** How often to check whether the page has loaded, in milliseconds. The module loads its state sooner than that. */
const POLL_MS = 500;

/**
 * Loads the debug file: if only the page's code requests debug, in an idle moment after the page has loaded.
 *
 * @param {IdleDeadline} [deadline] - given if the browser is idle
 * @returns {void | number}
 */
const load = (deadline) => {
  if (isLoading || !isOn) return;
  if (!isRequested) {
    if (document.readyState !== "complete") return setTimer(load, POLL_MS);
    if (storedDebug === "0") return set(0);
    // browsers without idle callbacks load it now
    if (!deadline && tryOr(() => requestIdleCallback(load))) return;
  }
  isLoading = 1;
  loadAsset(
    "debug",
    (start) => {
      explain = start(scriptElement, state, records, recorded);
    },
    (why) => {
      isLoading = set(0);
      if (storedDebug === null) tryOr(() => storageSet(1, DEBUG_KEY, "0"));
      warn(why);
    },
  );
};

/** @param {boolean | number} value */
const set = (value) => {
  isOn = value;
  callModule((module) => module.setDebug(+value));
  setTimer(load, isRequested ? 0 : POLL_MS);
};

/**
 * Switches debug on or off by the page's code.
 *
 * @param {string} json - the options of `init`, or the config
 */
export const setDebug = (json) => {
  const option = /\x22debug\x22:([tf])/.exec(json);
  if (option && !isRequested) set(option[1] === "t");
};

/**
 * Switches debug on for a person, or off with `false`. Returns the state.
 *
 * @param {unknown} [argument]
 */
export const requestDebug = (argument) => {
  isRequested = argument !== false;
  set(isRequested);
  trace(DEBUG_REQUESTED, serialize(argument));
  return state;
};

/** Called once the module has read cookies and storage, with consent. */
export const onStateLoaded = () => {
  storedDebug = tryOr(() => storageGet(1, DEBUG_KEY));
  trace(STATE_LOADED);
  if (storedDebug === "1") requestDebug(true);
};

/**
 * Records a debug event, and explains it once the debug file is loaded.
 *
 * @param {number} event - see debug-events.gen.js
 * @param {unknown} [detail] - what `DebugEvent` in src/host.rs says that the event carries
 */
export const trace = (event, detail) => {
  if (event === CONSENT_CHANGED) storedDebug = 0;
  each(observers, (observe) => tryOr(() => observe(event, detail)));
  // also while debug explains it: a file that is loaded later reads what has happened (www/matching/entry.js)
  records[recorded++ % MAX_RECORDS] = [event, detail];
  tryOr(() => explain?.(event, detail, isOn));
};
