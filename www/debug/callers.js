// Finds out which scripts have started a pixel twice, or measured the view of a page twice: by the stacks of calls, and for calls that
// were made before debug was loaded, by the texts of the page's scripts.

import { HELD_FOR_CONSENT, INIT, QUEUED } from "../pixel/debug-events.gen.js";
import { on, tryOr } from "../pixel/safe-builtins.js";

/** @typedef {"init" | "page_viewed"} Name */

/** The pixel's own files, as far as they make calls, and those that do not. */
const CALLING_FILE = /\/oaiq\.(views|layer)\.min\.js$/;
const OWN_TEXT = /\/\*! oaiq \d/;
/** What a script says that makes the call. */
const CALL_TEXT = {
  init: /["'`]init(ialize)?["'`]|\.init(ialize)?\(/,
  page_viewed: /page_viewed/,
};
/** More scripts than these are not read. */
const MAX_SCRIPTS = 100;

/** @param {string} url */
const withoutQuery = (url) => url.replace(/[?#].*/, "");

/**
 * The script that has made a call, by the stack within it: its URL without query, or the line of an inline script; undefined if the
 * stack does not say.
 *
 * @param {string} stack - as Chromium (`at f (URL:1:2)`), Firefox and Safari (`f@URL:1:2`) write it
 * @param {(url: string) => boolean} isOwn - whether a script only passes calls on
 * @param {(url: string) => boolean} isPage
 */
export const callerIn = (stack, isOwn, isPage) => {
  for (const [, url, line] of stack.matchAll(
    /((?:https?|file|blob|webpack-internal):[^\s()]+?):(\d+):\d+/g,
  ))
    if (!isOwn(url))
      return isPage(url)
        ? `an inline script (line ${line})`
        : withoutQuery(url);
};

/**
 * Follows the calls of a page, and reports those that are one too many.
 *
 * @param {(name: Name, callers: (string | undefined)[]) => void} report
 */
export const createCallLog = (report) => {
  /** @type {Map<string, string | undefined>} */
  const starts = new Map();
  /** @type {{ address: string, caller: string | undefined } | undefined} */
  let lastView;
  const reported = new Set();
  /** @type {typeof report} */
  const reportOnce = (name, callers) => {
    const key = [name, ...callers].join("\n");
    if (reported.has(key)) return;
    reported.add(key);
    report(name, callers);
  };
  return {
    /**
     * An `init`. With user data it may be an update, for example after a login.
     *
     * @param {string} pixel - "" for the first one
     * @param {boolean} hasUser
     * @param {string} [caller]
     */
    onInit(pixel, hasUser, caller) {
      const [first = pixel] = starts.keys();
      const id = pixel || first;
      if (!starts.has(id)) starts.set(id, caller);
      else if (!hasUser) reportOnce("init", [starts.get(id), caller]);
    },
    /**
     * A view of the page at this address, which changes with each route.
     *
     * @param {string} address
     * @param {string} [caller]
     */
    onView(address, caller) {
      if (lastView?.address === address)
        reportOnce("page_viewed", [lastView.caller, caller]);
      else lastView = { address, caller };
    },
    /** The page was restored from the back/forward cache, which counts as a new page. */
    onRestored() {
      lastView = undefined;
    },
  };
};

/**
 * The text of a script that the page may read; undefined if it may not.
 *
 * @param {HTMLScriptElement} script
 */
const textOf = async ({ src, text, crossOrigin }) => {
  if (!src) return text;
  if (new URL(src).origin !== location.origin && crossOrigin === null) return;
  const response = await fetch(src, {
    cache: "force-cache",
    credentials: crossOrigin === "use-credentials" ? "include" : "same-origin",
  });
  return response.text();
};

/**
 * The scripts of the page whose text makes this call.
 *
 * @param {Name} name
 */
const scriptsThatCall = async (name) => {
  const scripts = [...document.scripts].slice(0, MAX_SCRIPTS);
  const found = await Promise.all(
    scripts.map(async (script, i) => {
      const url = withoutQuery(script.src);
      if (name === "page_viewed" && CALLING_FILE.test(url)) return url;
      const text = (await textOf(script).catch(() => "")) ?? "";
      const isCaller =
        /\boaiq\b/.test(text) &&
        CALL_TEXT[name].test(text) &&
        // the pixel itself
        !(script.src && OWN_TEXT.test(text.slice(0, 100)));
      return isCaller && (url || `inline script ${i + 1} of the page`);
    }),
  );
  return found.filter((it) => typeof it === "string");
};

/**
 * Names the callers that no stack has named, as far as the page's scripts tell.
 *
 * @param {Name} name
 * @param {(string | undefined)[]} callers
 */
export const nameCallers = async (name, callers) => {
  const known = callers.filter((it) => it !== undefined);
  if (known.length === callers.length) return known;
  const candidates = (await scriptsThatCall(name)).filter(
    (it) => !known.includes(it),
  );
  return [
    ...(candidates.length
      ? candidates
      : ["a script that ran before debug was loaded"]),
    ...known,
  ];
};

/**
 * The `init` and `page_viewed` calls among the debug events that were recorded before debug was loaded.
 *
 * @param {import("../types/internal.js").DebugEvent[]} records
 */
export const recordedCalls = (records) => {
  /** @type {{ pixel: string, hasUser: boolean }[]} */
  const inits = [];
  /**
   * The pages whose views were measured.
   *
   * @type {string[]}
   */
  const views = [];
  /** @param {string} text of an init */
  const addInit = (text) =>
    inits.push({
      pixel: /"pixelId":"([^"]*)"/.exec(text)?.[1] ?? "",
      hasUser: text.includes('"user":'),
    });
  // calls that have waited for consent are recorded again once it is granted
  const held = records.filter(([event]) => event === HELD_FOR_CONSENT);
  for (const [, about] of held) {
    const { head, parts } =
      /** @type {import("../pixel/consent-gate.js").Call} */ (about);
    if (/^.init/.test(parts[0])) addInit(parts[1]);
    else if (/^.measure/.test(parts[0]) && parts.includes('"page_viewed"'))
      views.push(/,"([^"]*)"/.exec(head ?? "")?.[1] ?? "");
  }
  if (held.length) return { inits, views };
  const ids = new Set();
  for (const [event, about] of records) {
    const text = String(about);
    if (event === INIT) addInit(text);
    if (event !== QUEUED || !text.startsWith('{"type":"page_viewed"')) continue;
    // each pixel queues the event
    const id = /"id":"([^"]*)"/.exec(text)?.[1];
    if (ids.has(id)) continue;
    ids.add(id);
    views.push(/"source_url":"([^"]*)"/.exec(text)?.[1] ?? "");
  }
  return { inits, views };
};

