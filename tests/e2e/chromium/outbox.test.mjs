// Tests that the next page sends what a page could not. tests/soak measures how many events survive which failure.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ENABLE_BFCACHE, useBrowser, Visitor } from "../support/browser.mjs";
import {
  openEmptyPage,
  OUTBOX_KEYS,
  OUTBOX_PREFIX,
  RECORDS,
} from "../support/outbox.mjs";
import {
  BFCACHE_PROBE,
  html,
  INIT,
  inlineScript,
  orderCall,
  PAGE,
  QUEUE_STUB,
  sdkTag,
  startSite,
} from "../support/site.mjs";

/**
 * A record with an order, as a crashed page leaves it.
 *
 * @param {string} id
 */
const recordWith = (id, age = 60_000) =>
  JSON.stringify({
    pixel: "TEST-PIXEL",
    events: [
      {
        type: "order_created",
        timestamp_ms: Date.now() - age,
        id,
        source_url: "https://shop.example.test/earlier",
        data: { type: "contents", amount: 2599, currency: "EUR" },
      },
    ],
  });

describe("the outbox", { concurrency: 4 }, () => {
  const browser = useBrowser();

  for (const host of ["localhost", "shop.example.test"])
    test(`one of ten tabs on ${host} sends a record, once`, async (t) => {
      const { site, visitor, tab, putRecord, next } = await openEmptyPage(
        t,
        browser,
        {},
        host,
      );
      await putRecord(recordWith("left"));
      await Promise.all(
        Array.from({ length: 10 }, () => visitor.openPage(next)),
      );
      await site.waitForOrders("left");
      const event = site.measuredEvent("left");
      assert.equal(event.source_url, "https://shop.example.test/earlier");
      await site.waitForPixels(10);
      assert.deepEqual(site.deliveryCounts, { left: 1 });
      await tab.waitForFunction(`!${RECORDS}`);
    });

  test("later tabs do not recover a record that another tab is sending, without Web Locks", async (t) => {
    const host = "shop.example.test";
    const { site, visitor, tab, putRecord, next } = await openEmptyPage(
      t,
      browser,
      {},
      host,
    );
    await putRecord(recordWith("left"));
    site.holdResponses();
    await visitor.openPage(next);
    await site.waitForOrders("left");
    await Promise.all(Array.from({ length: 3 }, () => visitor.openPage(next)));
    await site.waitForPixels(4);
    site.releaseResponses();
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(site.deliveryCounts, { left: 1 });
  });

  test("the leases of two records are each renewed every 4 s, without Web Locks", async (t) => {
    const { site, tab } = await openEmptyPage(
      t,
      browser,
      {
        "/two": html(
          QUEUE_STUB,
          inlineScript(`
            const { setItem } = Storage.prototype;
            window.writes = 0;
            Storage.prototype.setItem = function (key, text) {
              if (key.startsWith("${OUTBOX_PREFIX}")) writes += 1;
              return setItem.call(this, key, text);
            };
            ${INIT} oaiq("init", { pixelId: "SECOND-PIXEL" }); ${orderCall("stored")}`),
          sdkTag(),
        ),
      },
      "shop.example.test",
    );
    site.respond = () => ({ status: 500 });
    await tab.goto(site.url("/two", "shop.example.test"));
    await tab.waitForFunction(`performance.now() > 20000`);
    const writes = await tab.evaluate(`writes`);
    // each record: once when the event is measured, twice when it is rejected, and five times since
    assert.ok(writes >= 8 && writes <= 24, `${writes} writes`);
    const records = await tab.evaluate(
      `Object.keys(localStorage).filter((key) => key.startsWith("${OUTBOX_PREFIX}")).length`,
    );
    assert.equal(records, 2);
  });

  test("a tab does not recover another tab's request in flight", async (t) => {
    const { site, visitor, tab, next } = await openEmptyPage(t, browser, {
      "/other": PAGE,
    });
    await tab.goto(next);
    site.holdResponses();
    await tab.evaluate(orderCall("in flight"));
    await site.waitForOrders("in flight");
    const other = await visitor.openPage(site.url("/other", "localhost"));
    await other.evaluate(orderCall("other"));
    await site.waitForOrders("other");
    site.releaseResponses();
    await tab.waitForFunction(`!${RECORDS}`);
    // on a busy machine the first tab may have aborted its first request
    const senders = (/** @type {string} */ id) =>
      site.requests
        .filter(({ text }) => text.includes(id))
        .map(({ headers }) => new URL(String(headers.referer)).pathname);
    assert.deepEqual([...new Set(senders("in flight"))], ["/next"]);
    assert.deepEqual([...new Set(senders('"other"'))], ["/other"]);
  });

  test("a corrupt record is set aside, and the page's own events are sent", async (t) => {
    const { site, tab, putRecord, next } = await openEmptyPage(t, browser);
    await putRecord('{"pixel":"TEST-PIXEL","events":[{"type":');
    await tab.goto(next);
    await tab.evaluate(`oaiq("init", { debug: true }); ${orderCall("own")}`);
    await site.waitForOrders("own");
    // the site has a request before its page has the response
    await tab.waitForFunction(`!${RECORDS}`);
    assert.match(
      await tab.evaluate(`localStorage["oaiq_outbox.damaged"]`),
      /^\d{13} \{"pixel/,
    );
    assert.deepEqual(tab.pageErrors, []);
  });

  test("a record is resent where the browser refuses caches", async (t) => {
    const { site, tab, putRecord, next } = await openEmptyPage(t, browser);
    await putRecord(recordWith("left", 0));
    await tab.page.addInitScript(() => {
      const has = () => Promise.reject(new DOMException("no", "SecurityError"));
      Object.defineProperty(window, "caches", { value: { has } });
    });
    await tab.goto(next);
    await site.waitForOrders("left");
    assert.deepEqual(tab.pageErrors, []);
  });

  /** Whether the record set aside is deleted. */
  const IS_GONE = `!("oaiq_outbox.damaged" in localStorage)`;
  for (const { when, days, isStored } of [
    { when: "less than seven days", days: 6.9, isStored: true },
    { when: "more than seven days", days: 7.1, isStored: false },
  ])
    test(`a record that was set aside ${when} ago ${isStored ? "stays" : "is deleted"}`, async (t) => {
      const { site, tab, next } = await openEmptyPage(t, browser);
      await tab.evaluate(
        `localStorage["oaiq_outbox.damaged"] = (Date.now() - ${days * 86_400_000}) + " {"`,
      );
      await tab.goto(next);
      if (isStored) {
        await site.waitForPixels(1);
        await pause(1_000);
        assert.equal(await tab.evaluate(IS_GONE), false);
      } else await tab.waitForFunction(IS_GONE);
    });

  test("a record that an older version set aside without a time is deleted", async (t) => {
    const { tab, next } = await openEmptyPage(t, browser);
    await tab.evaluate(`localStorage["oaiq_outbox.damaged"] = "{"`);
    await tab.goto(next);
    await tab.waitForFunction(IS_GONE);
  });

  test("a denial deletes the record set aside and the worker's last failure", async (t) => {
    const { tab, next } = await openEmptyPage(t, browser);
    await tab.goto(next);
    await tab.evaluate(
      `localStorage["oaiq_outbox.damaged"] = Date.now() + " {"; localStorage["oaiq_outbox.no_courier"] = Date.now(); oaiq("consent", false)`,
    );
    assert.deepEqual(await tab.evaluate(OUTBOX_KEYS), []);
  });

  const BROKEN_STORAGE = {
    "is full": `localStorage.setItem("full", "x".repeat(5 * 1024 * 1024 - 10))`,
    "throws on access": `Object.defineProperty(window, "localStorage", { get() { throw new Error("no"); } })`,
    "is cleared continuously by the page": `setInterval(() => localStorage.clear(), 5)`,
  };
  for (const [what, code] of Object.entries(BROKEN_STORAGE))
    test(`events are sent where localStorage ${what}`, async (t) => {
      const { site, tab } = await openEmptyPage(t, browser, {
        "/full": html(
          inlineScript(code),
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
        ),
      });
      await tab.goto(site.url("/full", "localhost"));
      await tab.evaluate(orderCall("a"));
      await tab.evaluate(orderCall("b"));
      await site.waitForOrders("a", "b");
      assert.deepEqual(site.deliveryCounts, { a: 1, b: 1 });
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

  test("debug logs that localStorage is full", async (t) => {
    const { site, tab } = await openEmptyPage(t, browser, {
      "/full": html(
        inlineScript(BROKEN_STORAGE["is full"]),
        QUEUE_STUB,
        inlineScript(INIT.replace("}", ", debug: true }")),
        sdkTag(),
      ),
    });
    await tab.goto(site.url("/full", "localhost"));
    await tab.evaluate(orderCall("a"));
    await tab.evaluate(orderCall("b"));
    await site.waitForOrders("a", "b");
    await tab.evaluate(orderCall("c"));
    await tab.waitForLog(/localStorage is full or blocked/);
  });

  test("an order that the endpoint rejects is counted, and the others of its batch are delivered", async (t) => {
    const { site, tab, next } = await openEmptyPage(t, browser);
    site.respond = ({ events }) => ({
      status: events.some(({ id }) => id === "order-13") ? 422 : 202,
    });
    await tab.goto(next);
    const ids = Array.from({ length: 40 }, (_, i) => `order-${i}`);
    await tab.evaluate(ids.map(orderCall).join("\n"));
    const valid = ids.filter((id) => id !== "order-13");
    await site.waitForOrders(...valid);
    await site.waitFor(
      "the diagnostic",
      () => site.rejectedCalls.refused_by_endpoint === 1,
    );
    assert.deepEqual(
      site.deliveryCounts,
      Object.fromEntries(valid.map((id) => [id, 1])),
    );
    await tab.waitForFunction(`!${RECORDS}`);
  });

  test("Retry-After delays the next request", async (t) => {
    const { site, tab, next } = await openEmptyPage(t, browser);
    await tab.goto(next);
    let attempts = 0;
    site.respond = ({ events }) => {
      if (!events.some(({ id }) => id === "order")) return { status: 202 };
      attempts += 1;
      return attempts === 1
        ? { status: 429, headers: { "retry-after": "7" } }
        : { status: 202 };
    };
    await tab.evaluate(orderCall("order"));
    await site.waitForOrders("order");
    const [first = 0, second = 0] = site.requests
      .filter(({ body }) => body.events.some(({ id }) => id === "order"))
      .map(({ query }) => Number(query.t));
    assert.ok(second - first >= 7000, `${second - first} ms`);
  });

  test("events measured before a page is frozen are sent at once", async (t) => {
    const { site, tab, next } = await openEmptyPage(t, browser);
    await tab.goto(next);
    await tab.evaluate(orderCall("order"));
    const devtools = await tab.page.context().newCDPSession(tab.page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await site.waitForOrders("order");
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    assert.equal(site.deliveryCounts.order, 1);
  });
});

describe("a page in the back/forward cache", () => {
  const browser = useBrowser(ENABLE_BFCACHE);

  /**
   * Measures an order, leaves the page and goes back to it.
   *
   * @param {import("node:test").TestContext} t
   * @param {(site: import("../support/site.mjs").Site, tab: import("../support/browser.mjs").Tab) => Promise<unknown>} beforeLeaving
   */
  const leaveAndComeBack = async (t, beforeLeaving) => {
    const site = await startSite(t, {
      "/": html(BFCACHE_PROBE, QUEUE_STUB, inlineScript(INIT), sdkTag()),
      "/next": PAGE,
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    await tab.evaluate(orderCall("before"));
    await beforeLeaving(site, tab);
    await tab.goto(site.url("/next", "localhost"));
    await site.waitFor("the next page", () => site.configRequests.length > 1);
    await tab.restoreFromBfcache(site.url("/", "localhost"));
    return { site, tab };
  };

  test("continues to measure when the visitor comes back", async (t) => {
    const { site, tab } = await leaveAndComeBack(t, (site, tab) =>
      site.waitForResponses(tab, "before"),
    );
    assert.equal(await tab.evaluate("isRestored"), true);
    await tab.evaluate(orderCall("after"));
    await site.waitForOrders("before", "after");
    assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
  });

  test("sends events whose requests failed before", async (t) => {
    const { site, tab } = await leaveAndComeBack(t, async (site, tab) => {
      site.respond = () => ({ status: 503 });
      await site.waitForResponses(tab, "before");
    });
    site.respond = () => ({ status: 202 });
    await tab.evaluate(orderCall("after"));
    await site.waitForOrders("before", "after");
    assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
  });
});

describe("prerendered pages", () => {
  const browser = useBrowser();

  // an automated browser prerenders no page, so the page simulates the state
  test("measure nothing until they are shown", async (t) => {
    const site = await startSite(t, {
      "/": html(
        inlineScript(
          `Object.defineProperty(document, "prerendering", { configurable: true, value: true });`,
        ),
        QUEUE_STUB,
        inlineScript(INIT + orderCall("seen")),
        sdkTag(),
      ),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    // longer than a batch is delayed
    await tab.page.waitForTimeout(2_500);
    assert.deepEqual([site.requests, site.configRequests], [[], []]);
    assert.deepEqual(await visitor.cookies(), {});
    await tab.evaluate(
      `delete document.prerendering; document.dispatchEvent(new Event("prerenderingchange"));`,
    );
    await site.waitForOrders("seen");
    assert.deepEqual(site.deliveryCounts, { seen: 1 });
  });
});
