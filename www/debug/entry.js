// The script around the debug build. The pixel loads it when debug is on.

import {
  __wbg_set_wasm,
  recordEvent,
  setRequested,
  state as currentState,
  tabHistory,
  tables,
} from "oaiq:glue";
import { imports } from "oaiq:imports";
import {
  CLICK_ID,
  CONFIG_USER,
  CONSENT_CHANGED,
  CONSENT_STATE,
  CSP_VIOLATION,
  DEBUG_REQUESTED,
  DUPLICATE_CALL,
  HELD_FOR_CONSENT,
  INIT,
  NOT_RECORDED,
  NO_PIXEL_STARTED,
  PIXEL_STARTED,
  QUEUED,
  REJECTED,
  REQUEST_SENT,
  SCRIPT_ELEMENT,
  STATE_LOADED,
  TAB_HISTORY,
} from "../pixel/debug-events.gen.js";
import {
  createCallLog,
  nameCallers,
  recordedCalls,
  watchCalls,
} from "./callers.js";
import { sendCallers } from "./send-callers.js";
import { ignoredOptions } from "./ignored-options.js";
import { serialize } from "../pixel/serialize-call.js";
import { on, setTimer, tryOr, warn } from "../pixel/safe-builtins.js";
import { WASM_FORBIDDEN, wasmBytes } from "../pixel/wasm-bytes.js";

/** @typedef {import("../types/internal.js").DebugEvent} DebugEvent */
/** @typedef {import("../types/internal.js").DebugEntry} DebugEntry */
/** @typedef {import("../types/internal.js").Explain} Explain */

/** sessionStorage key: "1" if debug is on for the tab. www/pixel/trace.js reads it. */
const DEBUG_KEY = "oaiq_debug";
/** sessionStorage key: what the tab's pages have measured. */
const HISTORY_KEY = "oaiq_debug_events";
/** Browsers store no cookie whose name and value have more bytes (RFC 6265, 6.1). */
const MAX_COOKIE_BYTES = 4096;
/** How long events may wait, in milliseconds, before a missing `init` is reported. */
const INIT_GRACE_MS = 3000;

/** Whether storage and cookies may be used: the module has read them itself, with consent. */
let mayUseStorage = false;
let isDenied = false;
/** Whether debug is on. Debug events are followed without it too, so that the state stays complete. */
let isOn = false;

/** @param {string} name */
const cookie = (name) =>
  tryOr(() => document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1]);

/** The state of consent and its source, as `DebugEvent::ConsentState` carries them; empty while unknown. */
const consent = () => {
  const answer = tryOr(() => window.oaiq.consentState);
  if (answer) return `${answer.state} ${answer.source}`;
  if (!mayUseStorage) return isDenied ? "denied stored" : "";
  const isStored = [
    cookie("__oaiq_consent"),
    tryOr(() => localStorage.oaiq_consent),
  ].includes("true");
  return `granted ${isStored ? "stored" : "default"}`;
};

/** Where the click ID was found and what it is, as `DebugEvent::ClickId` carries them. */
const clickId = () => {
  const here = tryOr(() => new URL(location.href).searchParams.get("oppref"));
  if (here) {
    const stored = `__oppref=${tryOr(() => encodeURIComponent(here), here)}`;
    return `${stored.length > MAX_COOKIE_BYTES ? "long" : "address"} ${here}`;
  }
  const stored = cookie("__oppref");
  return stored ? `cookie ${stored}` : "nowhere";
};

let recordedFacts = "";
/** Records what the browser knows of consent and of the click, if it has changed. */
const recordFacts = () => {
  const answer = consent();
  const id = mayUseStorage && answer.startsWith("granted") ? clickId() : "";
  if (!answer || recordedFacts === answer + id) return;
  recordedFacts = answer + id;
  recordEvent(CONSENT_STATE, answer, isOn);
  if (id) recordEvent(CLICK_ID, id, isOn);
};

let hasLoadedHistory = false;
/** Loads, once that is allowed, what earlier pages of the tab have measured, and stores what this one has. */
const updateHistory = () => {
  if (!mayUseStorage || !isOn) return;
  const earlier =
    !hasLoadedHistory && tryOr(() => sessionStorage.getItem(HISTORY_KEY), "");
  hasLoadedHistory = true;
  if (earlier) recordEvent(TAB_HISTORY, earlier, isOn);
  const history = tabHistory();
  if (history) tryOr(() => sessionStorage.setItem(HISTORY_KEY, history));
};

