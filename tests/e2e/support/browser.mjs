// The Chromium that the tests run in, and its visitors.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";
import {
  CHROMIUM_ARGUMENTS,
  HIDE_AUTOMATION,
} from "../../../scripts/chromium.mjs";
import { root, which } from "../../../scripts/exec.mjs";
import { Condition } from "./condition.mjs";

/**
 * @typedef {import("playwright-core").Browser} Browser
 * @typedef {import("playwright-core").BrowserContext} BrowserContext
 * @typedef {{newContext: (options?: import("playwright-core").BrowserContextOptions) => Promise<BrowserContext>}} TestBrowser
 * @typedef {Parameters<import("playwright-core").Page["goto"]>[1]} GotoOptions
 */

/** All sites are on this machine, and no other host can be resolved. */
const TEST_HOSTS =
  "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1";

/** Pages see that the browser is automated, as they do in a site's own tests. */
export const AUTOMATED = "--enable-automation";

/** Playwright disables the back/forward cache by this argument; with it in `more`, `launch` leaves the cache enabled. */
export const ENABLE_BFCACHE = "--disable-back-forward-cache";

/**
 * Starts Chromium.
 *
 * @param {string[]} more arguments
 */
export const launch = (more = []) =>
  chromium.launch({
    executablePath: process.env.CHROME ?? which("chromium") ?? undefined,
    args: [
      ...CHROMIUM_ARGUMENTS,
      TEST_HOSTS,
      ...(more.includes(AUTOMATED) ? [] : [HIDE_AUTOMATION]),
      ...more.filter((argument) => argument !== ENABLE_BFCACHE),
    ],
    ignoreDefaultArgs: more.filter((argument) => argument === ENABLE_BFCACHE),
  });

/**
 * One browser for the tests of the `describe` that calls this.
 *
 * @param {string[]} more arguments
 * @returns {TestBrowser}
 */
export const useBrowser = (...more) => {
  /** @type {Browser | undefined} */
  let browser;
  before(async () => {
    browser = await launch(more);
  });
  after(() => browser?.close());
  return {
    newContext: async (options) => {
      assert.ok(browser);
      return browser.newContext(options);
    },
  };
};

/** Reads dist/: the pixel's files by name. Waits for a build that is running. */
export const readDist = async () => {
  const folder = join(root, "dist");
  const needed = [
    "oaiq.min.js",
    "oaiq.fallback.min.js",
    "oaiq.debug.min.js",
    "oaiq.mjs",
  ];
  for (
    let tries = 0;
    !needed.every((name) => existsSync(join(folder, name)));
    tries += 1
  ) {
    if (tries === 120)
      throw new Error("there is no pixel in dist/: run `npm run build`");
    await pause(500);
  }
  const names = await readdir(folder);
  const entries = names.map(
    async (name) =>
      /** @type {const} */ ([name, await readFile(join(folder, name))]),
  );
  return new Map(await Promise.all(entries));
};

/**
 * Polls until `isMet()` is truthy. On a page whose policy forbids eval, Playwright's `waitForFunction` evaluates once and
 * then fails; this can evaluate repeatedly there.
 *
 * @param {string} what for the message
 * @param {() => unknown} isMet may be async
 */
export const waitUntil = async (what, isMet) => {
  for (let polls = 0; polls < 600; polls += 1) {
    if (await isMet()) return;
    await pause(50);
  }
  assert.fail(`timed out waiting for ${what}`);
};

/**
 * Closes a context. Chromium occasionally never reports that it is closed; then it ends with the browser.
 *
 * @param {BrowserContext} context
 */
export const closeContext = (context) =>
  Promise.race([context.close(), pause(20_000, undefined, { ref: false })]);

/** A visitor with a cookie jar of their own, until the test ends. */
export class Visitor {
  /**
   * @param {import("node:test").TestContext} t
   * @param {TestBrowser} browser
   */
  static async create(t, browser) {
    const context = await browser.newContext();
    context.setDefaultTimeout(60_000);
    t.after(() => closeContext(context));
    return new Visitor(context);
  }

  /** @param {BrowserContext} context */
  constructor(context) {
    this.context = context;
  }

