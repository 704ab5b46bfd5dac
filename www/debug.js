// The script around the debug build. The pixel loads it when debug is on.

import { __wbg_set_wasm, explain, remembered, tables } from "oaiq:glue";
import { imports } from "oaiq:imports";
import { attempt, listen } from "./guard.js";
import { moduleBytes } from "./module.js";

/** Places in `Step::ALL` (src/host.rs). */
const STARTED = 1;
const QUEUED = 3;
const ASKED = 17;
const HELD = 18;
const CLICK = 19;
const CONSENTED = 20;
const FORBIDDEN = 21;
const REMEMBERED = 22;

/**
 * What an address asks for holds for the tab: its pages share the name of their window, and no other place can be read before
 * a visitor has agreed to that.
 */
const WISH = "oaiq_debug=1";
/** Where sessionStorage has the ids of what the tab's pages have measured. */
const EVENTS = "oaiq_debug_events";

const cookie = (name) =>
  attempt(() => document.cookie.match(`(?:^|; )${name}=([^;]*)`)?.[1]);

const consent = () => {
  const state = attempt(() => window.oaiq.consentState);
  if (state) return `${state.state} ${state.source}`;
  const answers = [
    cookie("__oaiq_consent"),
    attempt(() => localStorage.oaiq_consent),
  ];
  if (answers.includes("false")) return "denied stored";
  return answers.includes("true") ? "granted stored" : "granted nobody";
};

const click = () => {
  const here = attempt(() => new URL(location.href).searchParams.get("oppref"));
  if (here) return `address ${here}`;
  const kept = cookie("__oppref");
  return kept ? `cookie ${kept}` : "nowhere";
};

let told = "";
/** What the browser knows besides, if it has changed. */
const tellFacts = () => {
  const answer = consent();
  const reference = answer.startsWith("granted") ? click() : "";
  if (told === answer + reference) return;
  told = answer + reference;
  explain(CONSENTED, answer);
  if (reference) explain(CLICK, reference);
};

let remembers = false;
/** What earlier pages of the tab have measured; asked for with a first event, when consent is known. */
const remember = () => {
  if (remembers) return;
  remembers = true;
  const before = attempt(() => sessionStorage.getItem(EVENTS));
  if (before) explain(REMEMBERED, before);
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

/** Tells of a step, and of what it changes that only the browser knows. */
const tell = (step, about) => {
  if (step === QUEUED) remember();
  if (step === HELD) explain(step, `[${about.parts[0]},${about.parts[1]}`);
  else explain(step, about);
  if (step === STARTED || step === ASKED) tellFacts();
  if (step === ASKED && about !== "true") printTables();
  if (step === QUEUED)
    attempt(() => sessionStorage.setItem(EVENTS, remembered()));
};

/** `?oaiq_debug=1` switches debug on for this tab, and `?oaiq_debug=0` off. */
const obeyAddress = () => {
  const wish = new URL(location.href).searchParams.get("oaiq_debug");
  if (wish === "1" && !window.name) window.name = WISH;
  if (wish === "1" && window.name !== WISH)
    console.warn(
      "[oaiq] debug is on for this page alone: its window has a name of its own, so add oaiq_debug=1 to the next page's address as well",
    );
  if (wish !== "0" || window.name !== WISH) return;
  window.name = "";
  sessionStorage.removeItem(EVENTS);
  window.oaiq.debug(false);
};

const start = () => {
  const { exports: module } = new WebAssembly.Instance(
    new WebAssembly.Module(moduleBytes()),
    imports,
  );
  __wbg_set_wasm(module);
  module.__wbindgen_start();
  listen(document, "securitypolicyviolation", (event) =>
    explain(FORBIDDEN, `${event.effectiveDirective} ${event.blockedURI}`),
  );
  return tell;
};

/** Where no WebAssembly may run, one line says so, and the steps are not told. */
const nothing = (why) => {
  console.warn(
    `[oaiq] debug is on, but its texts need WebAssembly, which this page does not let run (${why})`,
  );
  return () => {};
};

let explainer;
try {
  explainer = start();
} catch (why) {
  explainer = nothing(why);
}
attempt(obeyAddress);
window.oaiq.__debug(explainer);
