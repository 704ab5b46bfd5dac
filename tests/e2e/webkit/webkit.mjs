// The installed WebKitGTK, driven over WebDriver.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Context } from "../firefox/context.mjs";
import { Driver, openDisplay } from "./webdriver.mjs";

/**
 * @typedef {import("../firefox/context.mjs").Listener} Listener
 * @typedef {{event: string, listener: Listener}} Registration
 */

/**
 * A beacon's content type names a charset; that of the pixel's `fetch` does not. Sec-Fetch headers and priority are the
 * same.
 *
 * @param {import("../firefox/route.mjs").Headers} headers
 */
const isBeacon = ({ "content-type": type = "" }) =>
  /^text\/plain;\s*charset=/i.test(type);

/** Where pages report console messages and uncaught errors, which WebDriver does not report. */
const LOG_URL = "https://log.invalid/";

/** Runs first in each page. Loading an image disturbs the page least. */
const LOG_SCRIPT = `(() => {
  const text = (value) => {
    try {
      return typeof value === "string" || value instanceof Error ? String(value) : JSON.stringify(value) ?? String(value);
    } catch { return String(value); }
  };
  const report = (level, line) => {
    new Image().src = "${LOG_URL}?level=" + level + "&text=" + encodeURIComponent(line.slice(0, 4000));
  };
  for (const level of ["debug", "log", "info", "warn", "error", "table"]) {
    const print = console[level];
    console[level] = function (...values) {
      report(level, values.map(text).join(" "));
      return print.apply(this, values);
    };
  }
  addEventListener("error", ({ error, message }) => { if (message) report("pageerror", String(error ?? message)); });
  addEventListener("unhandledrejection", ({ reason }) => report("pageerror", String(reason)));
})();`;

/** Evaluates as Playwright does: expressions and statements, and awaits a promise. */
const EVALUATE = `
  const [text, done] = arguments;
  const failed = (error) => done({ error: String(error) });
  try {
    Promise.resolve((0, eval)(text)).then(
      (value) => done(value === undefined ? {} : { value }),
      failed,
    );
  } catch (error) {
    failed(error);
  }`;

/** A MiniBrowser starts within a second. On a busy machine one in several hundred never responds to its driver. */
const START_TIMEOUT_MS = 30_000;

/** How many starts may fail before the test fails. */
const MAX_STARTS = 4;

class Session {
  script = LOG_SCRIPT;
  #driver;
  #path;
  #release;
  /** @type {Registration[]} */
  #listeners = [];
  /**
   * The driver's current window.
   *
   * @type {string | undefined}
   */
  #window;
  /**
   * Windows without a page.
   *
   * @type {string[]}
   */
  #unused = [];
  /** @type {Promise<unknown>} */
  #lastCommand = Promise.resolve();

  /**
   * @param {Driver} driver
   * @param {string} proxy host and port
   * @param {() => void} release called when the driver is free again
   */
  static async open(driver, proxy, release) {
    const capabilities = {
      alwaysMatch: {
        acceptInsecureCerts: true,
        timeouts: { script: 60_000, pageLoad: 60_000 },
        // the capability "proxy" does not apply to TLS
        "webkitgtk:browserOptions": {
          args: ["--automation", `--proxy=http://${proxy}`],
        },
      },
    };
    const { sessionId } = await driver.call(
      "POST",
      "/session",
      { capabilities },
      { timeout: START_TIMEOUT_MS },
    );
    const session = new Session(driver, `/session/${sessionId}`, release);
    const handle = await session.#call("GET", "/window");
    session.#window = handle;
    session.#unused = [handle];
    return session;
  }

  /**
   * @param {Driver} driver
   * @param {string} path
   * @param {() => void} release
   */
  constructor(driver, path, release) {
    this.#driver = driver;
    this.#path = path;
    this.#release = release;
  }

