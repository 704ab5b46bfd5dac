// The script that a page embeds: takes the waiting calls over, starts the module, and never throws into the page.

import { copies, copy, isArray, quote } from "./serialize-call.js";
import { readOptions } from "./options.js";
import {
  attempt,
  each,
  hide,
  isHidden,
  listen,
  NOTHING,
  now,
  warn,
} from "./safe-builtins.js";
import { imports } from "oaiq:imports";
import { build } from "oaiq:version";
import { ask, debug } from "./trace.js";
import { take, wait } from "./consent-gate.js";
import { giveUp } from "./host.js";
import { loadBeside } from "./lazy-assets.js";
import { FORBIDS_WASM, moduleBytes } from "./wasm-bytes.js";
import { enter, enterLater, hand, open, stop } from "./wasm-bridge.js";

const VERSION = "0.1.41";
/** What claims to be longer is no queue. */
const MOST_WAITING = 1e5;
const COMMANDS = ["init", "measure", "measureSingle", "consent"];

const { isExtensible } = Object;

/** Where the page is, as the module reads it. */
const place = () =>
  `${quote(location.href)},${copy(attempt(() => document.referrer))}`;

/** Takes a call, with the time and address at which it was made. */
const call = (args) => {
  try {
    const parts = copies(args);
    const command = parts[0];
    const given = parts[1];
    // tools that wrap the global copy its commands, not its methods
    if (command === '"debug"') return ask(given !== "false" && undefined);
    if (/^.init/.test(command)) {
      // a quotation mark within a text is escaped there, so what looks like a key is one
      if (/\x22consent\x22:\x22pending\x22/.test(given)) wait();
      debug(given);
    }
    take({ head: `[${now()},${place()}`, parts });
  } catch {
    warn("a call was ignored: unreadable arguments");
  }
};

const startModule = (setup, hasWasm) => {
  enter((module) => {
    hand(setup);
    module.start();
  });
  try {
    // a page whose policy forbids WebAssembly spares itself a report of the attempt
    if (!hasWasm) throw "CSP";
    const module = new WebAssembly.Module(moduleBytes());
    open(new WebAssembly.Instance(module, imports).exports);
  } catch (fault) {
    // the same module as JavaScript, where this page or browser lets no WebAssembly run, and where an older browser
    // compiles nothing of this size while a page waits
    loadBeside(
      "fallback",
      (instantiate) => open(instantiate(imports)),
      (why) =>
        stop(
          NOTHING +
            (FORBIDS_WASM.test(fault)
              ? "WebAssembly may not run (add 'wasm-unsafe-eval' to script-src)"
              : "the script is damaged (serve it as built, as UTF-8)") +
            `; ${why}`,
        ),
    );
  }
};

const listenToPage = () => {
  const leaving = () => enter((module) => module.onPageHide());
  listen(window, "pagehide", () => {
    attempt(giveUp);
    leaving();
  });
  listen(window, "beforeunload", leaving);
  listen(window, "online", () => enter((module) => module.onOnline()));
  listen(document, "visibilitychange", () => {
    if (isHidden()) leaving();
  });
};

const pushCalls = function () {
  each(arguments, call);
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

/** Adds the calls that wait in a queue of the page's to the others, and makes the queue live. */
const takeOver = (waiting, calls) => {
  if (waiting?.length < MOST_WAITING)
    each(waiting, (it) => {
      calls[calls.length] = it;
    });
  return liveQueue(waiting);
};

/** The commands have up to four arguments; those that are left out count as undefined. */
const commandMethod = (command) => (a, b, c, d) => call([command, a, b, c, d]);

const install = () => {
  const before = window.oaiq;
  if (before?.__oaiqInitialized) return;
  const calls = [];
  const queue = takeOver(isArray(before) ? before : before?.q, calls);
  const other = before?.queue;
  if (other !== queue) takeOver(other, calls);

  const oaiq = function () {
    call(arguments);
  };
  each(COMMANDS, (command) => {
    oaiq[command] = commandMethod(command);
  });
  oaiq.q = oaiq.queue = queue;
  const settings = (oaiq.config = before?.config ?? {});
  oaiq.loaded = oaiq.__oaiqInitialized = true;
  oaiq.version = VERSION;
  // a page that began with an array may go on pushing to it
  hide(oaiq, "push", pushCalls);
  hide(oaiq, "build", build);
  hide(oaiq, "debug", ask);
  // where it cannot be replaced, its queue is live all the same
  attempt(() => {
    window.oaiq = oaiq;
  });
  // for a site's own tests: all calls are ignored
  if (settings.off) return stop();

  const config = copy(settings);
  const { events, settingsUrl, waits, hasWasm, isSilent } =
    readOptions(settings);
  if (waits) wait();
  startModule(
    `[${quote(events)},${quote(settingsUrl)},${config},${isSilent}]`,
    hasWasm,
  );
  listenToPage();
  debug(config);
  if (/oaiq_debug=1/.test(location.search)) ask(true);
  each(calls, call);
  enterLater((module) => module.onReplayDone());
};

const begin = () => {
  try {
    install();
  } catch (fault) {
    stop(fault.message);
  }
};

// nobody has seen a page that is made ready before anybody goes there
if (document.prerendering) listen(document, "prerenderingchange", begin);
else begin();