const clearStorage = () =>
  tryOr(() => {
    sessionStorage.removeItem(DEBUG_KEY);
    sessionStorage.removeItem(HISTORY_KEY);
  });

/** `?oaiq_debug=1` switches debug on for this tab, and `?oaiq_debug=0` off. */
const applyUrlParameter = () => {
  const value = new URL(location.href).searchParams.get("oaiq_debug");
  if (value === "1") sessionStorage.setItem(DEBUG_KEY, "1");
  if (value !== "0") return;
  clearStorage();
  window.oaiq.debug?.(false);
};

/** @param {unknown} milliseconds */
const formatTime = (milliseconds) =>
  new Date(Number(milliseconds)).toLocaleTimeString();

const printTables = () => {
  for (const { title, rows } of tables() ?? []) {
    console.log(`[oaiq] ${title}${rows.length ? "" : ": none"}`);
    if (!rows.length) continue;
    /** @param {[column: string, value: unknown][]} columns */
    const toObject = (columns) =>
      Object.fromEntries(
        columns.map(([name, value]) => [
          name,
          name === "measured" ? formatTime(value) : value,
        ]),
      );
    console.table(rows.map(toObject));
  }
};

/**
 * The URL of the latest request for events.
 *
 * @type {string | undefined}
 */
let requestUrl;
/**
 * The duplicate calls that the collector has not been told of.
 *
 * @type {import("./send-callers.js").DuplicateCall[]}
 */
let unsent = [];
/** Tells a collector on this machine who has made calls twice. */
const tellCollector = () => {
  if (!requestUrl || !unsent.length) return;
  sendCallers(requestUrl, unsent);
  unsent = [];
};

const callLog = createCallLog((name, callers) => {
  nameCallers(name, callers)
    .then((named) => {
      recordEvent(DUPLICATE_CALL, [name, ...named].join("\n"), isOn);
      unsent.push({ call: name, callers: named });
      tellCollector();
    })
    .catch(() => {});
});

/** @param {DebugEvent[]} records */
const followCalls = (records) => {
  const { inits, views } = recordedCalls(records);
  for (const { pixel, hasUser } of inits) callLog.onInit(pixel, hasUser);
  for (const url of views)
    callLog.onView(
      // the query that it had is not known
      tryOr(() => new URL(url).pathname) === location.pathname
        ? location.href
        : url,
    );
  watchCalls(callLog, () => isOn);
};

let isAwaitingInit = false;
/** Reports a missing `init` once events have waited for it. */
const awaitInit = () => {
  if (isAwaitingInit) return;
  isAwaitingInit = true;
  setTimer(() => {
    isAwaitingInit = false;
    tryOr(() => recordEvent(NO_PIXEL_STARTED, "", isOn));
  }, INIT_GRACE_MS);
};

/**
 * Follows a debug event, and prints its message if debug is on.
 *
 * @type {Explain}
 */
const follow = (event, about, isDebugOn) => {
  isOn = !!isDebugOn;
  if (event === STATE_LOADED) {
    mayUseStorage = true;
    isDenied = false;
  }
  if (event === CONSENT_CHANGED && about === "denied") {
    if (mayUseStorage) clearStorage();
    mayUseStorage = false;
    isDenied = true;
  }
  if (event === HELD_FOR_CONSENT) {
    const { parts } = /** @type {import("../pixel/consent-gate.js").Call} */ (
      about
    );
    recordEvent(event, `[${parts[0]},${parts[1]}`, isOn);
  }
  // the answer to a call of oaiq.debug(false) is printed though debug is off
  else
    recordEvent(
      event,
      /** @type {string | undefined} */ (about) ?? "",
      isOn || event === DEBUG_REQUESTED,
    );
  if (
    [PIXEL_STARTED, DEBUG_REQUESTED, HELD_FOR_CONSENT, STATE_LOADED].includes(
      event,
    )
  )
    recordFacts();
  if (event === DEBUG_REQUESTED && about === "false" && mayUseStorage)
    tryOr(() => sessionStorage.removeItem(DEBUG_KEY));
  if (event === DEBUG_REQUESTED && isOn && about !== "true") tryOr(printTables);
  if (event === QUEUED || event === STATE_LOADED) updateHistory();
  if (event === QUEUED && isOn) awaitInit();
  if (event === REQUEST_SENT) {
    requestUrl = String(about).split(" ")[1];
    tellCollector();
  }
  if (event === STATE_LOADED) tryOr(applyUrlParameter);
};

/**
 * What is unusual about the script's element and the page's options, as `DebugEvent::ScriptElement` carries it. In the npm
 * package the element is null.
 *
 * @param {Element | null | undefined} element
 */
