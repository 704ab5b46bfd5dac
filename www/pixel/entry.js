// oaiq.min.js, the script that a page embeds: replays the calls that were made before it loaded, starts the module, and never
// throws into the page.

import { WASM_FORBIDDEN, wasmBytes } from "./wasm-bytes.js";
import { requestDebug, setDebug } from "./trace.js";
import {
  attachModule,
  callModule,
  scheduleCall,
  shutDown,
  writeString,
} from "./wasm-bridge.js";
import { loadAsset } from "./lazy-assets.js";
import { isOn, mustHold, readOption, readOptions } from "./options.js";
import { loadIntegration } from "./integrations.js";
import {
  defineHidden,
  each,
  isHidden,
  NOT_MEASURING,
  now,
  on,
  tryOr,
  warn,
} from "./safe-builtins.js";
import { isArray, quote, serialize, serializeArgs } from "./serialize-call.js";
import { imports } from "oaiq:imports";
import { build } from "oaiq:version";
import { abortInFlight } from "./requests.js";
import { admitCall, holdForConsent } from "./consent-gate.js";
import { PROTOCOL_VERSION } from "./protocol.gen.js";

/** An array of calls that claims to be longer is broken. */
const MAX_QUEUE_LENGTH = 1e5;
const COMMANDS = /** @type {const} */ ([
  "init",
  "measure",
  "measureSingle",
  "consent",
]);

/** @typedef {ArrayLike<unknown>} Args the arguments of a call */
/** @typedef {import("../types/oaiq.js").Oaiq} Oaiq */

const { isExtensible } = Object;

/** The page's URL and its referrer, serialized. */
const pageContext = () =>
  `${quote(location.href)},${serialize(tryOr(() => document.referrer))}`;

/**
 * Takes a call, with its time and page.
 *
 * @param {Args} args
 */
const onCall = (args) => {
  try {
    const parts = serializeArgs(args);
    const command = parts[0];
    const options = parts[1];
    // tools that wrap the global function copy no methods, so this is a command too
    if (command === '"debug"')
      return requestDebug(options !== "false" && undefined);
    if (/^.init/.test(command)) {
      // quotation marks within strings are escaped, so this matches a key and its value
      if (/\x22consent\x22:\x22pending\x22/.test(options)) holdForConsent();
      setDebug(options);
    }
    admitCall({ head: `[${now()},${pageContext()}`, parts });
  } catch {
    warn("a call was ignored: unreadable arguments");
  }
};

/** @param {string} bootConfig */
const startModule = (bootConfig) => {
  callModule((module) => {
    writeString(bootConfig);
    module.start();
  });
  try {
    // where the page says that WebAssembly is forbidden, an attempt would only cause a report
    if (!isOn(readOption("wasm") ?? 1)) throw "CSP";
    const module = new WebAssembly.Module(wasmBytes());
    attachModule(
      /** @type {import("oaiq:imports").Exports} */ (
        /** @type {unknown} */ (
          new WebAssembly.Instance(module, imports).exports
        )
      ),
    );
  } catch (error) {
    // WebAssembly is forbidden, or an old browser compiles no module of this size on the main thread
    loadAsset(
      "fallback",
      (instantiate) => attachModule(instantiate(imports)),
      (why) =>
        shutDown(
          NOT_MEASURING +
            (WASM_FORBIDDEN.test(/** @type {string} */ (error))
              ? "WebAssembly may not run (add 'wasm-unsafe-eval' to script-src)"
              : "the script is damaged (serve it as built, as UTF-8)") +
            `; ${why}`,
        ),
    );
  }
};

const listenToPage = () => {
  const onPageHide = () => callModule((module) => module.onPageHide());
  on(window, "pagehide", () => {
    tryOr(abortInFlight);
    onPageHide();
  });
  on(window, "beforeunload", onPageHide);
  on(window, "online", () => callModule((module) => module.onOnline()));
  on(document, "visibilitychange", () => {
    if (isHidden()) onPageHide();
  });
};

/** The `push` of a live queue. */
const pushCalls = function () {
  each(arguments, onCall);
  return 0;
};

/**
 * Empties the page's own array and makes its `push` take calls, because the page may still hold the snippet's function.
 *
 * @param {unknown} waiting
 */
const makeLive = (waiting) => {
  const queue = isArray(waiting) && isExtensible(waiting) ? waiting : [];
  tryOr(() => {
    queue.length = 0;
  });
  defineHidden(queue, "push", pushCalls);
  return queue;
};

/**
 * Appends the calls of the page's own queue to `calls`, and makes the queue live.
 *
 * @param {Args[] | undefined} waiting
 * @param {Args[]} calls
 */
const takeOver = (waiting, calls) => {
  if (/** @type {Args[]} */ (waiting)?.length < MAX_QUEUE_LENGTH)
    each(/** @type {Args[]} */ (waiting), (args) => {
      calls[calls.length] = args;
    });
  return makeLive(waiting);
};

/**
 * Commands have up to four arguments. Missing ones count as undefined.
 *
 * @param {string} command
 * @returns {(a?: unknown, b?: unknown, c?: unknown, d?: unknown) => void}
 */
const commandMethod = (command) => (a, b, c, d) =>
  onCall([command, a, b, c, d]);

const install = () => {
  /** @type {Partial<Oaiq> | undefined} */
  const before = window.oaiq;
  if (before?.__oaiqInitialized) return;
  /** @type {Args[]} */
  const calls = [];
  const queue = takeOver(isArray(before) ? before : before?.q, calls);
  const other = before?.queue;
  if (other !== queue) takeOver(other, calls);

  const oaiq = /** @type {import("../types/internal.js").MutableOaiq} */ (
    /** @type {unknown} */ (
      function () {
        onCall(arguments);
      }
    )
  );
  each(COMMANDS, (command) => {
    oaiq[command] = commandMethod(command);
  });
  oaiq.q = oaiq.queue = queue;
  const config = (oaiq.config = before?.config ?? {});
  oaiq.loaded = oaiq.__oaiqInitialized = true;
  oaiq.version = PROTOCOL_VERSION;
  // a page that began with an array may keep pushing to it
  defineHidden(oaiq, "push", pushCalls);
  defineHidden(oaiq, "build", build);
  defineHidden(oaiq, "debug", requestDebug);
  // if the page has frozen the property, its queue is live all the same
  tryOr(() => {
    window.oaiq = /** @type {Oaiq} */ (oaiq);
  });
  // for the site's own tests
  if (config.off) return shutDown();

  const serializedConfig = serialize(config);
  readOptions(config);
  if (mustHold()) holdForConsent();
  startModule(`[${serializedConfig},${!isOn(readOption("diagnostics") ?? 1)}]`);
  listenToPage();
  setDebug(serializedConfig);
  if (/oaiq_debug=1/.test(location.search)) requestDebug(true);
  each(calls, onCall);
  scheduleCall((module) => module.onReplayDone());
  loadIntegration("layer", readOption("layer"));
  loadIntegration("fields", readOption("fields"));
  loadIntegration("views", readOption("page-views", undefined, "pageViews"));
};

const start = () => {
  try {
    install();
  } catch (error) {
    shutDown(/** @type {Error} */ (error).message);
  }
};

// nobody sees a prerendered page until it is activated
if (document.prerendering) on(document, "prerenderingchange", start);
else start();
