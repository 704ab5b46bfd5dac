// One visit: a fresh page in a browser that has never been there, whose every request is answered here.
import { Buffer } from "node:buffer";
import { setTimeout as pause } from "node:timers/promises";
import { URL } from "node:url";
import { gunzipSync } from "node:zlib";
import { chromium as playwright } from "playwright-core";
import { chromium } from "../scripts/setup.mjs";
import { ORDER } from "./libraries.mjs";
import * as page from "./page.mjs";

/** No such host exists, but cookies and their domains work there as anywhere. */
const PAGE = "https://shop.example.test/checkout";
const HTML = "<!doctype html><title>Checkout</title><body><h1>Thank you</h1>";
/** Satisfies every contestant: each looks for another field, or for none. */
const ANSWER = {
  status: 200,
  contentType: "application/json",
  headers: {
    "Access-Control-Allow-Origin": new URL(PAGE).origin,
    "Access-Control-Allow-Credentials": "true",
  },
  body: '{"status":1,"success":true,"automatic_advanced_matching_enabled":false}',
};

/** The Chromium in which everything is measured. Nothing leaves the machine: no host name resolves. */
export const openBrowser = () =>
  playwright.launch({
    executablePath: chromium(),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP * ~NOTFOUND",
      // scripts that count no robots would do nothing
      "--disable-blink-features=AutomationControlled",
    ],
  });

/** How many orders a request's body tells of. */
const ordersIn = (body) => {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  const text = (isGzip ? gunzipSync(body) : body).toString("utf8");
  return text.replaceAll("%22", '"').split(`"${ORDER}"`).length - 1;
};

/** Counts what a page requests, and answers it. */
class Network {
  requests = 0;
  /** Of the bodies, as sent. */
  bytes = 0;
  orders = 0;
  #open = 0;
  #last = Date.now();

  async answer(route) {
    const request = route.request();
    if (request.url() === PAGE)
      return route.fulfill({ contentType: "text/html", body: HTML });
    const body = request.postDataBuffer() ?? Buffer.alloc(0);
    this.touch();
    this.#open += 1;
    this.requests += 1;
    this.bytes += body.length;
    this.orders += ordersIn(body);
    try {
      await route.fulfill(ANSWER);
    } catch {
      // the page has been closed meanwhile
    }
    this.#open -= 1;
    this.touch();
  }

  touch() {
    this.#last = Date.now();
  }

  counts() {
    const { requests, bytes, orders } = this;
    return { requests, bytes, orders };
  }

  /** Waits until that many ms have passed without a request, but no longer than `limit`. */
  async quiet(ms, limit = 120_000) {
    this.touch();
    const end = Date.now() + limit;
    while ((this.#open > 0 || Date.now() - this.#last < ms) && Date.now() < end)
      await pause(10);
  }
}

/** Opens a page with a contestant's text in it, not yet run. `slowdown`: how many times slower its CPU is. */
export const openVisit = async (browser, contestant, { slowdown = 1 } = {}) => {
  const context = await browser.newContext({
    // without the word that names a headless browser, for the same scripts
    userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${parseInt(browser.version())}.0.0.0 Safari/537.36`,
  });
  const network = new Network();
  await context.route("**/*", (route) => network.answer(route));
  const tab = await context.newPage();
  let fault;
  tab.on("pageerror", (error) => {
    fault ??= error;
  });
  await tab.goto(PAGE);
  const devtools = await context.newCDPSession(tab);
  await devtools.send("Performance.enable");
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  const { queue, script, start } = contestant;
  await tab.evaluate(page.hold, { queue, script, start });
  await tab.evaluate(page.prepareCalls, contestant.call);
  return {
    network,
    evaluate: (work, about) => tab.evaluate(work, about),
    /** The CPU time of the page's main thread so far, in ms. */
    async mainThread() {
      const { metrics } = await devtools.send("Performance.getMetrics");
      return metrics.find(({ name }) => name === "ThreadTime").value * 1000;
    },
    /** The JavaScript heap without garbage, in bytes. */
    async heap() {
      // what a first collection finalises, a second one frees
      await devtools.send("HeapProfiler.collectGarbage");
      await devtools.send("HeapProfiler.collectGarbage");
      return (await devtools.send("Runtime.getHeapUsage")).usedSize;
    },
    async close() {
      await context.close();
      if (fault) throw new Error(`${contestant.name}: ${fault.stack}`);
    },
  };
};