const elementFacts = (element) => {
  const facts = ignoredOptions(
    (name) => element?.getAttribute(name),
    /** @type {Record<string, unknown>} */ (window.oaiq.config),
  ).map(([name, value]) => `attribute ${name} ${value}`);
  if (element === null) return facts;
  // a page that uses oaiq.config needs no attributes
  if (Object.keys(window.oaiq.config).length) return facts;
  const script = /** @type {HTMLScriptElement | undefined} */ (element);
  const bare = /** @type {Element | undefined} */ (script?.cloneNode());
  const isBare = !script?.src && !bare?.outerHTML.includes(" data-");
  const file = script?.src && new URL(script.src).pathname.split("/").pop();
  if (isBare) facts.push("none");
  else if (file && !/oaiq/i.test(file)) facts.push(`in ${file}`);
  return facts;
};

/**
 * What happened before debug was on and was not recorded.
 *
 * @param {DebugEvent[]} records
 * @param {number} recorded
 */
const notRecorded = (records, recorded) => {
  const missing = recorded - records.length;
  const parts = [];
  if (missing) parts.push(`the first ${missing} debug events of this page`);
  if (!records.some(([event]) => event === INIT))
    parts.push(
      "the arguments of init, and events queued before a pixel started, because debug was off",
    );
  return parts.join("; ");
};

/** @returns {DebugEntry} */
const start = () => {
  const { exports: module } = new WebAssembly.Instance(
    new WebAssembly.Module(wasmBytes()),
    imports,
  );
  __wbg_set_wasm(module);
  /** @type {() => void} */ (module.__wbindgen_start)();
  on(document, "securitypolicyviolation", (event) =>
    tryOr(() =>
      recordEvent(
        CSP_VIOLATION,
        `${event.effectiveDirective} ${event.blockedURI}`,
        isOn,
      ),
    ),
  );
  return (element, state, records, recorded) => {
    /** @type {Explain} */
    const onEvent = (event, about, isDebugOn) => {
      tryOr(() => follow(event, about, isDebugOn));
      Object.assign(state, { debug: isOn }, currentState());
    };
    recordEvent(NOT_RECORDED, notRecorded(records, recorded), false);
    const user = tryOr(() => window.oaiq.config.user);
    if (user) recordEvent(CONFIG_USER, serialize(user), true);
    if (
      records.some(
        ([event, about]) => event === DEBUG_REQUESTED && about !== "false",
      )
    )
      setRequested();
    for (const fact of tryOr(() => elementFacts(element)) ?? [])
      recordEvent(SCRIPT_ELEMENT, fact, true);
    tryOr(() => followCalls(records));
    const from = recorded - records.length;
    for (let i = from; i < recorded; i += 1) {
      const [event, about] = records[i % records.length];
      onEvent(event, about, true);
    }
    return onEvent;
  };
};

/**
 * If WebAssembly is blocked, prints one line about it and switches debug off, so that the pixel prints its own short warnings
 * of rejected calls.
 *
 * @param {unknown} error
 * @returns {DebugEntry}
 */
const startWithoutWasm = (error) => (_element, state, records) => {
  const why = String(error);
  /** @type {Explain} */
  const onEvent = (event, about, isDebugOn) => {
    if (isDebugOn && event === REJECTED) {
      // any other name may be about a person
      const name =
        /,\x22measure(?:Single\x22,\x22[^\x22]*)?\x22,\x22(\w{1,64})\x22/.exec(
          String(about),
        );
      warn(`${name?.[1] ?? "a call"} was not measured`);
    }
    if (!isDebugOn || (event === DEBUG_REQUESTED && about === "false")) return;
    state.debug = WASM_FORBIDDEN.test(why)
      ? "debug needs WebAssembly, which this page does not allow: add 'wasm-unsafe-eval' to script-src in its Content-Security-Policy"
      : "the debug file is damaged: serve it as built, as UTF-8";
    if (event !== DEBUG_REQUESTED && isOn) return;
    isOn = true;
    warn(`${state.debug} (${why})`);
  };
  for (const [event, about] of records) onEvent(event, about, true);
  setTimer(() => window.oaiq.debug?.(false), 0);
  return (event, about, isDebugOn) => {
    onEvent(event, about, isDebugOn);
    if (isDebugOn && event === DEBUG_REQUESTED && about !== "false")
      window.oaiq.debug?.(false);
  };
};

/** @type {DebugEntry} */
let entry;
try {
  entry = start();
} catch (error) {
  entry = startWithoutWasm(error);
}
window.oaiq.__debug(entry);
