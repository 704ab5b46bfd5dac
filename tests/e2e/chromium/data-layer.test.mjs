// The data layer in real pages: what the attribute loads and measures, what hostile pages do, and the shop's journey.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { checkout, startCollector } from "../support/collector.mjs";
import {
  CONFIG_PATH,
  EVENTS_PATH,
  INIT,
  inlineScript,
  openSite,
  QUEUE_STUB,
  sdkTag,
} from "../support/site.mjs";

const ENDPOINTS = `data-oaiq-endpoint="${EVENTS_PATH}" data-oaiq-settings="${CONFIG_PATH}"`;
const WITH_LAYER = sdkTag(`${ENDPOINTS} data-oaiq-layer`);
const FILE = "oaiq.layer.min.js";

/**
 * An entry that is an order, as text.
 *
 * @param {string} id
 */
const order = (id) =>
  `{ event: "purchase", ecommerce: { transaction_id: "${id}", value: 25.99, currency: "EUR" } }`;

/**
 * A script that pushes orders.
 *
 * @param {string[]} ids
 */
const pushOrders = (...ids) =>
  ids.map((id) => `dataLayer.push(${order(id)});`).join("\n");

describe("the data layer", { concurrency: 3 }, () => {
  const browser = useBrowser();

  /**
   * Opens a page with a script before the pixel.
   *
   * @param {import("node:test").TestContext} t
   * @param {string} script
   * @param {string} [tag]
   */
  const openPage = (t, script, tag = WITH_LAYER) =>
    openSite(t, browser, QUEUE_STUB, inlineScript(script + INIT), tag);

  /**
   * The IDs of the orders that the site has received.
   *
   * @param {import("../support/site.mjs").Site} site
   */
  const orderIds = (site) =>
    site.measured
      .filter(({ type }) => type === "order_created")
      .map(({ id }) => id);

  test("is measured: what stands in it, and what comes by push and by gtag", async (t) => {
    const { site, tab } = await openPage(
      t,
      `window.dataLayer = [${order("before")}];
       function gtag() { dataLayer.push(arguments); }`,
    );
    await site.waitForOrders("before");
    await tab.evaluate(`${pushOrders("pushed")}
      gtag("event", "purchase", { transaction_id: "gtag", value: "1.299,00", currency: "EUR", items: [{ item_id: 7, item_name: "Mug", price: 8.7, quantity: 2 }] });`);
    await site.waitForOrders("pushed", "gtag");
    assert.deepEqual(site.measuredEvent("before").data, {
      type: "contents",
      amount: 2599,
      currency: "EUR",
    });
    assert.deepEqual(site.measuredEvent("gtag").data, {
      type: "contents",
      amount: 129900,
      currency: "EUR",
      contents: [
        {
          id: "7",
          name: "Mug",
          content_type: "product",
          quantity: 2,
          amount: 870,
        },
      ],
    });
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
    assert.deepEqual(site.rejectedCalls, {});
  });

  for (const [what, script, tag] of /** @type {const} */ ([
    [
      "oaiq.config.layer names it",
      `oaiq.config = { layer: "shopLayer" }; window.shopLayer = [${order("a")}];`,
      sdkTag(ENDPOINTS),
    ],
    [
      "oaiq.config.layer is true",
      `oaiq.config = { layer: true }; window.dataLayer = [${order("a")}];`,
      sdkTag(ENDPOINTS),
    ],
    [
      "the attribute names it",
      `window.shopLayer = [${order("a")}];`,
      sdkTag(`${ENDPOINTS} data-oaiq-layer="shopLayer"`),
    ],
    [
      "oaiq.config.layerEvents has the event",
      `oaiq.config = { layerEvents: { order_done: "order_created" } };
       window.dataLayer = [{ event: "order_done", transaction_id: "a" }];`,
      WITH_LAYER,
    ],
  ]))
    test(`is measured where ${what}`, async (t) => {
      const { site } = await openPage(t, script, tag);
      await site.waitForOrders("a");
    });

  for (const [what, script] of /** @type {const} */ ([
    ["nothing asks for it", ""],
    ["oaiq.config.layer is false", "oaiq.config = { layer: false };"],
  ]))
    test(`is not measured, and its file not loaded, where ${what}`, async (t) => {
      const { site, tab } = await openPage(
        t,
        `${script} window.dataLayer = [${order("a")}];
         oaiq("measure", "order_created", { type: "contents" }, { event_id: "called" });`,
        sdkTag(ENDPOINTS),
      );
      await site.waitForOrders("called");
      assert.ok(!tab.hasRequested(FILE));
      assert.deepEqual(orderIds(site), ["called"]);
    });

  test("waits for consent, and is measured once it is granted", async (t) => {
    const { site, visitor, tab } = await openPage(
      t,
      `window.dataLayer = [${order("a")}];`,
      sdkTag(`${ENDPOINTS} data-oaiq-layer data-oaiq-consent="pending"`),
    );
    await tab.waitForFunction("dataLayer.hasOwnProperty('push')");
    await tab.evaluate("new Promise((go) => setTimeout(go, 2000))");
    assert.deepEqual(site.requests, []);
    assert.deepEqual(await visitor.cookies(), {});
    await tab.evaluate(`oaiq("consent", true)`);
    await site.waitForOrders("a");
  });

  test("is not measured after a denial", async (t) => {
    const { site, tab } = await openPage(
      t,
      `window.dataLayer = []; oaiq("consent", false);`,
    );
    await tab.waitForFunction("dataLayer.hasOwnProperty('push')");
    await tab.evaluate(pushOrders("a"));
    await tab.evaluate("new Promise((go) => setTimeout(go, 2000))");
    assert.deepEqual(site.measured, []);
  });

  test("is measured when the page is left right after a push that the pixel does not see", async (t) => {
    const { site, tab } = await openPage(t, "window.dataLayer = [];");
    await tab.waitForFunction("dataLayer.hasOwnProperty('push')");
    await tab.evaluate(
      `dataLayer[0] = ${order("last")}; location.href = "/next";`,
    );
    await site.waitForOrders("last");
    assert.equal(site.deliveryCounts.last, 1);
  });

  test("is measured once where other tools replace the array and its push", async (t) => {
    const { site, tab } = await openPage(
      t,
      `window.dataLayer = [];
       const shorten = (push) => function (...entries) {
         const result = push.apply(this, entries);
         while (this.length > 2) this.shift();
         return result;
       };
       dataLayer.push = shorten(Array.prototype.push);
       ${pushOrders("a", "b")}`,
    );
    await site.waitForOrders("a", "b");
    await tab.evaluate(`dataLayer.push = shorten(dataLayer.push);
      ${pushOrders("c", "d", "e")}
      dataLayer = [...dataLayer];
      ${pushOrders("f", "a")}
      dataLayer = Object.freeze([...dataLayer, ${order("g")}]);`);
    await site.waitForOrders("c", "d", "e", "f", "g");
    await tab.evaluate("new Promise((go) => setTimeout(go, 1500))");
    assert.deepEqual(orderIds(site).sort(), [
      "a",
      "b",
      "c",
      "d",
      "e",
      "f",
      "g",
    ]);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("with 100,000 entries does not block the page", async (t) => {
    const { site, tab } = await openPage(
      t,
      `window.longest = 0;
       let last = performance.now();
       setInterval(() => {
         const now = performance.now();
         if (dataLayer.hasOwnProperty("push")) longest = Math.max(longest, now - last);
         last = now;
       }, 0);
       window.dataLayer = Array.from({ length: 100000 }, (_, i) => ({ event: "scroll", ecommerce: { items: [{ item_id: i }] } }));
       dataLayer.push(${order("last")});`,
    );
    await site.waitForOrders("last");
    const longest = await tab.evaluate("longest");
    assert.ok(longest < 250, `${longest} ms`);
  });

  test("that is hostile throws nothing into the page", async (t) => {
    const { site, tab } = await openPage(
      t,
      `const thrower = () => { throw new Error("hostile"); };
       const traps = { get: thrower, has: thrower, ownKeys: thrower, getOwnPropertyDescriptor: thrower };
       const cycle = { event: "view_item" }; cycle.ecommerce = cycle; cycle.items = [cycle];
       Object.prototype.event = "sign_up";
       Array.prototype.map = Array.prototype.filter = Array.prototype.forEach = Array.prototype[Symbol.iterator] = undefined;
       window.dataLayer = [null, "purchase", 7, NaN, thrower, [], {}, new Proxy({}, traps), cycle,
         { get event() { throw new Error("hostile"); } },
         { event: "purchase", ecommerce: new Proxy({}, traps), items: "none", value: NaN, currency: "$" },
         ${order("good")}];`,
    );
    await site.waitForOrders("good");
    assert.deepEqual(site.measured.map(({ type }) => type).sort(), [
      "contents_viewed",
      "order_created",
      "order_created",
    ]);
    assert.deepEqual(site.rejectedCalls, {});
    assert.deepEqual(tab.pageErrors, []);
  });

  test("is explained with debug", async (t) => {
    const { tab } = await openPage(
      t,
      `oaiq.config = { debug: true };
       window.dataLayer = [{ event: "view_cart" }, { event: "purchase", transaction_id: "jane@example.com", value: "1.299", currency: "EUR" }];`,
    );
    for (const pattern of [
      /the data layer dataLayer is followed/,
      /view_cart is not measured, because no event of the pixel belongs to it/,
      /purchase goes without its amount: value is "1\.299", which means different amounts/,
      /purchase goes without transaction_id, because it contains an email address/,
    ])
      await tab.waitForLog(pattern);
    assert.doesNotMatch(tab.oaiqLogs.join("\n"), /jane@/);
  });

  test("gives the events of the shop's journey that calls give, field by field", async (t) => {
    const collector = await startCollector(t);
    const { origin } = collector;
    /**
     * The measured events of a new visitor, in their order.
     *
     * @param {string} start path
     * @param {(page: import("playwright-core").Page) => Promise<unknown>} walk
     */
    const eventsOf = async (start, walk) => {
      const known = new Set(
        (await collector.entries()).map(({ event }) => event.id),
      );
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(origin + start);
      await walk(tab.page);
      /** @param {import("../support/collector.mjs").Entry[]} entries */
      const own = (entries) =>
        entries.filter(
          ({ event }) => !event.type.includes("::") && !known.has(event.id),
        );
      const entries = await collector.waitFor("the journey", (all) =>
        own(all).some(({ event }) => event.type === "registration_completed"),
      );
      assert.deepEqual(tab.pageErrors, []);
      return own(entries)
        .sort((one, other) => one.event.timestamp_ms - other.event.timestamp_ms)
        .map(({ event, verdict }) => ({
          ...event,
          // what differs between any two visits
          id: /^EB-[\dA-Z]{8}$/.test(event.id) ? "order number" : "random",
          timestamp_ms: undefined,
          source_url: undefined,
          referrer_url: undefined,
          verdict,
        }));
    };

    const byCalls = await eventsOf("/shop/", async (page) => {
      await page.click("#see-collection");
      await page.click(`main a[href="product.html?id=tide-mug"]`);
      await page.click(`[aria-label="One more"]`);
      await page.click("#add-to-cart");
      await page.click("#added a");
      await page.click("#to-checkout");
      await checkout(page);
      await page.click(`header nav a[href="contact.html"]`);
      await page.fill("#name", "Jane Doe");
      await page.fill("#email", "jane@example.com");
      await page.click("#send-request");
      await page.click(`header nav a[href="signup.html"]`);
      await page.fill("#email", "jane@example.com");
      await page.click("#sign-up");
      await page.waitForSelector("#signup-confirmation");
    });
    const byLayer = await eventsOf("/shop/data-layer.html", async (page) => {
      await page.waitForFunction("window.dataLayer?.hasOwnProperty('push')");
      for (const step of [
        "page-view",
        "view-item",
        "add-to-cart",
        "page-view",
        "begin-checkout",
        "purchase",
        "page-view",
        "generate-lead",
        "page-view",
        "sign-up",
      ]) {
        await page.click(`#${step}`);
        // the order of events within one millisecond is not known
        await page.waitForTimeout(5);
      }
    });
    assert.deepEqual(
      byCalls.map(({ type }) => type),
      [
        "page_viewed",
        "page_viewed",
        "contents_viewed",
        "items_added",
        "page_viewed",
        "checkout_started",
        "order_created",
        "page_viewed",
        "lead_created",
        "page_viewed",
        "registration_completed",
      ],
    );
    assert.deepEqual(byLayer, byCalls);
  });
});
