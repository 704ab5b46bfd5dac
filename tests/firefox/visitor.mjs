// A visitor with cookies, storages and an internet of their own, and their tabs: as much of Playwright's contexts and
// pages as the harness uses.
import { setTimeout as pause } from "node:timers/promises";
import { Internet } from "./internet.mjs";

export class Visitor {
  #context;
  #internet;
  #scripts = [];
  #referring = { address: null };

  static async arrives(browser) {
    const internet = await Internet.begins();
    const context = await browser.createBrowserContext({
      proxyServer: internet.address,
    });
    return new Visitor(context, internet);
  }

  constructor(context, internet) {
    this.#context = context;
    this.#internet = internet;
  }

  async route(_everything, answer) {
    this.#internet.onRequest = (route) =>
      route.request().url() === this.#referring.address
        ? route.fulfill(REFERRING)
        : answer(route);
  }

  async addInitScript(script) {
    this.#scripts.push(script);
  }

  async addCookies(cookies) {
    await this.#context.setCookie(
      ...cookies.map(({ url, ...cookie }) => ({ ...ofSite(url), ...cookie })),
    );
  }

  cookies() {
    return this.#context.cookies();
  }

  async newPage() {
    // a tab would hide those before it in the window
    const page = await this.#context.newPage({ type: "window" });
    for (const script of this.#scripts)
      await page.evaluateOnNewDocument(script);
    return new Tab(page, this.#referring);
  }

  async close() {
    await this.#context.close();
    this.#internet.ends();
  }
}

class Tab {
  #page;
  #referring;

  constructor(page, referring) {
    this.#page = page;
    this.#referring = referring;
  }

  /** `listener` hears of a `console` line or a `pageerror`. */
  on(event, listener) {
    this.#page.on(event, listener);
  }

  /** WebDriver BiDi names no referrer: a visitor with one comes from that page. */
  async goto(url, { referer } = {}) {
    if (!referer) return this.#page.goto(url);
    // no request tells a fragment
    this.#referring.address = referer.split("#")[0];
    await this.#page.goto(referer);
    const arrives = this.#page.waitForNavigation();
    await this.evaluate(`location.assign(${JSON.stringify(url)})`);
    return arrives;
  }

  /** Evaluates the text in the page. */
  evaluate(text) {
    return this.#page.evaluate(text);
  }

  async waitForFunction(condition, _argument, { timeout }) {
    const end = Date.now() + timeout;
    while (!(await this.evaluate(`!!(${condition})`))) {
      if (Date.now() > end) throw new Error(`${condition} did not come true`);
      await pause(25);
    }
  }

  waitForTimeout(ms) {
    return pause(ms);
  }
}

/** A page elsewhere that has a link to the site. */
const REFERRING = {
  contentType: "text/html; charset=utf-8",
  headers: { "referrer-policy": "unsafe-url" },
  body: "<!doctype html><title>elsewhere</title>",
};

/** Where a cookie belongs that the site at `url` has set; Firefox stores what it is told, and no defaults. */
const ofSite = (url) => {
  const { hostname, protocol } = new URL(url);
  return {
    domain: hostname,
    path: "/",
    secure: protocol === "https:",
    sameSite: "Lax",
  };
};
