// The installed WebKitGTK, driven over WebDriver.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Visitor } from "../firefox/context.mjs";
import { Driver, openDisplay } from "./webdriver.mjs";

/** A beacon's text names its charset; the pixel's `fetch` does not. Both have the same Sec-Fetch headers and priority. */
const isBeacon = ({ "content-type": type }) =>
  /^text\/plain;\s*charset=/i.test(type);

/** Where pages tell what their console and their uncaught errors say, which WebDriver does not. */
const LINES = "https://lines.invalid/";

/** Runs first in each page. An image is the request that least disturbs the page. */
const LISTEN = `(() => {
  const text = (value) => {
    try {
      return typeof value === "string" || value instanceof Error ? String(value) : JSON.stringify(value) ?? String(value);
    } catch { return String(value); }
  };
  const tell = (level, line) => {
    new Image().src = "${LINES}?level=" + level + "&text=" + encodeURIComponent(line.slice(0, 4000));
  };
  for (const level of ["debug", "log", "info", "warn", "error", "table"]) {
    const print = console[level];
    console[level] = function (...values) {
      tell(level, values.map(text).join(" "));
      return print.apply(this, values);
    };
  }
  addEventListener("error", ({ error, message }) => { if (message) tell("pageerror", String(error ?? message)); });
  addEventListener("unhandledrejection", ({ reason }) => tell("pageerror", String(reason)));
})();`;

/** Evaluates as Playwright does: statements too, and what a promise gives. */
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

/** A MiniBrowser starts within a second. On a busy machine one in some hundred never answers its driver. */
const START_MS = 30_000;

/** How many browsers may fail to start before the visit fails. */
const STARTS = 4;

class Session {
  script = LISTEN;
  #driver;
  #path;
  #release;
  #listeners = [];
  /** The window that has the driver's attention, and those that no page has yet. */
  #window;
  #unused;
  #turn = Promise.resolve();

  static async opens(driver, address, release) {
    const capabilities = {
      alwaysMatch: {
        acceptInsecureCerts: true,
        timeouts: { script: 60_000, pageLoad: 60_000 },
        // the capability "proxy" does not reach TLS
        "webkitgtk:browserOptions": {
          args: ["--automation", `--proxy=http://${address}`],
        },
      },
    };
    const { sessionId } = await driver.call(
      "POST",
      "/session",
      { capabilities },
      { timeout: START_MS },
    );
    const session = new Session(driver, `/session/${sessionId}`, release);
    session.#window = await session.#call("GET", "/window");
    session.#unused = [session.#window];
    return session;
  }

  constructor(driver, path, release) {
    this.#driver = driver;
    this.#path = path;
    this.#release = release;
  }

  #call(method, path, body) {
    return this.#driver.call(method, this.#path + path, body);
  }

  /** One command at a time, because a command goes to the window that was chosen last. */
  #inTurn(command) {
    const done = this.#turn.then(command);
    this.#turn = done.catch(() => {});
    return done;
  }

  inWindow(handle, method, path, body) {
    return this.#inTurn(async () => {
      if (this.#window !== handle)
        await this.#call("POST", "/window", { handle });
      this.#window = handle;
      return this.#call(method, path, body);
    });
  }

  async newPage() {
    const handle =
      this.#unused.pop() ??
      // a tab would hide those before it in the window
      (
        await this.#inTurn(() =>
          this.#call("POST", "/window/new", { type: "window" }),
        )
      ).handle;
    return new Page(this, handle, this.#listeners);
  }

  /** Those of the window that was used last. */
  async cookies() {
    const cookies = await this.#inTurn(() => this.#call("GET", "/cookie"));
    return cookies.map(({ expiry = -1, ...cookie }) => ({
      ...cookie,
      expires: expiry,
    }));
  }

  /** Whether that request was a page telling what its console says. */
  hears(url) {
    if (!url.startsWith(LINES)) return false;
    const { searchParams } = new URL(url);
    const [level, text] = [searchParams.get("level"), searchParams.get("text")];
    for (const { event, listener } of this.#listeners)
      if (level === "pageerror") event === "pageerror" && listener(text);
      else
        event === "console" &&
          listener({ type: () => level, text: () => text });
    return true;
  }

  async close() {
    try {
      await this.#inTurn(() => this.#call("DELETE", ""));
    } finally {
      this.#release();
    }
  }
}

class Page {
  #session;
  #handle;
  #listeners;

  constructor(session, handle, listeners) {
    this.#session = session;
    this.#handle = handle;
    this.#listeners = listeners;
  }

  /** A listener hears of all pages of the session: a request does not say which window it comes from. */
  on(event, listener) {
    this.#listeners.push({ event, listener });
  }

  #call(method, path, body) {
    return this.#session.inWindow(this.#handle, method, path, body);
  }

  goto(url) {
    return this.#call("POST", "/url", { url });
  }

  async evaluate(text) {
    const { value, error } = await this.#call("POST", "/execute/async", {
      script: EVALUATE,
      args: [text],
    });
    if (error) throw new Error(`${text}: ${error}`);
    return value;
  }
}

/** Starts a display. Gives what `play` takes for a browser: each visitor has a MiniBrowser of their own. */
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
    // there is no desktop to talk to
    NO_AT_BRIDGE: "1",
    GIO_USE_VFS: "local",
    GSETTINGS_BACKEND: "memory",
  };
  const drivers = new Set();
  const idle = [];
  const open = async (address, starts = 1) => {
    const driver = idle.pop() ?? (await Driver.starts(env));
    drivers.add(driver);
    try {
      return await Session.opens(driver, address, () => idle.push(driver));
    } catch (error) {
      drivers.delete(driver);
      await driver.stop();
      if (starts >= STARTS) throw error;
      console.error(
        `WebKit: a browser did not start (${error.message}); starting another`,
      );
      return open(address, starts + 1);
    }
  };
  return {
    newContext: () => Visitor.arrives({ open, isBeacon }),
    close: async () => {
      await Promise.all([...drivers].map((driver) => driver.stop()));
      await display.stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
};
