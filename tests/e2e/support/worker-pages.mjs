// Pages, expressions and observations for the tests of the keepalive worker.
import assert from "node:assert/strict";
import { Visitor, waitUntil } from "./browser.mjs";
import { OUTBOX_KEYS } from "./outbox.mjs";
import {
  EMPTY,
  EVENTS_PATH,
  html,
  INIT,
  PAGE,
  startSite,
  orderCall,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
} from "./site.mjs";

/**
 * @typedef {import("./site.mjs").Site} Site
 * @typedef {import("./browser.mjs").Tab} Tab
 */

/**
 * A page that runs a script before the pixel.
 *
 * @param {string} text
 */
export const pageAfter = (text) =>
  html(inlineScript(text), QUEUE_STUB, inlineScript(INIT), sdkTag());
/** A page that denies consent. */
export const DENIAL_PAGE = html(
  QUEUE_STUB,
  inlineScript(INIT + `oaiq("consent", false);`),
  sdkTag(),
);
/** A script that measures an order and navigates just after a response, once the condition is met. */
export const leaveAfterResponse = (condition = "true") =>
  inlineScript(`new PerformanceObserver((list, observer) => {
    if (!list.getEntries().some(({ name }) => name.includes("${EVENTS_PATH}"))) return;
    if (!(${condition})) return;
    observer.disconnect();
    setTimeout(() => { ${orderCall("order")} ${LEAVE} }, 50);
  }).observe({ type: "resource" });`);

/** How old an outbox record is before another page recovers it, and how often pages look for records. */
export const LEASE_MS = 9_000;
/** How long after a response the pixel assumes that the network is up. */
export const TRUST_WINDOW_MS = 1_250;
/** A busy page processes responses late, and may send a diagnostic after them. */
export const MARGIN_MS = 3_000;

/** What the worker and its pages have left in caches and localStorage: `string[]`. */
export const LEFTOVERS = `caches.keys().then((receipts) => [...receipts, ...${OUTBOX_KEYS}])`;

/** @typedef {import("./site.mjs").EndpointResponse} EndpointResponse */
/** @type {EndpointResponse} */
export const FAILURE = { disconnect: true };
/** @type {EndpointResponse} */
export const SUCCESS = { status: 202 };

export const LEAVE = `location.href = "/next";`;

/** Counts the workers that a page starts, apart from the pixel's check whether the browser supports extendedLifetime. */
export const WORKER_COUNTER = inlineScript(`
  window.workers = 0;
  window.SharedWorker = class extends SharedWorker {
    constructor(...args) {
      super(...args);
      workers += 1;
    }
  };`);

/**
 * How many shared workers of the site are running.
 *
 * @param {Site} site
 * @param {Visitor} visitor
 */
export const workerCount = async (site, visitor) => {
  const devtools = await visitor.context.browser()?.newBrowserCDPSession();
  assert.ok(devtools);
  const { targetInfos } = await devtools.send("Target.getTargets");
  await devtools.detach();
  const { origin } = new URL(site.url("/", "localhost"));
  return targetInfos.filter(
    ({ type, url }) =>
      type === "shared_worker" && url.startsWith(`blob:${origin}/`),
  ).length;
};

/**
 * Resolves once the page has started its worker.
 *
 * @param {Site} site
 * @param {Visitor} visitor
 */
export const waitForWorker = (site, visitor) =>
  waitUntil("a worker", () => workerCount(site, visitor));

/**
 * Resolves once the worker and its pages have left nothing in caches and localStorage.
 *
 * @param {Tab} tab
 */
export const waitUntilNothingIsLeft = (tab) =>
  tab.waitForFunction(`${LEFTOVERS}.then(({ length }) => !length)`);

/**
 * Resolves once the last response is too old for the page to assume that the network is up.
 *
 * @param {Tab} tab
 */
export const waitUntilIdle = (tab) =>
  waitUntil("an idle page", () =>
    tab.evaluate(`(() => {
      const responses = performance.getEntriesByType("resource").filter(({ name }) => name.includes("${EVENTS_PATH}"));
      return responses.length > 0 && responses.every(({ responseEnd }) => performance.now() - responseEnd > ${TRUST_WINDOW_MS + MARGIN_MS});
    })()`),
  );

/**
 * How the site received an event, each time: in a beacon, from a page in the tab, or from the worker.
 *
 * @param {Site} site
 * @param {Tab} tab
 * @param {string} id
 */
export const transports = (site, tab, id) =>
  site.requests
    .filter(({ body }) => body.events.some((event) => event.id === id))
    .map(({ headers, query }) => {
      if (headers["content-type"] !== "text/plain") return "beacon";
      const isPage = tab.requests.some(
        (url) => new URL(url).searchParams.get("t") === query.t,
      );
      return isPage ? "page" : "worker";
    });

/**
 * All events with this ID that the site has received, delivered or not.
 *
 * @param {Site} site
 * @param {string} id
 */
export const received = (site, id) =>
  site.events.filter((event) => event.id === id);

/**
 * How to open first pages in a browser.
 *
 * @param {import("./browser.mjs").TestBrowser} browser
 */
export const pageOpeners = (browser) => {
  /**
   * @typedef {object} VisitOptions
   * @property {Record<string, import("./site.mjs").Page>} [pages]
   * @property {string} [path]
   * @property {string} [host] localhost by default, where browsers allow the worker
   * @property {EndpointResponse} [response]
   * @property {Site["respond"]} [respond]
   * @property {boolean} [isHeld] whether responses wait for `site.releaseResponses()`
   */

  /**
   * Opens a new visitor's first page with the pixel.
   *
   * @param {import("node:test").TestContext} t
   * @param {VisitOptions} [options]
   */
  const openFirstPage = async (
    t,
    {
      pages,
      path = "/",
      host = "localhost",
      response = SUCCESS,
      respond = () => response,
      isHeld = false,
    } = {},
  ) => {
    const site = await startSite(t, {
      "/": PAGE,
      "/next": PAGE,
      "/empty": EMPTY,
      ...pages,
    });
    site.respond = respond;
    if (isHeld) site.holdResponses();
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url(path, host));
    const next = site.url("/next", host);
    return { site, visitor, tab, next };
  };

  /**
   * The same, once the page has been idle for so long that it does not assume that a beacon is delivered.
   *
   * @param {import("node:test").TestContext} t
   * @param {VisitOptions} [options]
   */
  const openIdlePage = async (t, options) => {
    const opened = await openFirstPage(t, options);
    await waitUntilIdle(opened.tab);
    return opened;
  };

  /**
   * The same, once the worker is running.
   *
   * @param {import("node:test").TestContext} t
   * @param {VisitOptions} [options]
   */
  const openPageWithWorker = async (t, options) => {
    const opened = await openIdlePage(t, options);
    await waitForWorker(opened.site, opened.visitor);
    return opened;
  };

  return { openFirstPage, openIdlePage, openPageWithWorker };
};
