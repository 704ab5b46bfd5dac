// The script that a page embeds: takes the waiting calls over, starts the module, and never throws into the page.

import * as glue from "oaiq:glue";
import { imports } from "oaiq:imports";
import { addresses } from "./addresses.js";
import { callText, setupText } from "./copy.js";
import { moduleBytes } from "./module.js";
import {
  attempt,
  connect,
  explainBy,
  hide,
  isHidden,
  listen,
  now,
  referrer,
  warn,
} from "./page.js";

const VERSION = "0.1.41";
/** What claims to be longer is no queue. */
const MOST_WAITING = 1e5;
const COMMANDS = ["init", "measure", "measureSingle", "consent"];

const { isExtensible } = Object;
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
    const text = callText(now(), location.href, referrer(), args);
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
  const refused = (why) =>
    stop(
      `nothing is measured: this page does not let WebAssembly run (${why}). Add 'wasm-unsafe-eval' to script-src in its Content-Security-Policy, or try a browser in which WebAssembly is switched on`,
    );
  const { WebAssembly } = window;
  if (!WebAssembly) return refused("there is none");
  const code = moduleBytes();
  try {
    ready(new WebAssembly.Instance(new WebAssembly.Module(code), imports));
  } catch {
    // some browsers compile nothing of this size while a page waits
    WebAssembly.instantiate(code, imports).then(
      ({ instance }) => ready(instance),
      refused,
    );
  }
};

const listenToPage = () => {
  const leaving = () => enter((module) => module.leaving());
  listen(window, "pagehide", leaving);
  listen(window, "beforeunload", leaving);
  listen(document, "visibilitychange", () => {
    if (isHidden()) leaving();
  });
  listen(window, "storage", () => enter((module) => module.storageChanged()));
};

/** The waiting calls, wherever the page's snippet has put them. */
const waitingCalls = (before) => {
  if (isArray(before)) return before;
  const found = before?.q ?? before?.queue;
  return found?.length < MOST_WAITING ? found : [];
};

const pushCalls = function () {
  for (let i = 0; i < arguments.length; i += 1) take(arguments[i]);
  return 0;
};

/** The page's own array, emptied and live: whoever kept the snippet's function goes on being heard. */
const liveQueue = (waiting) => {
  const queue = isArray(waiting) && isExtensible(waiting) ? waiting : [];
  attempt(() => {
    queue.length = 0;
  });
  hide(queue, "push", pushCalls);
  return queue;
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
  hide(oaiq, "push", pushCalls);
  // the debug build's way in; no business of the page's
  hide(oaiq, "__explain", explainBy);
  // where it cannot be replaced, its queue is live all the same
  attempt(() => {
    window.oaiq = oaiq;
  });

  connect(enter);
  const { events, settings } = addresses(document.currentScript, oaiq.config);
  startModule(setupText(location.href, events, settings, oaiq.config));
  listenToPage();
  for (let i = 0; i < calls.length; i += 1) take(calls[i]);
};

try {
  install();
} catch (fault) {
  stop(fault.message);
}
