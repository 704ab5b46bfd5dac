// The script that a page embeds: takes the waiting calls over, starts the module, and never throws into the page.

import { element } from "oaiq:beside";
import { imports } from "oaiq:imports";
import { ASKED, debug, trace } from "./trace.js";
import { loadBeside } from "./beside.js";
import { moduleBytes } from "./module.js";
import { copies, copy, isArray, quote } from "./copy.js";
import { addresses } from "./addresses.js";
import { giveUp } from "./page.js";
import { enter, hand, open, stop } from "./border.js";
import { attempt, hide, isHidden, listen, now, warn } from "./guard.js";
import { take, wait } from "./gate.js";

const VERSION = "0.1.41";
/** What claims to be longer is no queue. */
const MOST_WAITING = 1e5;
const COMMANDS = ["init", "measure", "measureSingle", "consent"];

const { isExtensible } = Object;

let address;
let addressAndReferrer;
/** Where the page is, as the module reads it; the same text as long as it stays there. */
const place = () => {
  const { href } = location;
  if (href !== address) {
    address = href;
    const referrer = attempt(() => document.referrer);
    addressAndReferrer = `${quote(href)},${copy(referrer)}`;
  }
  return addressAndReferrer;
};

/** Has somebody asked for debug, so that no `init` switches it off? */
let asked;

/** Takes a call, with the time and address at which it was made. */
const call = (args) => {
  try {
    const parts = copies(args);
    if (/^"init/.test(parts[0])) {
      if (/"consent":"pending"/.test(parts[1])) wait();
      const wish = /"debug":([tf])/.exec(parts[1]);
      if (wish && !asked) debug(wish[1] === "t");
    }
    take({ head: `[${now()},${place()}`, parts });
  } catch {
    warn("a call was ignored: its arguments cannot be read");
  }
};

const startModule = (setup) => {
  enter((module) => {
    hand(setup);
    module.start();
  });
  try {
    const module = new WebAssembly.Module(moduleBytes());
    open(new WebAssembly.Instance(module, imports).exports);
  } catch {
    // the same module as JavaScript, where this page or browser lets no WebAssembly run, and where an older browser
    // compiles nothing of this size while a page waits
    loadBeside(
      "fallback",
      (instantiate) => open(instantiate(imports)),
      (why) =>
        stop(
          `nothing is measured: WebAssembly may not run here ('wasm-unsafe-eval' in script-src lets it), and ${why}`,
        ),
    );
  }
};

const listenToPage = () => {
  const leaving = () => enter((module) => module.leaving());
  listen(window, "pagehide", () => {
    attempt(giveUp);
    leaving();
  });
  listen(window, "beforeunload", leaving);
  listen(document, "freeze", leaving);
  listen(window, "online", () => enter((module) => module.online()));
  listen(document, "visibilitychange", () => {
    if (isHidden()) leaving();
  });
};

/** The waiting calls, wherever the page's snippet has put them. */
const waitingCalls = (before) => {
  if (isArray(before)) return before;
  const found = before?.q ?? before?.queue;
  return found?.length < MOST_WAITING ? found : [];
};

const pushCalls = function () {
  for (let i = 0; i < arguments.length; i += 1) call(arguments[i]);
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
    call(args);
  };

const install = () => {
  const before = window.oaiq;
  if (before?.__oaiqInitialized) return;
  const waiting = waitingCalls(before);
  const calls = [];
  for (let i = 0; i < waiting.length; i += 1) calls[i] = waiting[i];

  const oaiq = function () {
    call(arguments);
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
  const ask = (wish) => {
    asked = wish !== false;
    debug(asked);
    trace(ASKED, copy(wish));
  };
  // for whoever looks for an event that did not arrive
  hide(oaiq, "debug", ask);
  // where it cannot be replaced, its queue is live all the same
  attempt(() => {
    window.oaiq = oaiq;
  });

  const config = copy(oaiq.config);
  // its attributes alone: an inline element has the whole script inside
  const wishes = config + element?.cloneNode().outerHTML;
  if (/(data-|")(consent|gpc)/.test(wishes))
    wait(/(data-|")(consent-?s|gpc|click)/i.test(wishes));
  const { events, settings } = addresses(element, oaiq.config);
  startModule(`[${quote(events)},${quote(settings)},${config}]`);
  listenToPage();
  // what an address has asked for holds for the tab (www/debug.js); a store must not be read before consent
  if (/oaiq_debug=1|"debug":true/.test(config + location.search + window.name))
    ask(true);
  for (let i = 0; i < calls.length; i += 1) call(calls[i]);
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
