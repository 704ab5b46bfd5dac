// The script around the debug build. The pixel loads it when debug is on.

import {
  __wbg_set_wasm,
  askFor,
  explain,
  remembered,
  state as stateNow,
  tables,
} from "oaiq:glue";
import { imports } from "oaiq:imports";
import { copy } from "../pixel/serialize-call.js";
import { attempt, later, listen } from "../pixel/safe-builtins.js";
import { FORBIDS_WASM, moduleBytes } from "../pixel/wasm-bytes.js";

/** Places in `DebugEvent::ALL` (src/host.rs). */
const INIT = 0;
const PIXEL_STARTED = 1;
const CONSENT_CHANGED = 2;
const QUEUED = 3;
const REJECTED = 4;
const DEBUG_REQUESTED = 17;
const HELD_FOR_CONSENT = 18;
const CLICK_ID = 19;
const CONSENT_STATE = 20;
const CSP_VIOLATION = 21;
const TAB_HISTORY = 22;
const STATE_LOADED = 25;
const NO_PIXEL_STARTED = 26;
const CONFIG_USER = 27;
const SCRIPT_ELEMENT = 28;
const NOT_RECORDED = 29;

/** sessionStorage keys: "1" where debug is on for the tab (www/pixel/trace.js reads it), and what the tab's pages have measured. */
const WISH = "oaiq_debug";
const EVENTS = "oaiq_debug_events";
/** Browsers keep no cookie whose name and value have more bytes. */
const LONGEST_COOKIE = 4096;
/** Events wait this many milliseconds before a missing `init` is named. */
const PATIENCE = 3000;

const warn = (line) => console.warn(`[oaiq] ${line}`);

/** Whether stores and cookies may be read and written: the module has looked at them itself, with consent. */
let allowed = false;
let denied = false;
/** Whether debug is on. Steps are followed without it as well, so that the state stays right. */
let isOn = false;

const cookie = (name) =>
  attempt(() => document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1]);

/** What is known of consent, as `DebugEvent::ConsentState` has it; empty if nothing is. */
const consent = () => {
  const answer = attempt(() => window.oaiq.consentState);
  if (answer) return `${answer.state} ${answer.source}`;
  if (!allowed) return denied ? "denied stored" : "";
  const isStored = [
    cookie("__oaiq_consent"),
    attempt(() => localStorage.oaiq_consent),
  ].includes("true");
  return `granted ${isStored ? "stored" : "nobody"}`;
};

const click = () => {
  const here = attempt(() => new URL(location.href).searchParams.get("oppref"));
  if (here) {
    const kept = `__oppref=${attempt(() => encodeURIComponent(here), here)}`;
    return `${kept.length > LONGEST_COOKIE ? "long" : "address"} ${here}`;
  }
  const kept = cookie("__oppref");
  return kept ? `cookie ${kept}` : "nowhere";
};

let told = "";
/** Tells what the browser knows besides, if it has changed. */
const tellFacts = () => {
  const answer = consent();
  const id = allowed && answer.startsWith("granted") ? click() : "";
  if (!answer || told === answer + id) return;
  told = answer + id;
  explain(CONSENT_STATE, answer, isOn);
  if (id) explain(CLICK_ID, id, isOn);
};

let remembers = false;
/** Reads, once it may, what earlier pages of the tab have measured, and stores what this one has. */
const remember = () => {
  if (!allowed || !isOn) return;
  const before =
    !remembers && attempt(() => sessionStorage.getItem(EVENTS), "");
  remembers = true;
  if (before) explain(TAB_HISTORY, before, isOn);
  const all = remembered();
  if (all) attempt(() => sessionStorage.setItem(EVENTS, all));
};

const forget = () =>
  attempt(() => {
    sessionStorage.removeItem(WISH);
    sessionStorage.removeItem(EVENTS);
  });

/** `?oaiq_debug=1` keeps debug on for this tab, and `?oaiq_debug=0` ends that. */
const obeyAddress = () => {
  const wish = new URL(location.href).searchParams.get("oaiq_debug");
  if (wish === "1") sessionStorage.setItem(WISH, "1");
  if (wish !== "0") return;
  forget();
  window.oaiq.debug(false);
};

const asTime = (milliseconds) => {
  const time = new Date(Number(milliseconds));
  return time.toLocaleTimeString();
};

const printTables = () => {
  for (const { title, rows } of tables() ?? []) {
    console.log(`[oaiq] ${title}${rows.length ? "" : ": none"}`);
    if (!rows.length) continue;
    const asRow = (columns) =>
      Object.fromEntries(
        columns.map(([name, value]) => [
          name,
          name === "measured" ? asTime(value) : value,
        ]),
      );
    console.table(rows.map(asRow));
  }
};

let isPatient = false;
/** Names a missing `init` once events have waited for it. */
const awaitInit = () => {
  if (isPatient) return;
  isPatient = true;
  later(() => {
    isPatient = false;
    attempt(() => explain(NO_PIXEL_STARTED, "", isOn));
  }, PATIENCE);
};

