// The browser that the tests run in, and the people who sit in front of it.
import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = fileURLToPath(new URL("../..", import.meta.url));

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

/** $CHROME, else the `chromium` in PATH. */
const executable = () => {
  const found = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "chromium"));
  const path = [process.env.CHROME, ...found].find(
    (candidate) => candidate && existsSync(candidate),
  );
  if (!path)
    throw new Error(
      "the browser tests need a Chromium: install it, or name its program in $CHROME",
    );
  return path;
};

export const launch = (...more) =>
  chromium.launch({
    executablePath: executable(),
    args: [...ARGUMENTS, ...more],
  });

/** The built pixel: the names of its files with their bytes. A build that is just being made is waited for. */
export const pixelFiles = async () => {
  const folder = join(root, "dist");
  for (let tries = 0; !existsSync(join(folder, ".complete")); tries += 1) {
    if (tries === 120)
      throw new Error("dist/ is not there: build it with `npm run build`");
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
 * A visitor with a cookie jar of their own, until the test `t` ends. Each tab collects what a site's owner would see
 * go wrong.
 */
export class Visitor {
  static async arrives(t, browser) {
    const context = await browser.newContext();
    t.after(() => context.close());
    return new Visitor(context);
  }

  constructor(context) {
    this.context = context;
  }

  async opens(url) {
    const tab = new Tab(await this.context.newPage());
    await tab.goes(url);
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

  constructor(page) {
    this.page = page;
    page.on("pageerror", (error) => this.pageErrors.push(String(error)));
    page.on("console", (message) =>
      this.console.push({ type: message.type(), text: message.text() }),
    );
    page.on("request", (request) => this.requests.push(request.url()));
  }

  /** What the pixel has said. */
  get pixelLines() {
    return this.console
      .map(({ text }) => text)
      .filter((text) => text.startsWith("[oaiq]"));
  }

  goes(url) {
    return this.page.goto(url);
  }

  /** Evaluates the text in the page. */
  does(text) {
    return this.page.evaluate(text);
  }
}