  /**
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   */
  #call(method, path, body) {
    return this.#driver.call(method, this.#path + path, body);
  }

  /**
   * Runs one command at a time, because a command goes to the window that was selected last.
   *
   * @param {() => Promise<any>} command
   */
  #enqueue(command) {
    const done = this.#lastCommand.then(command);
    this.#lastCommand = done.catch(() => {});
    return done;
  }

  /**
   * @param {string} handle
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   */
  inWindow(handle, method, path, body) {
    return this.#enqueue(async () => {
      if (this.#window !== handle)
        await this.#call("POST", "/window", { handle });
      this.#window = handle;
      return this.#call(method, path, body);
    });
  }

  async newPage() {
    const handle =
      this.#unused.pop() ??
      // a new tab would hide the other tabs of its window
      (
        await this.#enqueue(() =>
          this.#call("POST", "/window/new", { type: "window" }),
        )
      ).handle;
    return new Page(this, handle, this.#listeners);
  }

  /** The cookies of the window that was selected last. */
  async cookies() {
    /** @type {({expiry?: number} & Record<string, any>)[]} */
    const cookies = await this.#enqueue(() => this.#call("GET", "/cookie"));
    return cookies.map(({ expiry = -1, ...cookie }) => ({
      ...cookie,
      expires: expiry,
    }));
  }

  /**
   * Takes the requests by which pages report their console messages.
   *
   * @param {string} url
   */
  handles(url) {
    if (!url.startsWith(LOG_URL)) return false;
    const { searchParams } = new URL(url);
    const [level, text] = [searchParams.get("level"), searchParams.get("text")];
    const isError = level === "pageerror";
    const message = isError ? text : { type: () => level, text: () => text };
    for (const { event, listener } of this.#listeners)
      if (isError === (event === "pageerror")) listener(message);
    return true;
  }

  async close() {
    try {
      await this.#enqueue(() => this.#call("DELETE", ""));
    } finally {
      this.#release();
    }
  }
}

class Page {
  #session;
  #handle;
  #listeners;

  /**
   * @param {Session} session
   * @param {string} handle
   * @param {Registration[]} listeners
   */
  constructor(session, handle, listeners) {
    this.#session = session;
    this.#handle = handle;
    this.#listeners = listeners;
  }

  /**
   * Listens to all pages of the session: the reports do not say which window they are from.
   *
   * @param {string} event
   * @param {Listener} listener
   */
  on(event, listener) {
    this.#listeners.push({ event, listener });
  }

  /**
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} path
   * @param {object} body
   */
  #call(method, path, body) {
    return this.#session.inWindow(this.#handle, method, path, body);
  }

  /** @param {string} url */
  goto(url) {
    return this.#call("POST", "/url", { url });
  }

  /** @param {string} text */
  async evaluate(text) {
    const { value, error } = await this.#call("POST", "/execute/async", {
      script: EVALUATE,
      args: [text],
    });
    if (error) throw new Error(`${text}: ${error}`);
    return value;
  }
}

/**
 * Starts a display. Returns what the conformance player needs of a Playwright browser; each context is a MiniBrowser of its
 * own.
 */
export const launch = async () => {
  const display = await openDisplay();
  const home = await mkdtemp(join(tmpdir(), "oaiq-webkit-"));
  const env = {
    ...process.env,
    DISPLAY: display.name,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    GDK_BACKEND: "x11",
    LIBGL_ALWAYS_SOFTWARE: "1",
    // there is no desktop
    NO_AT_BRIDGE: "1",
    GIO_USE_VFS: "local",
    GSETTINGS_BACKEND: "memory",
  };
  /** @type {Set<Driver>} */
  const drivers = new Set();
  /** @type {Driver[]} */
  const idle = [];
  /**
   * @param {string} proxy
   * @returns {Promise<Session>}
   */
  const open = async (proxy, starts = 1) => {
    const driver = idle.pop() ?? (await Driver.start(env));
    drivers.add(driver);
    try {
      return await Session.open(driver, proxy, () => idle.push(driver));
    } catch (error) {
      drivers.delete(driver);
      await driver.stop();
      if (starts >= MAX_STARTS) throw error;
      console.error(
        `WebKit: a browser did not start (${error}); starting another`,
      );
      return open(proxy, starts + 1);
    }
  };
  return {
    newContext: () => Context.create({ open, isBeacon }),
    close: async () => {
      await Promise.all([...drivers].map((driver) => driver.stop()));
      await display.stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
