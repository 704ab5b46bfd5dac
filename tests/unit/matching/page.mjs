// A page in Node, with jsdom, and the matching file in it as the pixel calls it.
import { createRequire } from "node:module";
import { normalizeIdentifier } from "./fixtures.mjs";
import {
  CONFIG_RECEIVED,
  CONSENT_CHANGED,
  MATCHED,
} from "../../../www/pixel/debug-events.gen.js";

// jsdom is a part of Jest's environment
const require = createRequire(import.meta.url);
const { JSDOM } = createRequire(require.resolve("jest-environment-jsdom"))(
  "jsdom",
);

const { window } = new JSDOM("<!doctype html><body></body>", {
  url: "https://shop.test/checkout",
  // not hidden
  pretendToBeVisual: true,
});
Object.assign(globalThis, {
  window,
  document: window.document,
  ...Object.fromEntries(
    [
      "CharacterData",
      "Document",
      "DocumentFragment",
      "Element",
      "Event",
      "EventTarget",
      "HTMLButtonElement",
      "HTMLFormElement",
      "HTMLInputElement",
      "HTMLSelectElement",
      "HTMLTextAreaElement",
      "MutationObserver",
      "Node",
      "NodeFilter",
      "ShadowRoot",
      "TreeWalker",
    ].map((name) => [name, window[name]]),
  ),
});
const { document } = window;

// jsdom cannot navigate
window.addEventListener("submit", (event) => event.preventDefault());

let now = 0;
performance.now = () => now;
const timers = [];
window.requestAnimationFrame = (work) => {
  if (document.visibilityState === "visible") work();
};
globalThis.requestAnimationFrame = window.requestAnimationFrame;

/** Takes the entry point. @type {Function} */
let start;
window.oaiq = { __matching: (entry) => (start = entry) };
window.timer = (work, ms = 0) => timers.push({ work, at: now + ms });
await import("../../../www/matching/entry.js");

/** Lets time pass, and runs the timers that are due. */
export const pass = (ms) => {
  const end = now + ms;
  for (;;) {
    timers.sort((one, other) => one.at - other.at);
    if (!timers[0] || timers[0].at > end) break;
    const { work, at } = timers.shift();
    now = Math.max(now, at);
    work();
  }
  now = end;
};

/** What an opened page has set on the window. */
const globals = [];

const configUrl = (id) => `https://settings.test/v1/${id}.json`;

/**
 * Opens a page, and starts the file there with matching on for the pixel P.
 *
 * @param {string} html
 * @param {object} [options]
 * @param {unknown} [options.mode]
 * @param {Record<string, unknown>} [options.set] globals of the page
 * @param {boolean} [options.isOn]
 * @param {boolean} [options.isDenied]
 * @param {[number, unknown][]} [options.records] debug events so far
 */
export const open = (
  html,
  { mode = "on", set = {}, isOn = true, isDenied = false, records } = {},
) => {
  timers.length = 0;
  for (const name of globals.splice(0)) delete window[name];
  for (const [name, value] of Object.entries(set)) {
    window[name] = value;
    globals.push(name);
  }
  document.body.innerHTML = html;
  const observers = [];
  const hooks = {};
  /** @type {string[]} */
  const told = [];
  const reported = [];
  /** What the server answers: text, or a status. */
  const answers = [];
  const requested = [];
  globalThis.fetch = async (url, init) => {
    requested.push([url, init]);
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError("no network");
    return typeof answer === "number"
      ? { ok: false, status: answer, text: async () => "" }
      : { ok: true, status: 200, text: async () => answer };
  };
  const observe = (event, detail) => {
    for (const observer of observers) observer(event, detail);
  };
  /** A config that the script has fetched. */
  const config = (enabled, id = "P", number = 0) => [
    CONFIG_RECEIVED,
    `${configUrl(id)} 200 ${enabled} ${number}`,
  ];
  const page = {
    told,
    reported,
    answers,
    requested,
    hooks,
    /** Runs the entry point once more. */
    start: () =>
      start(
        mode,
        hooks,
        (event, detail) => {
          if (event === MATCHED) told.push(detail);
        },
        observers,
        () => !isDenied,
        records ?? (isOn ? [config(1)] : []),
        normalizeIdentifier,
        (call) =>
          call({ onConfigResponse: (...given) => reported.push(given) }),
      ),
    $: (selector) => document.querySelector(selector),
    config: (enabled, id, number) => observe(...config(enabled, id, number)),
    /** Measures an event for one pixel, or for all. */
    measure: (id) =>
      hooks.readPage(
        id ? ['"measureSingle"', `"${id}"`] : ['"measure"', '"page_viewed"'],
      ),
    /** The body of the next request, with this member for what the site gives itself. */
    body: (own = "", isUnloading = 0, id = "P") =>
      hooks.addUser(
        `https://events.test/?pid=${id}&st=oaiq-web`,
        `{"events":[]${own}}`,
        isUnloading,
      ),
    /** The user data of the next request. */
    user: (own, isUnloading, id) =>
      JSON.parse(page.body(own, isUnloading, id)).user ?? null,
    /** Sets a value as a script does. */
    set(selector, value) {
      page.$(selector).value = value;
    },
    /** Sets a value as a visitor does, who then leaves the field. */
    fill(selector, value) {
      page.set(selector, value);
      page.fire(selector, "change");
    },
    fire(selector, type, init = {}) {
      const event = new window.Event(type, { bubbles: true, composed: true });
      page.$(selector).dispatchEvent(Object.assign(event, init));
    },
    click(selector) {
      page.$(selector).click();
    },
    consent(isGranted) {
      observe(CONSENT_CHANGED, isGranted ? "granted" : "denied");
    },
    /** Ends the page's matching, so that it does not listen to the next page. */
    close() {
      page.consent(false);
    },
  };
  page.start();
  return page;
};