/** Follows a step; prints what it means if debug is on. */
const follow = (step, about, on) => {
  isOn = !!on;
  if (step === STATE_LOADED) {
    allowed = true;
    denied = false;
  }
  if (step === CONSENT_CHANGED && about === "denied") {
    if (allowed) forget();
    allowed = false;
    denied = true;
  }
  if (step === HELD_FOR_CONSENT)
    explain(step, `[${about.parts[0]},${about.parts[1]}`, isOn);
  // "off" is the answer to somebody
  else explain(step, about ?? "", isOn || step === DEBUG_REQUESTED);
  if (
    [PIXEL_STARTED, DEBUG_REQUESTED, HELD_FOR_CONSENT, STATE_LOADED].includes(
      step,
    )
  )
    tellFacts();
  if (step === DEBUG_REQUESTED && about === "false" && allowed)
    attempt(() => sessionStorage.removeItem(WISH));
  if (step === DEBUG_REQUESTED && isOn && about !== "true")
    attempt(printTables);
  if (step === QUEUED || step === STATE_LOADED) remember();
  if (step === QUEUED && isOn) awaitInit();
  if (step === STATE_LOADED) attempt(obeyAddress);
};

/** The values that the pixel knows of attributes which other tools use as well (www/pixel/options.js). */
const KNOWN = {
  consent: /^pending$/,
  "consent-source": /^((google|tcf|gpp|gpc)\b[\s,]*)+$/i,
  gpc: /^opt-out$/,
};

/** What is unusual about the script's element. An npm package has none, which is null. */
const elementFacts = (element) => {
  if (element === null) return [];
  const facts = [];
  for (const [name, known] of Object.entries(KNOWN))
    for (const attribute of [`data-${name}`, `data-oaiq-${name}`]) {
      const value = element?.getAttribute(attribute);
      if (value != null && !known.test(value))
        facts.push(`attribute ${attribute} ${value}`);
    }
  // whoever uses the config knows
  if (Object.keys(window.oaiq.config).length) return facts;
  const isBare =
    !element?.src && !element?.cloneNode().outerHTML.includes(" data-");
  const file = element?.src && new URL(element.src).pathname.split("/").pop();
  if (isBare) facts.push("none");
  else if (file && !/oaiq/i.test(file)) facts.push(`in ${file}`);
  return facts;
};

const unrecorded = (records, recorded) => {
  const missing = recorded - records.length;
  const parts = [];
  if (missing) parts.push(`the first ${missing} steps of this page`);
  if (!records.some(([step]) => step === INIT))
    parts.push(
      "what init was given, and events queued before any pixel started, while debug was off",
    );
  return parts.join("; ");
};

const start = () => {
  const { exports: module } = new WebAssembly.Instance(
    new WebAssembly.Module(moduleBytes()),
    imports,
  );
  __wbg_set_wasm(module);
  module.__wbindgen_start();
  listen(document, "securitypolicyviolation", (event) =>
    attempt(() =>
      explain(
        CSP_VIOLATION,
        `${event.effectiveDirective} ${event.blockedURI}`,
        isOn,
      ),
    ),
  );
  return (element, state, records, recorded) => {
    const tell = (step, about, on) => {
      attempt(() => follow(step, about, on));
      Object.assign(state, { debug: isOn }, stateNow());
    };
    explain(NOT_RECORDED, unrecorded(records, recorded), false);
    const user = attempt(() => window.oaiq.config.user);
    if (user) explain(CONFIG_USER, copy(user), true);
    if (
      records.some(
        ([step, about]) => step === DEBUG_REQUESTED && about !== "false",
      )
    )
      askFor();
    for (const fact of attempt(() => elementFacts(element), []))
      explain(SCRIPT_ELEMENT, fact, true);
    const from = recorded - records.length;
    for (let i = from; i < recorded; i += 1)
      tell(...records[i % records.length], true);
    records.length = 0;
    return tell;
  };
};

/**
 * Where no WebAssembly may run, one line says so. The pixel goes on without debug, so that it prints its short warnings of
 * rejected calls itself.
 */
const nothing = (why) => (_element, state, records) => {
  const tell = (step, about, on) => {
    if (on && step === REJECTED) {
      // whatever else the name is may be about a person
      const name =
        /,\x22measure(?:Single\x22,\x22[^\x22]*)?\x22,\x22(\w{1,64})\x22/.exec(
          about,
        );
      warn(`${name?.[1] ?? "a call"} was not measured`);
    }
    if (!on || (step === DEBUG_REQUESTED && about === "false")) return;
    state.debug = FORBIDS_WASM.test(why)
      ? "debug needs WebAssembly, which this page does not allow: add 'wasm-unsafe-eval' to script-src in its Content-Security-Policy"
      : "the debug file is damaged: serve it as built, as UTF-8";
    if (step !== DEBUG_REQUESTED && isOn) return;
    isOn = true;
    warn(`${state.debug} (${why})`);
  };
  for (const [step, about] of records) tell(step, about, true);
  later(() => window.oaiq.debug(false), 0);
  return (step, about, on) => {
    tell(step, about, on);
    if (on && step === DEBUG_REQUESTED && about !== "false")
      window.oaiq.debug(false);
  };
};

let make;
try {
  make = start();
} catch (why) {
  make = nothing(why);
}
window.oaiq.__debug(make);
