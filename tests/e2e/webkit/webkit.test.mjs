// What differs between browsers, tested in WebKit: cookies, storage, page lifecycle events, tabs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  sdkTag,
  inlineScript,
  CONFIG_PATH,
  QUEUE_STUB,
} from "../support/site.mjs";
import { waitUntil } from "../support/browser.mjs";
import { forward } from "./forward.mjs";
import { launch } from "./webkit.mjs";

/**
 * @typedef {import("../support/site.mjs").SentRequest} SentRequest
 */

const PENDING = sdkTag(
  `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}" data-consent="pending"`,
);
const DEBUG = INIT.replace("}", ", debug: true }");
/** Longer than a batch is delayed, and than the pixel's work after the first paint. */
const IDLE_MS = 2_500;

/**
 * The IDs of the orders in a request.
 *
 * @param {SentRequest} request
 */
const ordersIn = ({ body }) =>
  body.events
    .filter(({ type }) => type === "order_created")
    .map(({ id }) => id);

/**
 * WebKit names the charset of a beacon's text; the pixel's `fetch` does not.
 *
 * @param {SentRequest} request
 */
const isBeacon = ({ headers }) =>
  headers["content-type"] === "text/plain;charset=UTF-8";

describe("in WebKit", { concurrency: 2 }, () => {
  /** @type {Awaited<ReturnType<typeof launch>> | undefined} */
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /**
   * Starts a site with these pages on https, and a visitor's first tab. `logs` are the pixel's messages in any tab.
   *
   * @param {import("node:test").TestContext} t
   * @param {Record<string, import("../support/site.mjs").Page>} [pages]
   */
  const setUp = async (t, pages) => {
    const site = await startSite(t, { "/": html(), "/next": html(), ...pages });
    assert.ok(browser);
    const context = await browser.newContext();
    t.after(() => context.close());
    await context.route("**/*", forward(site));
    const url = (path = "/") => site.url(path).replace("http:", "https:");
    /** @type {string[]} */
    const logs = [];
    /** @type {string[]} */
    const errors = [];
    const openPage = async (/** @type {string} */ path) => {
      const tab = await context.newPage();
      await tab.goto(url(path));
      return tab;
    };
    const tab = await context.newPage();
    tab.on("pageerror", (error) => errors.push(error));
    tab.on(
      "console",
      (line) => line.text().startsWith("[oaiq]") && logs.push(line.text()),
    );
    const jar = async () =>
      Object.fromEntries(
        (await context.cookies()).map((cookie) => [cookie.name, cookie]),
      );
    return { site, tab, url, openPage, jar, logs, errors };
  };

  test("the browser ID and the click ID are cookies of the registrable domain and persist across pages", async (t) => {
    const { site, tab, url, jar, errors } = await setUp(t);
    await tab.goto(url("/?oppref=click-1"));
    await tab.evaluate(orderCall("first"));
    await site.waitForOrders("first");
    const { __obref, __oppref } = await jar();
    for (const cookie of [__obref, __oppref]) {
      assert.equal(cookie.domain, ".example.test");
      assert.equal(cookie.path, "/");
      assert.equal(cookie.secure, true);
      assert.equal(cookie.sameSite, "Lax");
    }
    const days = (/** @type {{expires: number}} */ { expires }) =>
      Math.round((expires - Date.now() / 1000) / 86_400);
    assert.equal(days(__obref), 365);
    assert.equal(days(__oppref), 30);
    await tab.goto(url("/next"));
    await tab.evaluate(orderCall("second"));
    await site.waitForOrders("second");
    for (const { body } of site.requests) {
      assert.equal(body.obref, __obref.value);
      assert.equal(body.oppref, "click-1");
    }
    assert.deepEqual(errors, []);
  });

  test("a denial deletes the cookies and stops events until a grant", async (t) => {
    const { site, tab, url, jar, errors } = await setUp(t);
    await tab.goto(url("/?oppref=click-1"));
    await tab.evaluate(orderCall("before"));
    await site.waitForOrders("before");
    await tab.evaluate(`oaiq("consent", false); ${orderCall("denied")}`);
    assert.deepEqual(Object.keys(await jar()), ["__oaiq_consent"]);
    await tab.goto(url("/next"));
    await tab.evaluate(orderCall("still denied"));
    await pause(IDLE_MS);
    await tab.evaluate(`oaiq("consent", true); ${orderCall("granted")}`);
    await site.waitForOrders("granted");
    assert.deepEqual(site.deliveryCounts, { before: 1, granted: 1 });
    const { __oaiq_consent, __obref } = await jar();
    assert.equal(__oaiq_consent.value, "true");
    assert.equal(__obref.value, site.lastRequest.body.obref);
    assert.deepEqual(errors, []);
  });

  test("nothing is stored or sent until pending consent is granted", async (t) => {
    const { site, tab, url, jar, errors } = await setUp(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), PENDING),
    });
    await tab.goto(url("/?oppref=click-1"));
    await tab.evaluate(orderCall("held"));
    await pause(IDLE_MS);
    assert.deepEqual(await jar(), {});
    assert.deepEqual(
      await tab.evaluate(
        "[...Object.keys(localStorage), ...Object.keys(sessionStorage)]",
      ),
      [],
    );
    assert.deepEqual([site.requests, site.configRequests], [[], []]);
    await tab.evaluate(`oaiq("consent", true)`);
    await site.waitForOrders("held");
    const { body } = site.requestWith("held");
    assert.equal(body.oppref, "click-1");
    assert.equal(site.measuredEvent("held").source_url, url("/"));
    assert.deepEqual(errors, []);
  });

  const NAVIGATIONS = {
    "right after the call": `${orderCall("last")} location.href = "/next";`,
    "in a pagehide listener": `addEventListener("pagehide", () => { ${orderCall("last")} }); location.href = "/next";`,
  };
  for (const [when, leave] of Object.entries(NAVIGATIONS))
    test(`an order measured as the page is left, ${when}, is sent once, by beacon`, async (t) => {
      const { site, tab, url, errors } = await setUp(t);
      await tab.goto(url());
      await tab.evaluate(orderCall("first"));
      await site.waitForResponses(tab, "first");
      await tab.navigateBy(leave);
      await site.waitForOrders("last");
      await tab.evaluate(orderCall("next page"));
      await site.waitForOrders("next page");
      assert.deepEqual(site.deliveryCounts, {
        first: 1,
        last: 1,
        "next page": 1,
      });
      assert.ok(isBeacon(site.requestWith("last")));
      assert.deepEqual(errors, []);
    });

  test("a page that is hidden sends its events at once by beacon", async (t) => {
    const { site, tab, url } = await setUp(t);
    await tab.goto(url());
    await tab.evaluate(orderCall("first"));
    await site.waitForResponses(tab, "first");
    await tab.evaluate(`
      ${orderCall("hidden")}
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));`);
    await site.waitForOrders("hidden");
    assert.ok(isBeacon(site.requestWith("hidden")));
    assert.equal(site.deliveryCounts.hidden, 1);
  });

  const STORED = `Object.keys(localStorage).filter((key) => key.startsWith("oaiq_outbox.1:")).length`;

  /** Leaves a page whose order could be delivered neither by fetch nor by the beacon on page hide. */
  const leaveUndelivered = async (
    /** @type {import("node:test").TestContext} */ t,
  ) => {
    const setup = await setUp(t, {
      "/": html(QUEUE_STUB, inlineScript(DEBUG), sdkTag()),
      "/empty": html(""),
    });
    const { site, tab, url, logs } = setup;
    site.respond = () => ({ status: 503 });
    await tab.goto(url());
    await tab.evaluate(orderCall("undelivered"));
    await site.waitFor("the request", () =>
      site.requests.some((it) => ordersIn(it).includes("undelivered")),
    );
    // events in flight are not sent by beacon as well
    await waitUntil(
      "the failure",
      () =>
        logs.filter((line) => /answered 503/.test(line)).length ===
        site.requests.length,
    );
    await tab.goto(url("/empty"));
    await site.waitFor("the beacon", () =>
      site.requests.some(
        (it) => isBeacon(it) && ordersIn(it).includes("undelivered"),
      ),
    );
    assert.equal(await tab.evaluate(STORED), 1);
    site.respond = () => ({ status: 202 });
    return setup;
  };

  test("undelivered events are stored and sent once by the next page", async (t) => {
    const { site, tab, url, errors } = await leaveUndelivered(t);
    await tab.goto(url("/next"));
    await site.waitForOrders("undelivered");
    const event = site.measuredEvent("undelivered");
    assert.equal(event.source_url, url("/"));
    await tab.waitForFunction(`${STORED} === 0`);
    assert.equal(site.deliveryCounts.undelivered, 1);
    assert.deepEqual(errors, []);
  });

  test("undelivered events are sent by only one of two tabs", async (t) => {
    const { site, openPage, errors } = await leaveUndelivered(t);
    const tabs = [await openPage("/next"), await openPage("/next")];
    await site.waitForOrders("undelivered");
    for (const [i, tab] of tabs.entries())
      await tab.evaluate(orderCall(`own ${i}`));
    await site.waitForOrders("own 0", "own 1");
    assert.deepEqual(site.deliveryCounts, {
      undelivered: 1,
      "own 0": 1,
      "own 1": 1,
    });
    assert.deepEqual(errors, []);
  });

  test("a denial in one tab stops events in the other", async (t) => {
    const { site, tab, url, openPage, jar, errors } = await setUp(t);
    await tab.goto(url());
    const other = await openPage("/next");
    await tab.evaluate(orderCall("one"));
    await other.evaluate(orderCall("other"));
    await site.waitForOrders("one", "other");
    await tab.evaluate(`oaiq("consent", false)`);
    await other.waitForFunction(
      `localStorage.getItem("oaiq_consent") === "false"`,
    );
    await other.evaluate(orderCall("denied"));
    await other.goto(url("/"));
    await pause(IDLE_MS);
    assert.deepEqual(site.deliveryCounts, { one: 1, other: 1 });
    assert.deepEqual(Object.keys(await jar()), ["__oaiq_consent"]);
    assert.deepEqual(errors, []);
  });

  test("debug logs the steps of an event and why a call is rejected", async (t) => {
    const { site, tab, url, logs, errors } = await setUp(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(
          DEBUG +
            orderCall("o-1") +
            `oaiq("measure", "Purchase", { type: "contents" });`,
        ),
        sdkTag(),
      ),
    });
    await tab.goto(url());
    await site.waitForOrders("o-1");
    for (const line of [
      /pixel "TEST-PIXEL" has started/,
      /order_created "o-1"/,
      /"Purchase"[^]*order_created/,
      /request \d+ was answered 202/,
    ])
      await waitUntil(`${line} in ${logs.join("\n")}`, () =>
        logs.some((it) => line.test(it)),
      );
    assert.deepEqual(errors, []);
  });
});
