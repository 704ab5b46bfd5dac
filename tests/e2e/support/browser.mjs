// The browser that the tests run in, and the people who sit in front of it.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";
import { which, root } from "../../../scripts/exec.mjs";
import { Waiting } from "./condition.mjs";

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // every shop is this machine, and nothing else is to be found
  "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

/** Pages see no difference between this browser and a visitor's: `navigator.webdriver` is false. */
const LIKE_A_VISITORS = "--disable-blink-features=AutomationControlled";
/** Pages see that the browser is driven by a tool, as they do in a site's own tests. */
export const DRIVEN = "--enable-automation";

/** By default no page sleeps in the back/forward cache of a browser that is driven. */
export const PAGES_SLEEP = "--disable-back-forward-cache";

/** Starts Chromium with these arguments too. */
export const launch = (more = []) =>
  chromium.launch({
    executablePath: process.env.CHROME ?? which("chromium") ?? undefined,
    args: [
      ...ARGUMENTS,
      ...(more.includes(DRIVEN) ? [] : [LIKE_A_VISITORS]),
      ...more.filter((argument) => argument !== PAGES_SLEEP),
    ],
    ignoreDefaultArgs: more.filter((argument) => argument === PAGES_SLEEP),
  });

/** One browser for the tests of the `describe` that this is called in. */
export const sharedBrowser = (...more) => {
  let browser;
  before(async () => {
    browser = await launch(more);
  });
  after(() => browser?.close());
  return { newContext: (options) => browser.newContext(options) };
};

/** The built pixel: the names of its files with their bytes. A build that is just being made is waited for. */
export const pixelFiles = async () => {
  const folder = join(root, "dist");
  const wanted = [
    "oaiq.min.js",
    "oaiq.fallback.min.js",
    "oaiq.debug.min.js",
    "oaiq.mjs",
  ];
  for (
    let tries = 0;
    !wanted.every((name) => existsSync(join(folder, name)));
    tries += 1
  ) {
    if (tries === 120)
      throw new Error("there is no pixel in dist/: run `npm run build`");
    await pause(500);
  }
  const names = await readdir(folder);
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name))]),
    ),
  );
};

/**
 * Resolves once that is found, however often it takes a look. Where a page's policy lets no text be evaluated, Playwright's
 * waitForFunction takes one look and then fails; `Tab.does` may look on.
 */
export const untilSeen = async (what, look) => {
  for (let looks = 0; looks < 600; looks += 1) {
    if (await look()) return;
    await pause(50);
  }
  assert.fail(`never seen: ${what}`);
};

/** Chromium at times never says that a visitor's tabs are closed; the browser's own end takes them with it. */
export const closed = (context) =>
  Promise.race([context.close(), pause(20_000, undefined, { ref: false })]);

/**
 * A visitor with a cookie jar of their own, until the test `t` ends. Each tab collects what a site's owner would see
 * go wrong.
 */
export class Visitor {
  static async arrives(t, browser) {
    const context = await browser.newContext();
    context.setDefaultTimeout(60_000);
    t.after(() => closed(context));
    return new Visitor(context);
  }

  constructor(context) {
    this.context = context;
  }

  async opens(url, until) {
    const tab = new Tab(await this.context.newPage());
    await tab.goes(url, until);
    return tab;
  }

  async cookies() {
    const cookies = await this.context.cookies();
    return Object.fromEntries(cookies.map(({ name, value }) => [name, value]));
  }
}

class Tab {
  /** Exceptions and rejections that nobody caught. */
  pageErrors = [];
  /** The console's lines, as `{type, text}`. */
  console = [];
  /** The addresses of all requests, as the browser sent or tried to send them. */
  requests = [];
  #answered = 0;
  #waiting = new Waiting(
    () =>
      `requests were ${this.requests.join(" ")}, the pixel said [${this.pixelLines.join("\n")}]`,
  );

  constructor(page) {
    this.page = page;
    page.on("pageerror", (error) => this.pageErrors.push(String(error)));
    page.on("console", (message) => {
      this.console.push({ type: message.type(), text: message.text() });
      this.#waiting.changed();
    });
    page.on("request", (request) => {
      this.requests.push(request.url());
      this.#waiting.changed();
    });
    for (const end of ["requestfinished", "requestfailed"])
      page.on(end, (request) => {
        if (request.method() !== "POST") return;
        this.#answered += 1;
        this.#waiting.changed();
      });
  }

  /** What the pixel has said. */
  get pixelLines() {
    return this.console
      .map(({ text }) => text)
      .filter((text) => text.startsWith("[oaiq]"));
  }

  /** Resolves once the pixel has said such a line. */
  untilLine(pattern) {
    return this.#waiting.until(`a line ${pattern}`, () =>
      this.pixelLines.some((line) => pattern.test(line)),
    );
  }

  /** Whether the browser has asked for that file of the pixel. */
  hasAskedFor(file) {
    return this.requests.some((url) => new URL(url).pathname.endsWith(file));
  }

  /** `until` is what is waited for: "load", if nothing is said; "domcontentloaded" waits for no file on its way. */
  goes(url, until) {
    return this.page.goto(url, { waitUntil: until });
  }

  /**
   * Goes to another page of the site that all its requests went to, once it has its answers: what a browser breaks off
   * on leaving goes again, and may arrive twice.
   */
  async leaves(site) {
    await this.#waiting.until(
      "the answers",
      () => this.#answered >= site.fetched,
    );
    // the browser has them before the page has processed them
    await this.evaluate("new Promise((resolve) => setTimeout(resolve))");
    await this.goes(site.url("/next"));
  }

  /** Goes back to a page with AWAKE (site.mjs), at that address. */
  async wakes(url) {
    // a page that wakes is not loaded, so Playwright's own way back would wait for ever
    this.page.evaluate("history.back()").catch(() => {});
    await this.page.waitForURL(url, { waitUntil: "commit" });
    await this.page.waitForFunction("window.hasSlept !== undefined");
  }

  /** Evaluates the text in the page. */
  evaluate(text) {
    return this.page.evaluate(text);
  }

  waitForFunction(condition) {
    return this.page.waitForFunction(condition);
  }
}
