// As much of Playwright's BrowserContext and Page as the tests use, for any browser that can be configured to use a proxy.
import { setTimeout as pause } from "node:timers/promises";
import { InterceptingProxy } from "./proxy.mjs";

/**
 * @typedef {import("./route.mjs").AnyRoute} AnyRoute
 * @typedef {import("./route.mjs").Fulfillment} Fulfillment
 *
 * @typedef {"console" | "pageerror"} PageEvent
 * @typedef {(message: any) => void} Listener
 *
 * @typedef {object} BrowserPage
 * @property {(url: string) => Promise<unknown>} goto
 * @property {(text: string) => Promise<any>} evaluate
 * @property {(event: any, listener: Listener) => void} on
 *
 * @typedef {object} Session a browser session without cookies and storage, whose requests all go through the proxy
 * @property {() => Promise<BrowserPage>} newPage
 * @property {() => Promise<any[]>} cookies
 * @property {() => Promise<void>} close
 * @property {string} [script] each page runs it first
 * @property {(url: string) => boolean} [handles] takes the requests that this script makes, and returns true for them
 *
 * @typedef {object} Cookie
 * @property {string} name
 * @property {string} value
 * @property {string} url
 * @property {string} [path]
 * @property {string} [domain]
 * @property {string} [sameSite]
 */

export class Context {
  #session;
  #proxy;
  /** @type {string[]} */
  #scripts = [];
  /**
   * Pages that only the tests have, by URL.
   *
   * @type {Map<string, Fulfillment>}
   */
  #pages = new Map();
  /**
   * Set-Cookie headers by the URL of the page that sets them.
   *
   * @type {Map<string, string[]>}
   */
  #cookies = new Map();

  /**
   * @param {object} browser
   * @param {(proxy: string) => Promise<Session>} browser.open starts a session with the proxy at that address
   * @param {import("./route.mjs").IsBeacon} browser.isBeacon
   */
  static async create({ open, isBeacon }) {
    const proxy = await InterceptingProxy.start(isBeacon);
    try {
      return new Context(await open(proxy.address), proxy);
    } catch (error) {
      proxy.stop();
      throw error;
    }
  }

  /**
   * @param {Session} session
   * @param {InterceptingProxy} proxy
   */
  constructor(session, proxy) {
    this.#session = session;
    this.#proxy = proxy;
    if (session.script) this.#scripts.push(session.script);
  }

  /**
   * @param {string} _everything the pattern of all URLs
   * @param {(route: AnyRoute) => unknown} handler
   */
  async route(_everything, handler) {
    this.#proxy.onRequest = (route) => {
      const url = route.request().url();
      if (this.#session.handles?.(url)) return route.fulfill({ status: 204 });
      const page = this.#pages.get(url);
      if (page) return route.fulfill(page);
      return handler(new RouteWithScripts(route, this.#scripts));
    };
  }

  /** @param {string} script */
  async addInitScript(script) {
    this.#scripts.push(script);
  }

  /**
   * The cookies are set by a page of their site, before the first page of this context.
   *
   * @param {Cookie[]} cookies
   */
  async addCookies(cookies) {
    for (const cookie of cookies) {
      const url = new URL("/sets-cookies", cookie.url).href;
      const headers = this.#cookies.get(url) ?? [];
      this.#cookies.set(url, [...headers, setCookieHeader(cookie)]);
    }
  }

  cookies() {
    return this.#session.cookies();
  }

  async newPage() {
    const page = await this.#session.newPage();
    for (const [url, cookies] of this.#cookies) {
      this.#pages.set(url, { ...BLANK, headers: { "set-cookie": cookies } });
      await page.goto(url);
    }
    this.#cookies.clear();
    return new Tab(page, this.#pages);
  }

  async close() {
    await this.#session.close();
    this.#proxy.stop();
  }
}

export class Tab {
  #page;
  #pages;

  /**
   * @param {BrowserPage} page
   * @param {Map<string, Fulfillment>} pages
   */
  constructor(page, pages) {
    this.#page = page;
    this.#pages = pages;
  }

  /**
   * @param {PageEvent} event
   * @param {Listener} listener
   */
  on(event, listener) {
    this.#page.on(event, listener);
  }

  /**
   * WebDriver cannot set a referrer: the tab opens that page first and navigates from there.
   *
   * @param {string} url
   * @param {{referer?: string, waitUntil?: string}} [options]
   */
  async goto(url, { referer } = {}) {
    if (!referer) {
      await this.#page.goto(url);
      return;
    }
    // a request has no fragment
    const [source] = referer.split("#");
    this.#pages.set(source, {
      ...BLANK,
      headers: { "referrer-policy": "unsafe-url" },
    });
    await this.#page.goto(source);
    this.#pages.delete(source);
    await this.navigateBy(`location.assign(${JSON.stringify(url)})`);
  }

  /**
   * Evaluates a text that makes the page navigate, and waits for the next page.
   *
   * @param {string} text
   */
  async navigateBy(text) {
    await this.evaluate(`window.isLeft = true; setTimeout(() => { ${text} })`);
    await this.waitForFunction(
      `!window.isLeft && document.readyState === "complete"`,
    );
  }

  /** @param {string} text */
  evaluate(text) {
    return this.#page.evaluate(text);
  }

  /**
   * @param {string} condition
   * @param {unknown} [_argument]
   * @param {{timeout?: number}} [options]
   */
  async waitForFunction(condition, _argument, { timeout = 60_000 } = {}) {
    const end = Date.now() + timeout;
    // evaluating fails while the page unloads
    while (!(await this.evaluate(`!!(${condition})`).catch(() => false))) {
      if (Date.now() > end)
        throw new Error(`timed out waiting for ${condition}`);
      await pause(25);
    }
  }

  /** @param {number} ms */
  waitForTimeout(ms) {
    return pause(ms);
  }
}

/**
 * Puts the context's scripts before all others of a document.
 *
 * @implements {AnyRoute}
 */
class RouteWithScripts {
  #route;
  #scripts;

  /**
   * @param {AnyRoute} route
   * @param {string[]} scripts
   */
  constructor(route, scripts) {
    this.#route = route;
    this.#scripts = scripts;
  }

  request() {
    return this.#route.request();
  }

  /** @param {string} [reason] */
  abort(reason) {
    return this.#route.abort(reason);
  }

  /** @param {Fulfillment} fulfillment */
  fulfill(fulfillment) {
    const type = String(
      fulfillment.contentType ?? fulfillment.headers?.["content-type"] ?? "",
    );
    if (!type.startsWith("text/html") || this.#scripts.length === 0)
      return this.#route.fulfill(fulfillment);
    const scripts = this.#scripts.map((text) => `<script>${text}</script>`);
    return this.#route.fulfill({
      ...fulfillment,
      body: String(fulfillment.body).replace(/^(<!doctype html>)?/i, (start) =>
        [start, ...scripts].join(""),
      ),
    });
  }
}

const BLANK = {
  contentType: "text/html; charset=utf-8",
  body: "<!doctype html><title>blank</title>",
};

/**
 * The header by which the site at `url` sets the cookie.
 *
 * @param {Cookie} cookie
 */
const setCookieHeader = ({ url, name, value, path = "/", domain, sameSite }) =>
  [
    `${name}=${value}`,
    `Path=${path}`,
    `SameSite=${sameSite ?? "Lax"}`,
    ...(domain ? [`Domain=${domain}`] : []),
    ...(url.startsWith("https:") ? ["Secure"] : []),
  ].join("; ");