  /**
   * Opens a page in a new tab. `waitUntil` is Playwright's, "load" by default; "domcontentloaded" does not wait for async
   * scripts.
   *
   * @param {string} url
   * @param {NonNullable<GotoOptions>["waitUntil"]} [waitUntil]
   */
  async openPage(url, waitUntil) {
    const tab = new Tab(await this.context.newPage());
    await tab.goto(url, waitUntil);
    return tab;
  }

  /** Values by name. */
  async cookies() {
    const cookies = await this.context.cookies();
    /** @type {Record<string, string>} */
    const values = {};
    for (const { name, value } of cookies) values[name] = value;
    return values;
  }
}

/** A tab that records what a site's owner would see go wrong. */
export class Tab {
  /**
   * Uncaught exceptions and rejections.
   *
   * @type {string[]}
   */
  pageErrors = [];
  /**
   * Console messages.
   *
   * @type {{type: string, text: string}[]}
   */
  console = [];
  /**
   * The URLs of all requests that the browser made or tried to make.
   *
   * @type {string[]}
   */
  requests = [];
  #ended = 0;
  #condition = new Condition(
    () =>
      `requests were ${this.requests.join(" ")}, the pixel logged [${this.oaiqLogs.join("\n")}]`,
  );

  /** @param {import("playwright-core").Page} page */
  constructor(page) {
    this.page = page;
    page.on("pageerror", (error) => this.pageErrors.push(String(error)));
    page.on("console", (message) => {
      this.console.push({ type: message.type(), text: message.text() });
      this.#condition.notify();
    });
    page.on("request", (request) => {
      this.requests.push(request.url());
      this.#condition.notify();
    });
    /** @param {import("playwright-core").Request} request */
    const onEnd = (request) => {
      if (request.method() !== "POST") return;
      this.#ended += 1;
      this.#condition.notify();
    };
    page.on("requestfinished", onEnd);
    page.on("requestfailed", onEnd);
  }

  /** The pixel's console messages. */
  get oaiqLogs() {
    return this.console
      .map(({ text }) => text)
      .filter((text) => text.startsWith("[oaiq]"));
  }

  /**
   * Resolves once the pixel has logged a matching message.
   *
   * @param {RegExp} pattern
   */
  waitForLog(pattern) {
    return this.#condition.wait(`a log message ${pattern}`, () =>
      this.oaiqLogs.some((line) => pattern.test(line)),
    );
  }

  /**
   * Whether the browser has requested this file of the pixel.
   *
   * @param {string} file
   */
  hasRequested(file) {
    return this.requests.some((url) => new URL(url).pathname.endsWith(file));
  }

  /**
   * @param {string} url
   * @param {NonNullable<GotoOptions>["waitUntil"]} [waitUntil]
   */
  goto(url, waitUntil) {
    return this.page.goto(url, { waitUntil });
  }

  /**
   * Goes to the next page of the site that received all of this tab's requests, once they have responses: the browser
   * aborts a request in flight, and the pixel then sends it again.
   *
   * @param {import("./site.mjs").Site} site
   */
  async leaveAfterResponses(site) {
    await this.#condition.wait(
      "the responses",
      () => this.#ended >= site.fetchCount,
    );
    // the browser has them before the page has processed them; hostile pages may break `evaluate`
    await this.evaluate("new Promise((resolve) => setTimeout(resolve))").catch(
      () => pause(100),
    );
    await this.goto(site.url("/next"));
  }

  /**
   * Goes back to a page with BFCACHE_PROBE (site.mjs), at that URL.
   *
   * @param {string} url
   */
  async restoreFromBfcache(url) {
    // a restored page does not load again, so Playwright's own `goBack` would time out
    this.page.evaluate("history.back()").catch(() => {});
    await this.page.waitForURL(url, { waitUntil: "commit" });
    await this.waitForFunction("window.isRestored !== undefined");
  }

  /** Resolves once the browser has the cookies that the page has written: reading them waits for that, writing does not. */
  async waitForCookieWrites() {
    await this.evaluate("document.cookie");
  }

  /**
   * Evaluates the text in the page.
   *
   * @param {string} text
   * @returns {Promise<any>}
   */
  evaluate(text) {
    return this.page.evaluate(text);
  }

  /**
   * Resolves once the expression is truthy in the page. It is evaluated by a timer: Playwright's default, an animation
   * frame, never comes while a stylesheet blocks rendering or the tab is hidden.
   *
   * @param {string} condition
   */
  waitForFunction(condition) {
    return this.page.waitForFunction(condition, null, { polling: 50 });
  }
}