/**
 * Notes each call of `init` and `page_viewed` from now on, with its stack.
 *
 * @param {ReturnType<typeof createCallLog>} log
 * @param {() => unknown} isOn
 */
export const watchCalls = (log, isOn) => {
  const requested = tryOr(
    () => performance.getEntriesByType("navigation")[0].name,
    "",
  );
  const self = callerIn(
    String(Error().stack),
    () => false,
    () => false,
  );
  /** @param {string} url */
  const isOwn = (url) => withoutQuery(url) === self;
  /** @param {string} url */
  const isPage = (url) =>
    [location.href, requested].some(
      (it) => withoutQuery(it) === withoutQuery(url),
    );
  /** @param {unknown[]} args */
  const note = (args) => {
    if (!isOn()) return;
    const caller = callerIn(String(Error().stack), isOwn, isPage);
    const [command, first, second] = args;
    if (command === "init" || command === "initialize") {
      const { pixelId = "", user } =
        /** @type {import("../types/oaiq.js").InitOptions} */ (first);
      log.onInit(String(pixelId), user !== undefined, caller);
    }
    if ((command === "measure" ? first : second) === "page_viewed")
      log.onView(location.href, caller);
  };
  const { oaiq } = window;
  for (const command of /** @type {const} */ ([
    "init",
    "measure",
    "measureSingle",
  ])) {
    const original = /** @type {Function} */ (oaiq[command]);
    /** @type {import("../types/internal.js").MutableOaiq} */ (oaiq)[command] =
      /** @param {unknown[]} args */ (...args) => {
        tryOr(() => note([command, ...args]));
        return original(...args);
      };
  }
  window.oaiq = new Proxy(oaiq, {
    apply(target, that, args) {
      tryOr(() => note(args));
      return Reflect.apply(target, that, args);
    },
  });
  on(window, "pageshow", ({ persisted }) => persisted && log.onRestored());
};
