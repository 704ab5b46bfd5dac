// A visitor who measures events and leaves pages in every possible way.
import { setTimeout as pause } from "node:timers/promises";
import { closeContext } from "../e2e/support/browser.mjs";
import { orderCall, PIXEL_ID } from "../e2e/support/site.mjs";
import { abbreviate, PAGEHIDE_MARK } from "./network.mjs";

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {import("./network.mjs").Network} Network
 * @typedef {import("./network.mjs").PageKind} PageKind
 * @typedef {"load" | "domcontentloaded"} WaitUntil
 *
 * @typedef {object} MeasuredEvent
 * @property {string} id
 * @property {number} page
 * @property {number} at time of the call, or of the script's load if that is later
 * @property {boolean} isCertain false where it may be lost
 * @property {boolean} [isLoaded] whether the pixel's script has loaded on its page
 */

const TIMEOUT_MS = 90_000;
/** An event measured less than this before a crash may be lost. It is long because a busy machine does little meanwhile. */
const UNCERTAIN_MS = 300;

/** Playwright's default, an animation frame, never comes while a script blocks rendering. */
const POLLING_MS = 50;

/** Navigation errors where there is no network. */
const NO_PAGE = /ERR_INTERNET_DISCONNECTED|interrupted by another navigation/;

const LOADED = "window.oaiq?.loaded === true";

/** @satisfies {Record<string, (id: string) => string>} */
const CALLS = {
  order: orderCall,
  view: (id) =>
    `oaiq("measure", "page_viewed", { type: "contents" }, { event_id: "${id}" });`,
  custom: (id) =>
    `oaiq("measure", "custom", { type: "custom" }, { event_id: "${id}", custom_event_name: "soak" });`,
  single: (id) =>
    `oaiq("measureSingle", "${PIXEL_ID}", "lead_created", { type: "customer_action" }, { event_id: "${id}" });`,
};
/** @typedef {keyof typeof CALLS} EventKind */
export const EVENT_KINDS = /** @type {EventKind[]} */ (Object.keys(CALLS));

/**
 * The pages that had a pagehide event, which browsers skip where it takes half a second, and whether `navigator.onLine` was
 * true then: `[page, isOnline][]`.
 */
const PAGEHIDE_MARKS = `Object.entries(localStorage).filter(([key]) => key.startsWith("${PAGEHIDE_MARK}")).map(([key, online]) => [+key.slice(${PAGEHIDE_MARK.length}), online === "true"])`;

/** What another page has left in the outbox, or this one has not delivered: `string[]`. */
const OUTBOX_RECORDS = `Object.entries(localStorage).filter(([key]) => key.startsWith("oaiq_outbox") && key !== "oaiq_outbox.no_courier").map(([key, text]) => key + " " + text.slice(0, 2000))`;

export class Visitor {
  /** @type {MeasuredEvent[]} */
  events = [];
  /**
   * What is left in the outbox at the end.
   *
   * @type {string[]}
   */
  outboxRecords = [];
  /**
   * Pages that ended while offline although the browser still said that it was online.
   *
   * @type {Set<number>}
   */
  misledPages = new Set();
  isOffline = false;
  /** @type {string[]} */
  #log = [];
  #startedAt = Date.now();
  /** @type {Page | undefined} */
  #page;
  /** @type {PageKind} */
  #kind = "script";
  #knowsOfFailure = () => false;
  /**
   * Pages that ended while offline.
   *
   * @type {Set<number>}
   */
  #offlinePages = new Set();

  /**
   * @param {Network} network
   * @param {import("playwright-core").Browser} browser
   * @param {string} name
   */
  static async create(network, browser, name) {
    const context = await browser.newContext();
    context.setDefaultTimeout(TIMEOUT_MS);
    return new Visitor(network, context, name);
  }

  /**
   * @param {Network} network
   * @param {import("playwright-core").BrowserContext} context
   * @param {string} name
   */
  constructor(network, context, name) {
    this.network = network;
    this.context = context;
    this.name = name;
    this.connection = network.connect(name, (text) => this.log(text));
  }

  /** @param {string} text */
  log(text) {
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(3);
    this.#log.push(`${seconds.padStart(8)} ${text}`);
  }

  /** All that has happened, with times in seconds. */
  get logText() {
    return this.#log.join("\n");
  }

  /** The number of the page in the current tab. */
  get currentPage() {
    return this.connection.pageCount;
  }

  get #tab() {
    if (!this.#page) throw new Error("the visitor has opened no tab");
    return this.#page;
  }

