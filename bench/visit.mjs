// One visit: a fresh page in a browser that has never been there. Every request is answered here.
import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { URL } from "node:url";
import { gunzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import { CHROMIUM_ARGUMENTS, HIDE_AUTOMATION } from "../scripts/chromium.mjs";
import { ensureChromium } from "../scripts/setup.mjs";
import { EVENT_NAME } from "./libraries.mjs";
import * as page from "./page.mjs";

/** The host does not exist, but cookies and their domains work there as anywhere. */
const PAGE = "https://shop.example.test/checkout";
const HTML = "<!doctype html><title>Checkout</title><body><h1>Thank you</h1>";
/** Each library looks for another field, or for none. */
const RESPONSE = {
  status: 200,
  contentType: "application/json",
  headers: {
    "Access-Control-Allow-Origin": new URL(PAGE).origin,
    "Access-Control-Allow-Credentials": "true",
  },
  body: '{"status":1,"success":true,"automatic_advanced_matching_enabled":false}',
};

/** The Chromium for all measurements. Nothing leaves the machine: no host name resolves. */
export const openBrowser = () =>
  chromium.launch({
    executablePath: ensureChromium(),
    args: [
      ...CHROMIUM_ARGUMENTS,
      "--host-resolver-rules=MAP * ~NOTFOUND",
      // some libraries ignore automated browsers
      HIDE_AUTOMATION,
    ],
  });

/**
 * The number of orders in a request's body.
 *
 * @param {Buffer} body
 */
const countOrders = (body) => {
  const isGzip = body[0] === 0x1f && body[1] === 0x8b;
  const text = (isGzip ? gunzipSync(body) : body).toString("utf8");
  return text.replaceAll("%22", '"').split(`"${EVENT_NAME}"`).length - 1;
};

/** Counts and answers a page's requests. */
class Network {
  requests = 0;
  /** The total size of the bodies as sent. */
  bytes = 0;
  orders = 0;
  #inFlight = 0;
  #lastActivity = Date.now();

  /** @param {import("playwright-core").Route} route */
  async respond(route) {
    const request = route.request();
    if (request.url() === PAGE)
      return route.fulfill({ contentType: "text/html", body: HTML });
    const body = request.postDataBuffer() ?? Buffer.alloc(0);
    this.#noteActivity();
    this.#inFlight += 1;
    this.requests += 1;
    this.bytes += body.length;
    this.orders += countOrders(body);
    try {
      await route.fulfill(RESPONSE);
    } catch {
      // the page was closed in the meantime
    }
    this.#inFlight -= 1;
    this.#noteActivity();
  }

  #noteActivity() {
    this.#lastActivity = Date.now();
  }

  counts() {
    const { requests, bytes, orders } = this;
    return { requests, bytes, orders };
  }

  /**
   * Waits until some time has passed without a request, starting now.
   *
   * @param {number} ms
   * @param {number} [limit] the longest wait, in ms
   */
  async quiet(ms, limit = 120_000) {
    this.#noteActivity();
    const end = Date.now() + limit;
    while (
      (this.#inFlight > 0 || Date.now() - this.#lastActivity < ms) &&
      Date.now() < end
    )
      await sleep(10);
  }
}

/** @typedef {Awaited<ReturnType<typeof openVisit>>} Visit */

/**
 * Opens a page that has a library's script, which does not run yet.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {import("./libraries.mjs").Library} library
 * @param {{ slowdown?: number }} [options] how many times slower the page's CPU is
 */
export const openVisit = async (browser, library, { slowdown = 1 } = {}) => {
  const context = await browser.newContext({
    // without "Headless": some libraries ignore headless browsers
    userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${parseInt(browser.version())}.0.0.0 Safari/537.36`,
  });
  const network = new Network();
  await context.route("**/*", (route) => network.respond(route));
  const tab = await context.newPage();
  /** @type {Error | undefined} */
  let firstError;
  tab.on("pageerror", (error) => {
    firstError ??= error;
  });
  await tab.goto(PAGE);
  const devtools = await context.newCDPSession(tab);
  await devtools.send("Performance.enable");
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  const { queue, script, start } = library;
  await tab.evaluate(page.install, { queue, script, start });
  await tab.evaluate(page.prepareCalls, library.call);
  return {
    network,
    page: tab,
    /** The CPU time of the page's main thread so far, in ms. */
    async mainThreadTime() {
      const { metrics } = await devtools.send("Performance.getMetrics");
      const metric = metrics.find(({ name }) => name === "ThreadTime");
      if (!metric) throw new Error("Chromium reports no ThreadTime");
      return metric.value * 1000;
    },
    /** The size of the JavaScript heap after garbage collection, in bytes. */
    async heapSize() {
      // the second collection frees what the first one finalizes
      await devtools.send("HeapProfiler.collectGarbage");
      await devtools.send("HeapProfiler.collectGarbage");
      return (await devtools.send("Runtime.getHeapUsage")).usedSize;
    },
    async close() {
      await context.close();
      if (firstError)
        throw new Error(`${library.name}: ${firstError.stack ?? firstError}`);
    },
  };
};
