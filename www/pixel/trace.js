// The pixel's steps, for debug. A file of its own puts them into words; only debug loads it. The last steps are always
// recorded, so that debug can be switched on later and still say what has happened.

import { scriptElement } from "oaiq:asset-urls";
import { loadAsset } from "./lazy-assets.js";
import { callModule } from "./wasm-bridge.js";
import { serialize } from "./serialize-call.js";
import { setTimer, tryOr, warn } from "./safe-builtins.js";
import { storageGet, storageSet } from "./storage.js";

/** Steps that scripts trace; their numbers are their places in `DebugEvent::ALL` (src/host.rs). */
const CONSENT_CHANGED = 2;
export const REQUEST_SENT = 8;
export const RESPONSE_RECEIVED = 9;
export const CONFIG_RECEIVED = 11;
export const DEBUG_REQUESTED = 17;
const STATE_LOADED = 25;

/** The newest steps that are recorded; older ones are overwritten. */
const MOST_RECORDED = 250;
const records = [];
let recorded = 0;

/** sessionStorage key: "1" if debug is on for the tab, "0" if the debug file is missing. */
const KEY = "oaiq_debug";
/** Its value; null if there is none. Neither if consent does not allow to read or write it. */
let kept;

let debugging;
/** Whether a person has asked for debug, so that the page's code does not switch it off. */
let asked;
/** What `oaiq.debug` returns: one object, which the debug file fills. */
const state = {};
/** What the debug file does with a step. */
let explain;
let loading;

/** How often, in milliseconds, the script looks whether the page has loaded; the module looks at stores sooner than that. */
const SOON = 500;

/** Loads the debug file; if only the page's code asks for debug, not before the page has loaded and is idle. */
const load = () => {
  if (loading || !debugging) return;
  if (!asked) {
    if (document.readyState !== "complete") return setTimer(load, SOON);
    if (kept === "0") return set(0);
  }
  loading = 1;
  loadAsset(
    "debug",
    (make) => {
      explain = make(scriptElement, state, records, recorded);
    },
    (why) => {
      loading = set(0);
      if (kept === null) tryOr(() => storageSet(1, KEY, 0));
      warn(why);
    },
  );
};

const set = (on) => {
  debugging = on;
  callModule((module) => module.setDebug(+on));
  setTimer(load, asked ? 0 : SOON);
};

/** The page's code, an `init` or the config as text, may switch debug on or off. */
export const debug = (text) => {
  const wish = /\x22debug\x22:([tf])/.exec(text);
  if (wish && !asked) set(wish[1] === "t");
};

/** A person switches debug on, or off with `false`, and gets the state. */
export const ask = (wish) => {
  asked = wish !== false;
  set(asked);
  trace(DEBUG_REQUESTED, serialize(wish));
  return state;
};

/** Called once the module has looked at what the browser stores, with consent. */
export const looked = () => {
  kept = tryOr(() => storageGet(1, KEY));
  trace(STATE_LOADED);
  if (kept === "1") ask(true);
};

/** Records a step, or explains it. */
export const trace = (step, about) => {
  if (step === CONSENT_CHANGED) kept = 0;
  if (explain) tryOr(() => explain(step, about, debugging));
  else records[recorded++ % MOST_RECORDED] = [step, about];
};
