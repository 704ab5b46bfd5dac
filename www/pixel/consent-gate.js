// The gate between the page's calls and the module. Until the visitor has answered, calls wait here for
// www/consent/entry.js, which then takes the gate over.

import { landingClickId } from "./click-id.js";
import { each, tryOr, warn } from "./safe-builtins.js";
import { scriptElement } from "oaiq:asset-urls";
import { abortInFlight } from "./requests.js";
import { hooks } from "./integrations.js";
import { loadAsset } from "./lazy-assets.js";
import {
  callModule,
  scheduleCall,
  shutDown,
  writeString,
} from "./wasm-bridge.js";
import { trace } from "./trace.js";

// The patterns below match serialized arguments (www/pixel/serialize-call.js). A dot in them matches a quotation mark, because
// old minifiers take a quotation mark in a regular expression for the start of a string.

/**
 * A call: the start of an array that has the time and the page of the call, serialized, and its serialized arguments. The
 * page's first paint has no head: it is ordered with the calls, because after it the module reads cookies and storage.
 *
 * @typedef {{ head?: string, parts: string[] }} Call
 */

/** @typedef {(call: Call) => void} Gate */

/** @type {Call} */
const PAINT = { parts: [] };

/** Whether the module has had an `init` or an answer. From then on, an `init` can no longer make calls wait. */
let hasStarted = false;

/**
 * Forwards a call to the module.
 *
 * @type {Gate}
 */
const forward = ({ head, parts }) => {
  const isMeasure = /^.measure/.test(parts[0]);
  if (isMeasure) tryOr(() => hooks.readPage?.(parts));
  hasStarted ||= /^.(init(ialize|).{|consent.[tf])/.test(parts[0] + parts[1]);
  let text = head;
  each(parts, (part) => {
    text += "," + part;
  });
  // an event must not delay the page's code; an answer about consent takes effect at once
  (isMeasure ? scheduleCall : callModule)((module) => {
    if (!head) return module.onFirstPaint();
    writeString(text + "]");
    module.onCall();
  });
};

/**
 * The calls that wait for the consent file.
 *
 * @type {Call[]}
 */
let heldCalls = [];
/** @type {Gate} */
const hold = (call) => {
  heldCalls[heldCalls.length] = call;
};

/**
 * Replaces the gate. The calls that wait go through the new one first.
 *
 * @param {Gate} next
 */
const setGate = (next) => {
  gate = next;
  const calls = heldCalls;
  heldCalls = [];
  each(calls, next);
};

/**
 * Without the consent file, calls wait until the page itself grants consent.
 *
 * @type {Gate}
 */
const holdUntilGranted = (call) => {
  if (!/^.consent.true/.test(call.parts[0] + call.parts[1])) return hold(call);
  forward(call);
  setGate(forward);
};

/** The gate after `oaiq("forget")`. */
const drop = () => {};

/** @type {Gate} */
let gate = forward;

/** @type {Gate} */
export const admitCall = (call) => {
  if (call.parts[0] === '"forget"') {
    // a denial deletes most of what is stored at once, and other tabs notice it
    forward({ head: call.head, parts: ['"consent"', "false"] });
    gate = drop;
    shutDown();
    abortInFlight(1);
    load();
  } else gate(call);
};

export const admitPaint = () => gate(PAINT);

/** Loads www/consent/entry.js. If the gate is `drop`, that file deletes what is stored. */
const load = () =>
  loadAsset(
    "consent",
    (start) =>
      start(
        gate === drop,
        scriptElement,
        setGate,
        forward,
        landingClickId,
        trace,
      ),
    (why) => {
      if (gate === drop) warn(`forget is incomplete: ${why}`);
      else if (gate === hold) {
        warn(`nothing is measured before oaiq("consent", true): ${why}`);
        setGate(holdUntilGranted);
      }
    },
  );

/** Makes calls wait for the visitor's answer from now on. */
export const holdForConsent = () => {
  if (hasStarted || gate !== forward) return;
  gate = hold;
  load();
};
