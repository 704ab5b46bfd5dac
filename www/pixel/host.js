// Implements the `Host` of src/host.rs: what the module calls in the page. The browser may refuse any of it, and the page may
// have replaced it. A call that fails returns nothing, and never throws.

import { putRecord, recoverRecords } from "./outbox-store.js";
import { admitPaint } from "./consent-gate.js";
import { normalizeIdentifier } from "./normalize-identifier.js";
import { STRING_CALLS } from "./protocol.gen.js";
import { storageGet, storageSet } from "./storage.js";
import { fetchConfig, send, setNextRequest } from "./requests.js";
import { deleteCookie, getCookie, hasCookie, setCookie } from "./cookies.js";
import {
  isHidden,
  monotonicMs,
  now,
  random,
  setTimer,
  tryOr,
  uuid,
  warn,
} from "./safe-builtins.js";
import { callModule, readString, writeString } from "./wasm-bridge.js";
import { clickId } from "./click-id.js";
import { onStateLoaded, trace } from "./trace.js";
import { unescapeJson } from "./serialize-call.js";

const { clearTimeout } = window;

/**
 * @param {number} _
 * @param {string} text
 */
const uriEncode = (_, text) => encodeURIComponent(unescapeJson(text));

const requestPaint = () => {
  const paint = () => setTimer(admitPaint);
  // a hidden page paints nothing
  if (isHidden()) paint();
  else requestAnimationFrame(paint);
};

/** No batch is delayed longer than this, in milliseconds, so a longer wait is a retry. */
const MAX_BATCH_MS = 4_500;

/** @type {number | undefined} */
let timer;
/** @param {number} ms */
const setModuleTimer = (ms) => {
  tryOr(() => clearTimeout(timer));
  timer = setTimer(
    () => callModule((module) => module.onTimer()),
    // spreads out the retries of all visitors whose requests failed at once
    ms > MAX_BATCH_MS ? ms * (1 + random() / 4) : ms,
  );
};

/** @type {import("../types/protocol.gen.js").HostCalls} */
const HOST_CALLS = [
  uuid,
  getCookie,
  storageGet,
  clickId,
  uriEncode,
  normalizeIdentifier,
  now,
  monotonicMs,
  hasCookie,
  setCookie,
  deleteCookie,
  storageSet,
  putRecord,
  () => {
    onStateLoaded();
    recoverRecords();
  },
  setNextRequest,
  send,
  fetchConfig,
  requestPaint,
  setModuleTimer,
  (_, line, reason) =>
    warn(
      // the module does not pass on an unknown name, which may be personal data
      (line === "unknown" ? line + " event" : line) +
        (reason &&
          ` was not measured: ${reason} (add ?oaiq_debug=1 to see why)`),
    ),
  trace,
];

/**
 * Makes a host call for the module. Strings are passed through its memory. The page's own functions may return anything, so
 * the result is converted to the type that the module expects.
 *
 * @param {number} id
 * @param {number} number
 * @param {number} a - the address of a string
 * @param {number} b - the address of a string
 */
export const hostCall = (id, number, a, b) =>
  tryOr(() => {
    const result = HOST_CALLS[id](number, readString(a), readString(b));
    if (id >= STRING_CALLS) return +(/** @type {number} */ (result));
    if (typeof result === "string") writeString(result);
  }, 0);