  /**
   * Opens a page in a new tab.
   *
   * @param {PageKind} [kind]
   * @param {WaitUntil} [waitUntil]
   */
  async openTab(kind = "script", waitUntil = "load") {
    const page = await this.context.newPage();
    this.#page = page;
    this.#trackFailures(page);
    page.on("crash", () => this.log("crashed"));
    page.on("pageerror", (error) => this.log(`page error: ${error}`));
    page.on("console", (message) => {
      const text = message.text();
      if (text.startsWith("[oaiq]")) this.log(text);
    });
    this.log("opens a tab");
    await this.goto(kind, waitUntil);
  }

  /**
   * Tracks what the pages of a tab know about their requests to the endpoint.
   *
   * @param {Page} page
   */
  #trackFailures(page) {
    /** @type {Set<import("playwright-core").Request>} */
    const inFlight = new Set();
    let hasFailed = false;
    page.on("request", (request) => {
      // a new page knows of no failure
      if (request.isNavigationRequest()) {
        inFlight.clear();
        hasFailed = false;
      }
      if (request.method() === "POST" && request.resourceType() !== "ping")
        inFlight.add(request);
    });
    // the head is the response; the browser may report a failure for a body that is never read
    page.on("response", (response) => {
      if (inFlight.delete(response.request())) hasFailed = false;
    });
    page.on("requestfailed", (request) => {
      if (inFlight.delete(request)) hasFailed = true;
    });
    // the pixel retries a failed request at once, and only then knows
    this.#knowsOfFailure = () => hasFailed && inFlight.size === 0;
  }

  /**
   * @param {PageKind} [kind]
   * @param {WaitUntil} [waitUntil]
   */
  async goto(kind = "script", waitUntil = "load") {
    this.#endPage("goes to the next page");
    this.#kind = kind;
    await this.#load(waitUntil);
  }

  /** @param {WaitUntil} waitUntil */
  async reload(waitUntil = "load") {
    this.#endPage("reloads");
    await this.#load(waitUntil, () => this.#tab.reload({ waitUntil }));
  }

  /**
   * Loads a page; while offline, waits for the network and tries again.
   *
   * @param {WaitUntil} waitUntil
   * @param {() => Promise<unknown>} navigate
   * @returns {Promise<void>}
   */
  async #load(
    waitUntil,
    navigate = () =>
      this.#tab.goto(this.network.url(this.name, this.#kind), { waitUntil }),
  ) {
    try {
      await navigate();
    } catch (error) {
      if (!NO_PAGE.test(String(error))) throw error;
      // the requested page may have been shown for a moment
      this.#endPage("sees the browser's offline page");
      // that page would reload by itself at some time
      await this.#tab.goto("about:blank").catch(() => {});
      do await pause(300);
      while (this.isOffline);
      await this.#load(waitUntil);
    }
  }

  /** Leaves for a page that cannot load, because the browser is offline. */
  async gotoOffline() {
    this.#endPage("goes to the next page, which does not load");
    await this.#tab.goto(this.network.url(this.name, "script")).catch(() => {});
  }

  /** Closes the tab as a person does: the page has its unload events. */
  async closeTab() {
    this.#endPage("closes the tab");
    const isClosed = this.#tab.waitForEvent("close");
    await this.#tab.close({ runBeforeUnload: true });
    await isClosed;
  }

  async crash() {
    const hasCrashed = this.#tab.waitForEvent("crash");
    const session = await this.context.newCDPSession(this.#tab);
    this.#endPage("makes the page crash");
    const now = Date.now();
    for (const event of this.events)
      if (event.page === this.currentPage && now - event.at < UNCERTAIN_MS)
        event.isCertain = false;
    // this command never has a response
    session.send("Page.crash").catch(() => {});
    await hasCrashed;
    await this.#tab.close();
  }

  /** @param {string} how */
  #endPage(how) {
    this.log(how);
    const page = this.currentPage;
    // a page whose navigation failed has ended nevertheless
    if (this.connection.pageEnds.has(page)) return;
    this.connection.pageEnds.set(page, Date.now());
    if (this.#knowsOfFailure()) this.connection.pagesWithFailures.add(page);
    if (this.isOffline) this.#offlinePages.add(page);
  }

  /** Whether the pixel's script loads. One that was requested while offline does not. */
  async hasScript() {
    const isLoaded = await this.#tab
      .waitForFunction(LOADED, null, { polling: POLLING_MS, timeout: 5_000 })
      .then(Boolean, () => false);
    if (isLoaded)
      for (const event of this.events)
        if (event.page === this.currentPage && !event.isLoaded)
          Object.assign(event, { at: Date.now(), isLoaded });
    return isLoaded;
  }

  /** @param {EventKind} kind */
  #newEvent(kind) {
    const id = `${this.name}.${this.events.length + 1}`;
    /** @type {MeasuredEvent} */
    const event = {
      id,
      page: this.currentPage,
      at: Date.now(),
      isCertain: true,
    };
    this.events.push(event);
    return { event, call: CALLS[kind](id) };
  }

  /**
   * Measures events of these kinds in one task of the page, in which its script also navigates if `isLeaving`.
   *
   * @param {readonly EventKind[]} kinds
   */
  async measure(kinds, isLeaving = false) {
    const measured = kinds.map((kind) => this.#newEvent(kind));
    this.log(`measures ${abbreviate(measured.map(({ event }) => event.id))}`);
    const calls = measured.map(({ call }) => call).join("\n");
    const kind = this.#kind;
    let isLoaded;
    if (isLeaving) {
      this.#endPage("goes to the next page in the same task");
      this.#kind = "script";
      const next = `${this.network.url(this.name, "script")}?${this.currentPage}`;
      isLoaded = await this.#tab.evaluate(
        `${calls} location.href = "${next}"; ${LOADED}`,
      );
      const isShown = await this.#tab.waitForURL(next).then(
        () => true,
        (error) => {
          if (NO_PAGE.test(String(error))) return false;
          throw error;
        },
      );
      if (!isShown) await this.goto();
    } else isLoaded = await this.#tab.evaluate(`${calls} ${LOADED}`);
    // if the script was requested while offline, only the snippet saves its queue
    const isCertain = isLoaded || kind === "snippet";
    if (!isLoaded) this.log("the script has not loaded");
    for (const { event } of measured)
      Object.assign(event, { at: Date.now(), isCertain, isLoaded });
  }

  /** @param {number} ms */
  wait(ms) {
    return pause(ms);
  }

  /**
   * Waits by the page's own clock: on a busy machine a page may not run for seconds.
   *
   * @param {number} ms
   */
  waitInPage(ms) {
    return this.#tab.evaluate(
      `new Promise((resolve) => setTimeout(resolve, ${ms}))`,
    );
  }

  /** Waits until the last event is in a request. */
  async waitUntilSent() {
    const id = this.events.at(-1)?.id ?? "";
    const isSent = () =>
      this.connection.requests.some(({ eventIds }) => eventIds.includes(id));
    const end = Date.now() + TIMEOUT_MS;
    while (!isSent() && Date.now() < end) await pause(50);
  }

  /**
   * Offline as the browser itself knows it.
   *
   * @param {boolean} isOffline
   */
  async setOffline(isOffline) {
    this.log(isOffline ? "offline" : "online");
    this.isOffline = isOffline;
    for (let tries = 0; ; tries += 1)
      try {
        return await this.context.setOffline(isOffline);
      } catch (error) {
        // this fails while a tab is closing
        if (tries === 50) throw error;
        await pause(100);
      }
  }

  /** Waits until the page has been notified. */
  async waitUntilOfflineIsKnown() {
    await this.#tab.waitForFunction("!navigator.onLine", null, {
      polling: POLLING_MS,
    });
  }

  #hasMissingEvents() {
    const { deliveries } = this.connection;
    return this.events.some(
      ({ id, isCertain }) => isCertain && !deliveries.has(id),
    );
  }

  /** On the last page, with the network up: waits until the outbox is empty and nothing more can arrive. */
  async settle() {
    this.log("stays until everything has arrived");
    /** @type {Map<number, boolean>} */
    const pagehides = new Map(await this.#tab.evaluate(PAGEHIDE_MARKS));
    // the snippet stores nothing before its page's pagehide
    for (const event of this.events)
      if (!event.isLoaded && !pagehides.has(event.page))
        event.isCertain = false;
    for (const [page, isOnline] of pagehides)
      if (
        isOnline &&
        this.#offlinePages.has(page) &&
        !this.connection.pagesWithFailures.has(page)
      )
        this.misledPages.add(page);
    const end = Date.now() + TIMEOUT_MS;
    let emptySince;
    while (Date.now() < end) {
      this.outboxRecords = await this.#tab.evaluate(OUTBOX_RECORDS);
      emptySince = this.outboxRecords.length
        ? undefined
        : (emptySince ?? Date.now());
      // with an empty outbox, missing events were sent by an earlier page, and are in flight or lost
      const enough = this.#hasMissingEvents() ? 5_000 : 500;
      if (emptySince && Date.now() - emptySince > enough) break;
      await pause(100);
    }
    this.log(
      this.outboxRecords.length
        ? "the outbox never empties"
        : "the outbox is empty",
    );
  }

  close() {
    return closeContext(this.context);
  }
}
