// Tests that the keepalive worker, which outlives the page and learns what is delivered, sends a page's last events.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ENABLE_BFCACHE, useBrowser, Visitor } from "../support/browser.mjs";
import { RECORDS } from "../support/outbox.mjs";
import {
  BFCACHE_PROBE,
  EMPTY,
  html,
  INIT,
  inlineScript,
  orderCall,
  PAGE,
  QUEUE_STUB,
  sdkTag,
  startSite,
} from "../support/site.mjs";
import {
  pageAfter,
  DENIAL_PAGE,
  leaveAfterResponse,
  LEASE_MS,
  LEFTOVERS,
  FAILURE,
  SUCCESS,
  LEAVE,
  WORKER_COUNTER,
  waitForWorker,
  waitUntilIdle,
  waitUntilNothingIsLeft,
  transports,
  received,
  pageOpeners,
} from "../support/worker-pages.mjs";

/**
 * @typedef {import("../support/browser.mjs").Tab} Tab
 */

describe("the keepalive worker", { concurrency: 4 }, () => {
  const browser = useBrowser();
  const { openFirstPage, openPageWithWorker } = pageOpeners(browser);

  /** @typedef {Awaited<ReturnType<typeof openFirstPage>>} Opened */
  /** @type {Record<string, (opened: Opened) => Promise<Tab>>} */
  const NAVIGATIONS = {
    "by a link": async ({ tab }) => {
      await tab.evaluate(orderCall("order") + LEAVE);
      await tab.page.waitForURL("**/next");
      return tab;
    },
    "by closing the tab": async ({ tab, visitor, next }) => {
      await tab.evaluate(orderCall("order"));
      await tab.page.close({ runBeforeUnload: true });
      return visitor.openPage(next);
    },
  };
  /** @type {Record<string, (t: import("node:test").TestContext) => Promise<Opened>>} */
  const NETWORKS = {
    "has never been up": async (t) => {
      const opened = await openFirstPage(t, { response: FAILURE });
      await waitForWorker(opened.site, opened.visitor);
      return opened;
    },
    "goes down": async (t) => {
      const opened = await openPageWithWorker(t);
      opened.site.respond = () => FAILURE;
      return opened;
    },
  };
  for (const [network, open] of Object.entries(NETWORKS))
    for (const [how, leave] of Object.entries(NAVIGATIONS))
      test(`the next page delivers an order once when the network ${network} and the page is left ${how}`, async (t) => {
        const opened = await open(t);
        const { site } = opened;
        const from = Date.now();
        const tab = await leave(opened);
        const to = Date.now();
        await site.waitFor("the attempt", () => received(site, "order").length);
        // browsers retry failed requests themselves
        await pause(500);
        site.respond = () => SUCCESS;
        await site.waitForOrders("order");
        await tab.waitForFunction(`!${RECORDS}`);
        const [first, ...repeats] = received(site, "order");
        assert.ok(first);
        assert.equal(first.source_url, site.url("/", "localhost"));
        assert.ok(first.timestamp_ms >= from && first.timestamp_ms <= to);
        for (const event of repeats) assert.deepEqual(event, first);
        assert.deepEqual(site.deliveryCounts, { order: 1 });
        assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
        assert.deepEqual(tab.pageErrors, []);
      });

  test("a page's last order is delivered at once and once, and nothing is left behind", async (t) => {
    const { site, visitor, tab } = await openPageWithWorker(t);
    const from = Date.now();
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    const ms = Date.now() - from;
    assert.ok(ms < LEASE_MS / 2, `${ms} ms`);
    await tab.page.waitForURL("**/next");
    assert.deepEqual(transports(site, tab, "order"), ["worker"]);
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
    // a later page has nothing to send either
    const other = await visitor.openPage(site.url("/", "localhost"));
    await other.evaluate(orderCall("other"));
    await site.waitForOrders("other");
    assert.deepEqual(site.deliveryCounts, { order: 1, other: 1 });
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.console, []);
  });

  test("an order is delivered without another page when the tab is closed right after the call", async (t) => {
    const { site, tab } = await openFirstPage(t);
    await tab.waitForFunction("window.oaiq.loaded");
    await pause(300);
    await tab.evaluate(orderCall("order"));
    await tab.page.close({ runBeforeUnload: true });
    await site.waitForOrders("order");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  });

  test("a page's last 400 orders are delivered once without another page", async (t) => {
    const ids = Array.from({ length: 400 }, (_, i) => `order-${i}`);
    const orders = ids.map(orderCall).join("\n");
    const { site, tab } = await openPageWithWorker(t, {
      pages: {
        "/": html(
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
          inlineScript(`addEventListener("pagehide", () => { ${orders} });`),
        ),
      },
    });
    await tab.goto(site.url("/empty", "localhost"));
    await site.waitForOrders(...ids);
    assert.deepEqual(
      site.deliveryCounts,
      Object.fromEntries(ids.map((id) => [id, 1])),
    );
    for (const { text } of site.requests)
      assert.ok(text.length <= 60_000, `${text.length} bytes`);
  });

  test("the landing page sends a beacon within a second after a response", async (t) => {
    const { site, visitor, tab } = await openFirstPage(t, {
      pages: {
        "/": html(
          WORKER_COUNTER,
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
          leaveAfterResponse("workers"),
        ),
      },
      // on a busy machine the first response may precede the worker
      isHeld: true,
    });
    await waitForWorker(site, visitor);
    site.releaseResponses();
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    assert.deepEqual(transports(site, tab, "order"), ["beacon"]);
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  });

  test("an order of a later page is delivered once when the network fails just after a response", async (t) => {
    const { site, tab } = await openPageWithWorker(t, {
      pages: {
        "/later": html(
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
          leaveAfterResponse(),
        ),
      },
    });
    let isDown = true;
    site.respond = ({ events }) =>
      isDown && events.some(({ id }) => id === "order") ? FAILURE : SUCCESS;
    await tab.evaluate(`location.href = "/later";`);
    await tab.page.waitForURL("**/next");
    await site.waitFor("the attempt", () => received(site, "order").length);
    // browsers retry failed requests themselves
    await pause(500);
    isDown = false;
    await site.waitForOrders("order");
    await tab.waitForFunction(`!${RECORDS}`);
    assert.equal(transports(site, tab, "order")[0], "worker");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("a request in flight is aborted on page hide, and its order is delivered once by the worker", async (t) => {
    const { site, tab } = await openPageWithWorker(t);
    site.respond = () => ({ hang: true });
    await tab.evaluate(orderCall("order"));
    await site.waitFor("the attempt", () => received(site, "order").length);
    site.respond = () => SUCCESS;
    await tab.evaluate(LEAVE);
    await site.waitForOrders("order");
    const request = site.requestWith("order");
    await site.waitFor("the abort", () => request.aborted);
    await tab.page.waitForURL("**/next");
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(transports(site, tab, "order"), ["page", "worker"]);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("nothing is sent twice when a page is left while it looks for the worker's receipt", async (t) => {
    const { site, tab, next } = await openPageWithWorker(t, {
      pages: {
        "/next": pageAfter(`for (const name of ["has", "delete"]) {
          const own = CacheStorage.prototype[name];
          CacheStorage.prototype[name] = function (...args) {
            own.apply(this, args);
            window.hasLookedUp = true;
            return new Promise(() => {});
          };
        }`),
      },
    });
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    await tab.waitForFunction("window.hasLookedUp");
    await pause(500);
    site.pages["/next"] = PAGE;
    await tab.goto(next);
    await tab.waitForFunction(`!${RECORDS}`);
    await pause(1_500);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
  });

  test("the next page delivers once what the worker could not in a browser without Web Locks", async (t) => {
    const page = pageAfter(
      `Object.defineProperty(navigator, "locks", { value: undefined });`,
    );
    const { site, tab } = await openPageWithWorker(t, {
      pages: { "/": page, "/next": page },
    });
    site.respond = () => FAILURE;
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitFor("the attempt", () => received(site, "order").length);
    await pause(500);
    site.respond = () => SUCCESS;
    await site.waitForOrders("order");
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
  });

  for (const [network, response] of Object.entries({
    up: SUCCESS,
    down: FAILURE,
  }))
    test(`an order is delivered once when its page is hidden and shown again while the network is ${network}`, async (t) => {
      const { site, tab } = await openPageWithWorker(t);
      site.respond = () => response;
      await tab.evaluate(`
        ${orderCall("order")}
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));`);
      await site.waitFor("the attempt", () => received(site, "order").length);
      // browsers retry failed requests themselves
      await pause(500);
      site.respond = () => SUCCESS;
      await tab.evaluate(
        `delete document.visibilityState; ${orderCall("later")} document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));`,
      );
      await site.waitForOrders("order", "later");
      await tab.waitForFunction(`!${RECORDS}`);
      assert.deepEqual(site.deliveryCounts, { order: 1, later: 1 });
      assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
      assert.deepEqual(tab.pageErrors, []);
    });

  test("five tabs deliver all orders once after five others were left while the network was down", async (t) => {
    const { site, visitor, tab, next } = await openPageWithWorker(t);
    const url = site.url("/", "localhost");
    const tabs = [tab];
    while (tabs.length < 5) tabs.push(await visitor.openPage(url));
    await site.waitForPixels(tabs.length);
    // each tab connects to the worker once this file has run
    await Promise.all(
      tabs.map((one) =>
        one.waitForFunction(
          `performance.getEntriesByType("resource").some((it) => it.name.includes("oaiq.keepalive") && it.responseEnd > 0)`,
        ),
      ),
    );
    await Promise.all(tabs.map(waitUntilIdle));
    site.respond = () => FAILURE;
    const ids = tabs.map((_, i) => `order-${i}`);
    await Promise.all(
      tabs.map((one, i) => one.evaluate(orderCall(ids[i]) + LEAVE)),
    );
    await site.waitFor("the attempts", () =>
      ids.every((id) => received(site, id).length),
    );
    await pause(500);
    site.respond = () => SUCCESS;
    await Promise.all(tabs.map((one) => one.page.waitForURL("**/next")));
    await Promise.all(tabs.map((one) => one.goto(next)));
    await site.waitForOrders(...ids);
    // another tab may still be deleting a receipt
    await waitUntilNothingIsLeft(tab);
    assert.deepEqual(
      site.deliveryCounts,
      Object.fromEntries(ids.map((id) => [id, 1])),
    );
  });

  test("the next page sends the order again after a response of 500", async (t) => {
    const { site, tab } = await openPageWithWorker(t);
    site.respond = () => ({ status: 500 });
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitFor("the response", () => received(site, "order").length);
    site.respond = () => SUCCESS;
    await site.waitForOrders("order");
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(transports(site, tab, "order"), ["worker", "page"]);
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
  });

  test("one invalid order is counted and the others are delivered once when the endpoint rejects their batch", async (t) => {
    const { site, tab } = await openPageWithWorker(t);
    site.respond = ({ events }) => ({
      status: events.some(({ id }) => id === "bad") ? 400 : 202,
    });
    const ids = ["a", "b", "bad", "c", "d"];
    await tab.evaluate(ids.map(orderCall).join("") + LEAVE);
    await site.waitForOrders("a", "b", "c", "d");
    await site.waitFor(
      "the diagnostic",
      () => site.rejectedCalls.refused_by_endpoint === 1,
    );
    assert.deepEqual(site.deliveryCounts, { a: 1, b: 1, c: 1, d: 1 });
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
  });

  test("records and requests have no query or fragment, and records have no user data", async (t) => {
    const user = INIT.replace(
      "}",
      `, user: { email_sha256: "jane@example.com" } }`,
    );
    const { site, tab } = await openPageWithWorker(t, {
      pages: { "/": html(QUEUE_STUB, inlineScript(user), sdkTag()) },
      path: "/?mail=jane@example.com&secret=42#top",
    });
    site.respond = () => FAILURE;
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitFor("the attempt", () => received(site, "order").length);
    await tab.page.waitForURL("**/next");
    const records = await tab.evaluate(RECORDS);
    assert.match(records, /"order"/);
    const { headers, text, body } = site.requestWith("order");
    // so it could have been in the record
    const { em } = body.user.in;
    assert.doesNotMatch(records, /user|email|jane|secret|\?|#/);
    assert.ok(!records.includes(em), records);
    assert.doesNotMatch(text, /jane|secret|\?|#/);
    assert.equal(headers.referer, site.url("/", "localhost"));
  });

  for (const [when, response] of Object.entries({
    "was not delivered": FAILURE,
    "was delivered": SUCCESS,
  }))
    test(`a denial on the next page leaves nothing behind after the order ${when}`, async (t) => {
      const { site, tab } = await openPageWithWorker(t, {
        pages: { "/next": DENIAL_PAGE },
      });
      site.respond = () => response;
      await tab.evaluate(orderCall("order") + LEAVE);
      await site.waitFor("the attempt", () => received(site, "order").length);
      await tab.page.waitForURL("**/next");
      await tab.waitForFunction(`!${RECORDS}`);
      const before = received(site, "order").length;
      site.respond = () => SUCCESS;
      await pause(LEASE_MS + 2_000);
      assert.equal(received(site, "order").length, before);
      assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
    });

  test("a denial while the worker's request is in flight leaves nothing behind after one more page", async (t) => {
    const { site, tab, next } = await openPageWithWorker(t, {
      pages: { "/next": DENIAL_PAGE },
    });
    site.holdResponses();
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    await tab.waitForFunction(`!${RECORDS}`);
    site.releaseResponses();
    await tab.waitForFunction("caches.keys().then(({ length }) => length)");
    await tab.goto(next);
    await waitUntilNothingIsLeft(tab);
    await pause(1_000);
    assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  });
});

describe(
  "a page with a worker in the back/forward cache",
  { concurrency: 4 },
  () => {
    const browser = useBrowser(ENABLE_BFCACHE);

    for (const [network, response] of Object.entries({
      up: SUCCESS,
      down: FAILURE,
    }))
      test(`delivers once what it measured before and after, with the network ${network} in between`, async (t) => {
        const site = await startSite(t, {
          "/": html(BFCACHE_PROBE, QUEUE_STUB, inlineScript(INIT), sdkTag()),
          "/next": EMPTY,
        });
        const visitor = await Visitor.create(t, browser);
        const tab = await visitor.openPage(site.url("/", "localhost"));
        await waitForWorker(site, visitor);
        site.respond = () => response;
        // in one evaluation: a request in flight would be aborted and sent again
        await tab.evaluate(orderCall("before") + LEAVE);
        await tab.page.waitForURL("**/next");
        await site.waitFor(
          "the attempt",
          () => received(site, "before").length,
        );
        await pause(500);
        site.respond = () => SUCCESS;
        await tab.restoreFromBfcache(site.url("/", "localhost"));
        assert.equal(await tab.evaluate("isRestored"), true);
        await tab.evaluate(orderCall("after"));
        await site.waitForOrders("before", "after");
        await tab.waitForFunction(`!${RECORDS}`);
        assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
        assert.deepEqual(await tab.evaluate(LEFTOVERS), []);
        assert.deepEqual(tab.pageErrors, []);
      });
  },
);
