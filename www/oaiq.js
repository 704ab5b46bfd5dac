// The script that a page embeds: takes the waiting calls over, starts the module, and never throws into the page.

import * as glue from "oaiq:glue";
import { imports } from "oaiq:imports";
import { addresses } from "./addresses.js";
import { callText, setupText } from "./copy.js";
import { moduleBytes } from "./module.js";
import { connect, explainBy, now, warn } from "./page.js";

const VERSION = "0.1.41";
const COMMANDS = ["init", "measure", "measureSingle", "consent"];

const { defineProperty } = Object;
const { isArray } = Array;

let module;
let stopped = false;
let inside = false;
let pending = [];

const stop = (why) => {
  stopped = true;
  pending = [];
  warn(why);
};

/** Work for the module: done now, or when it is ready and nobody is inside. What it calls may call the page back. */
const enter = (work) => {
  if (stopped) return;
  pending[pending.length] = work;
  if (!module || inside) return;
  inside = true;
  try {
    for (let i = 0; i < pending.length; i += 1) pending[i](module);
    pending = [];
  } catch (fault) {
    stop(
      `the pixel has stopped after a fault of its own (${fault}); the page is not affected, further calls are ignored. Please report it.`,
    );
  }
  inside = false;
};

/** Takes a call, with the time and address at which it was made. */
const take = (args) => {
  if (stopped) return;
  try {
    const text = callText(now(), location.href, document.referrer, args);
    enter((module) => module.call(text));
  } catch {
    warn("a call was ignored: its arguments could not be read");
  }
};

const startModule = (setup) => {
  const ready = (instance) => {
    glue.__wbg_set_wasm(instance.exports);
    module = glue;
    // what was called meanwhile comes after
    const calls = pending;
    pending = [];
    enter((module) => module.start(setup));
    for (let i = 0; i < calls.length; i += 1) enter(calls[i]);
  };
  const code = moduleBytes();
  try {
    ready(new WebAssembly.Instance(new WebAssembly.Module(code), imports));
  } catch {
    // some browsers compile nothing of this size while a page waits
    WebAssembly.instantiate(code, imports).then(
      ({ instance }) => ready(instance),
      (fault) =>
        stop(
          `nothing is measured: this page does not let WebAssembly run (${fault}). Add 'wasm-unsafe-eval' to script-src in its Content-Security-Policy`,
        ),
    );
  }
};

const listen = () => {
  const leaving = () => enter((module) => module.leaving());
  addEventListener("pagehide", leaving);
  addEventListener("beforeunload", leaving);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") leaving();
  });
  addEventListener("storage", () => enter((module) => module.storageChanged()));
};

/** The waiting calls, wherever the page's snippet has put them. */
const waitingCalls = (before) => {
  if (isArray(before)) return before;
  const found = before?.q ?? before?.queue;
  return found?.length >= 0 ? found : [];
};

const pushCalls = function () {
  for (let i = 0; i < arguments.length; i += 1) take(arguments[i]);
  return 0;
};

/** The page's own array, emptied and live: whoever kept the snippet's function goes on being heard. */
const liveQueue = (waiting) => {
  try {
    if (!isArray(waiting)) throw waiting;
    waiting.length = 0;
    defineProperty(waiting, "push", { value: pushCalls });
    return waiting;
  } catch {
    return [];
  }
};

const commandMethod = (command) =>
  function () {
    const args = [command];
    for (let i = 0; i < arguments.length; i += 1) args[i + 1] = arguments[i];
    take(args);
  };

const install = () => {
  const before = window.oaiq;
  if (before?.__oaiqInitialized) return;
  const waiting = waitingCalls(before);
  const calls = [];
  for (let i = 0; i < waiting.length; i += 1) calls[i] = waiting[i];

  const oaiq = function () {
    take(arguments);
  };
  // no array method: a page may have replaced any of them
  for (let i = 0; i < COMMANDS.length; i += 1)
    oaiq[COMMANDS[i]] = commandMethod(COMMANDS[i]);
  oaiq.q = oaiq.queue = liveQueue(waiting);
  oaiq.config = before?.config ?? {};
  oaiq.loaded = oaiq.__oaiqInitialized = true;
  oaiq.version = VERSION;
  // a page that began with an array may go on pushing to it
  defineProperty(oaiq, "push", { value: pushCalls });
  // the debug build's way in; no business of the page's
  defineProperty(oaiq, "__explain", { value: explainBy });
  window.oaiq = oaiq;

  connect(enter);
  const [events, settings] = addresses(document.currentScript, oaiq.config);
  startModule(setupText(location.href, events, settings, oaiq.config));
  listen();
  for (let i = 0; i < calls.length; i += 1) take(calls[i]);
};

try {
  install();
} catch (fault) {
  stop(fault.message);
}
