// A visitor with cookies, storages and an internet of their own, and their tabs: as much of Playwright's contexts and
// pages as the harness uses, in any browser that can be told to use a proxy.
import { setTimeout as pause } from "node:timers/promises";
import { Internet } from "./proxy.mjs";

/**
 * What a visitor needs of a browser. `open(address)` starts a session with no cookies and no storage whose requests all go
 * through the proxy there. A session has `newPage()`, `cookies()` and `close()`; a page has `goto(url)`, `evaluate(text)`
 * and `on(event, listener)`. A session may also have a `script` that each page runs first, and `hears(url)`, which takes
 * the requests that this script makes and says so by returning true.
 */
export class Visitor {
  #session;
  #internet;
  #scripts = [];
  /** Pages that only the tests have, by their address. */
  #pages = new Map();
  /** An address at which cookies are set, and the cookies. */
  #cookies = new Map();

  /** `isBeacon(headers)` says whether a request is a beacon. */
  static async arrives({ open, isBeacon }) {
    const internet = await Internet.begins(isBeacon);
    try {
      return new Visitor(await open(internet.address), internet);
    } catch (error) {
      internet.ends();
      throw error;
    }
  }

  constructor(session, internet) {
    this.#session = session;
    this.#internet = internet;
    if (session.script) this.#scripts.push(session.script);
  }

  async route(_everything, answer) {
    this.#internet.onRequest = (route) => {
      const url = route.request().url();
      if (this.#session.hears?.(url)) return route.fulfill({ status: 204 });
      const page = this.#pages.get(url);
      if (page) return route.fulfill(page);
      return answer(new RouteWithScripts(route, this.#scripts));
    };
  }

  async addInitScript(script) {
    this.#scripts.push(script);
  }

  /** The cookies are set by a page of their site, before the visitor's first page. */
  async addCookies(cookies) {
    for (const { url, ...cookie } of cookies) {
      const address = new URL("/sets-cookies", url).href;
      const before = this.#cookies.get(address) ?? [];
      this.#cookies.set(address, [...before, headerOf(url, cookie)]);
    }
  }

  cookies() {
    return this.#session.cookies();
  }

  async newPage() {
    const page = await this.#session.newPage();
    for (const [address, cookies] of this.#cookies) {
      this.#pages.set(address, {
        ...BLANK,
        headers: { "set-cookie": cookies },
      });
      await page.goto(address);
    }
    this.#cookies.clear();
    return new Tab(page, this.#pages);
  }

  async close() {
    await this.#session.close();
    this.#internet.ends();
  }
}

class Tab {
  #page;
  #pages;

  constructor(page, pages) {
    this.#page = page;
    this.#pages = pages;
  }

  /** `listener` hears of a `console` line or a `pageerror`. */
  on(event, listener) {
    this.#page.on(event, listener);
  }

  /** WebDriver names no referrer: a visitor with one comes from that page. */
  async goto(url, { referer } = {}) {
    if (!referer) return this.#page.goto(url);
    // no request tells a fragment
    const [address] = referer.split("#");
    this.#pages.set(address, {
      ...BLANK,
      headers: { "referrer-policy": "unsafe-url" },
    });
    await this.#page.goto(address);
    this.#pages.delete(address);
    await this.leaves(`location.assign(${JSON.stringify(url)})`);
  }

  /** Evaluates a text that makes the page go elsewhere, and waits for the other page. */
  async leaves(text) {
    await this.evaluate(`window.isLeft = true; setTimeout(() => { ${text} })`);
    await this.waitForFunction(
      `!window.isLeft && document.readyState === "complete"`,
    );
  }

  /** Evaluates the text in the page. */
  evaluate(text) {
    return this.#page.evaluate(text);
  }

  async waitForFunction(condition, _argument, { timeout = 60_000 } = {}) {
    const end = Date.now() + timeout;
    // a page that is just going cannot be asked
    while (!(await this.evaluate(`!!(${condition})`).catch(() => false))) {
      if (Date.now() > end) throw new Error(`${condition} did not come true`);
      await pause(25);
    }
  }

  waitForTimeout(ms) {
    return pause(ms);
  }
}

/** Answers that are documents have the visitor's own scripts first. */
class RouteWithScripts {
  #route;
  #scripts;

  constructor(route, scripts) {
    this.#route = route;
    this.#scripts = scripts;
  }

  request() {
    return this.#route.request();
  }

  abort(reason) {
    return this.#route.abort(reason);
  }

  fulfill(answer) {
    const type = answer.contentType ?? answer.headers?.["content-type"] ?? "";
    if (!type.startsWith("text/html") || this.#scripts.length === 0)
      return this.#route.fulfill(answer);
    const scripts = this.#scripts.map((text) => `<script>${text}</script>`);
    return this.#route.fulfill({
      ...answer,
      body: String(answer.body).replace(/^(<!doctype html>)?/i, (start) =>
        [start, ...scripts].join(""),
      ),
    });
  }
}

const BLANK = {
  contentType: "text/html; charset=utf-8",
  body: "<!doctype html><title>elsewhere</title>",
};

/** How the site at `url` sets the cookie. */
const headerOf = (url, { name, value, path = "/", domain, sameSite }) =>
  [
    `${name}=${value}`,
    `Path=${path}`,
    `SameSite=${sameSite ?? "Lax"}`,
    ...(domain ? [`Domain=${domain}`] : []),
    ...(url.startsWith("https:") ? ["Secure"] : []),
  ].join("; ");
