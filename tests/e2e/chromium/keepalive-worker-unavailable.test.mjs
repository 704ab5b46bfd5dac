// Tests when the keepalive worker is started, and that beacons deliver a page's last events where it cannot be.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  AUTOMATED,
  useBrowser,
  Visitor,
  waitUntil,
} from "../support/browser.mjs";
import { OUTBOX_KEYS, RECORDS } from "../support/outbox.mjs";
import {
  EMPTY,
  EVENTS_PATH,
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
  FAILURE,
  SUCCESS,
  LEAVE,
  WORKER_COUNTER,
  workerCount,
  waitForWorker,
  waitUntilIdle,
  transports,
  received,
  pageOpeners,
} from "../support/worker-pages.mjs";

/**
 * @typedef {import("../support/site.mjs").Site} Site
 * @typedef {import("../support/browser.mjs").Tab} Tab
 */

describe("starting the keepalive worker", { concurrency: 4 }, () => {
  const browser = useBrowser();
  const { openFirstPage, openIdlePage, openPageWithWorker } =
    pageOpeners(browser);

  /** @type {Record<string, [string, Record<string, string>]>} */
  const WITHOUT_CONSENT = {
    "consent is pending": [INIT.replace("}", `, consent: "pending" }`), {}],
    "a cookie denies": [INIT, { __oaiq_consent: "false" }],
  };
  for (const [when, [init, cookies]] of Object.entries(WITHOUT_CONSENT))
    test(`no worker is started where ${when}`, async (t) => {
      const set = Object.entries(cookies)
        .map(([name, value]) => `document.cookie = "${name}=${value}";`)
        .join("");
      const { site, visitor, tab } = await openFirstPage(t, {
        pages: {
          "/": html(
            inlineScript(set),
            WORKER_COUNTER,
            QUEUE_STUB,
            inlineScript(init + orderCall("order")),
            sdkTag(),
          ),
        },
      });
      await tab.waitForFunction("window.oaiq.loaded");
      await pause(1_500);
      assert.equal(await tab.evaluate("workers"), 0);
      assert.equal(await workerCount(site, visitor), 0);
      assert.deepEqual(await tab.evaluate("Object.keys(localStorage)"), []);
      await tab.goto(site.url("/empty", "localhost"));
      assert.deepEqual(await tab.evaluate("Object.keys(localStorage)"), []);
      assert.deepEqual(site.measured, []);
    });

  test("one worker is started once consent is granted", async (t) => {
    const { site, visitor, tab } = await openFirstPage(t, {
      pages: {
        "/": html(
          WORKER_COUNTER,
          QUEUE_STUB,
          inlineScript(INIT.replace("}", `, consent: "pending" }`)),
          sdkTag(),
        ),
      },
    });
    await tab.waitForFunction("window.oaiq.loaded");
    await pause(500);
    assert.equal(await tab.evaluate("workers"), 0);
    await tab.evaluate(`oaiq("consent", true)`);
    await waitForWorker(site, visitor);
    assert.equal(await tab.evaluate("workers"), 1);
  });

  test("a denial while the missing keepalive file is loading leaves nothing stored about it", async (t) => {
    const site = await startSite(t, { "/": PAGE });
    const file = "oaiq.keepalive.min.js";
    site.files.delete(file);
    site.holdResponses(file);
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"), "commit");
    await waitUntil("the request", () => tab.hasRequested(file));
    await tab.evaluate(`oaiq("consent", false)`);
    const failed = tab.page.waitForResponse((it) => it.url().endsWith(file));
    site.releaseResponses();
    assert.equal((await failed).status(), 404);
    await pause(500);
    assert.deepEqual(await tab.evaluate("Object.keys(localStorage)"), [
      "oaiq_consent",
    ]);
  });

  test("beacons are sent and the browser reports one violation for all pages where the policy forbids workers", async (t) => {
    const page = {
      html: PAGE,
      headers: {
        "content-security-policy":
          "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; img-src data:; worker-src 'self'",
      },
    };
    const { site, visitor, tab, next } = await openFirstPage(t, {
      pages: { "/": page, "/next": page },
    });
    await waitUntil("the violation", () =>
      tab.evaluate(`localStorage["oaiq_outbox.no_courier"]`),
    );
    assert.equal(tab.console.length, 1, JSON.stringify(tab.console));
    assert.match(tab.console[0].text, /worker-src/);
    await tab.evaluate(orderCall("first") + LEAVE);
    await tab.page.waitForURL("**/next");
    await site.waitForOrders("first");
    await waitUntil("the pixel", () => tab.evaluate("window.oaiq.loaded"));
    await pause(500);
    await tab.evaluate(orderCall("second") + `location.href = "/empty";`);
    await site.waitForOrders("second");
    assert.deepEqual(transports(site, tab, "first"), ["beacon"]);
    assert.deepEqual(transports(site, tab, "second"), ["beacon"]);
    const other = await visitor.openPage(next);
    await other.evaluate(orderCall("third"));
    await site.waitForOrders("third");
    assert.deepEqual([...tab.console.slice(1), ...other.console], []);
    assert.deepEqual([tab.pageErrors, other.pageErrors], [[], []]);
  });

  test("the browser reports a violation on one page at most where Trusted Types policies are forbidden", async (t) => {
    const page = {
      html: PAGE,
      headers: {
        "content-security-policy":
          "require-trusted-types-for 'script'; trusted-types 'none'",
      },
    };
    const { site, tab } = await openIdlePage(t, {
      pages: { "/": page, "/next": page },
    });
    await tab.evaluate(orderCall("first") + LEAVE);
    await tab.page.waitForURL("**/next");
    await site.waitForOrders("first");
    const violations = tab.console.length;
    assert.ok(violations <= 1, JSON.stringify(tab.console));
    await waitUntil("the pixel", () => tab.evaluate("window.oaiq.loaded"));
    await pause(500);
    await tab.evaluate(orderCall("second") + `location.href = "/empty";`);
    await site.waitForOrders("second");
    assert.equal(tab.console.length, violations, JSON.stringify(tab.console));
    assert.deepEqual(transports(site, tab, "first"), ["beacon"]);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("the worker is used without a violation where the pixel's Trusted Types policy is allowed", async (t) => {
    const page = {
      html: PAGE,
      headers: {
        "content-security-policy":
          "require-trusted-types-for 'script'; trusted-types oaiq",
      },
    };
    const { site, tab } = await openPageWithWorker(t, { pages: { "/": page } });
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    assert.deepEqual(transports(site, tab, "order"), ["worker"]);
    assert.deepEqual([tab.console, tab.pageErrors], [[], []]);
  });

  for (const { age, when, isStarted } of [
    { age: 1_000, when: "a second", isStarted: false },
    { age: 90_000_000, when: "more than a day", isStarted: true },
  ])
    test(`a worker is ${isStarted ? "started again" : "not started"} ${when} after it was forbidden`, async (t) => {
      const then = `localStorage["oaiq_outbox.no_courier"] = Date.now() - ${age};`;
      const { site, visitor, tab } = await openFirstPage(t, {
        pages: {
          "/": html(
            inlineScript(then),
            WORKER_COUNTER,
            QUEUE_STUB,
            inlineScript(INIT),
            sdkTag(),
          ),
        },
      });
      if (isStarted) return waitForWorker(site, visitor);
      await site.waitFor(
        "the page's own first event",
        () => site.events.length,
      );
      await pause(1_000);
      assert.equal(await tab.evaluate("workers"), 0);
    });

  test("no worker is started for a day after the page's own Blob has thrown", async (t) => {
    const broken = `window.Blob = function () { throw new Error("replaced by the page"); };`;
    const { tab } = await openFirstPage(t, {
      pages: {
        "/": html(
          inlineScript(broken),
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
        ),
      },
    });
    await waitUntil("the time of the failure", () =>
      tab.evaluate(`localStorage["oaiq_outbox.no_courier"]`),
    );
    assert.deepEqual([tab.console, tab.pageErrors], [[], []]);
  });

  test("beacons are sent without a console message on plain http", async (t) => {
    const { site, visitor, tab, next } = await openIdlePage(t, {
      host: "shop.example.test",
    });
    assert.equal(await workerCount(site, visitor), 0);
    await tab.evaluate(orderCall("order") + LEAVE);
    await tab.page.waitForURL(next);
    await site.waitForOrders("order");
    assert.deepEqual(transports(site, tab, "order"), ["beacon"]);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual([tab.console, tab.pageErrors], [[], []]);
  });

  test("a worker is started after ten pages that were left before theirs was ready", async (t) => {
    const { site, visitor, tab, next } = await openFirstPage(t, {
      pages: {
        "/": html(
          WORKER_COUNTER,
          QUEUE_STUB,
          inlineScript(
            INIT +
              orderCall("order") +
              `const timer = setInterval(() => {
                   if (!workers) return;
                   clearInterval(timer);
                   ${LEAVE}
                 }, 1);`,
          ),
          sdkTag(),
        ),
        "/next": EMPTY,
      },
    });
    for (let i = 0; i < 10; i += 1) {
      await tab.page.waitForURL("**/next");
      await tab.goto(site.url("/", "localhost"), "commit");
    }
    await tab.page.waitForURL("**/next");
    assert.equal(
      await tab.evaluate(`localStorage["oaiq_outbox.no_courier"]`),
      undefined,
    );
    site.pages["/next"] = PAGE;
    await tab.goto(next);
    await waitForWorker(site, visitor);
  });
});

describe("events without a keepalive worker", { concurrency: 4 }, () => {
  const browser = useBrowser();
  const { openFirstPage, openIdlePage, openPageWithWorker } =
    pageOpeners(browser);

  const HELPERS = `
      const fail = function () { throw new Error("replaced by the page"); };
      const define = (of, name, value) => Object.defineProperty(of, name, { configurable: true, writable: true, value });`;
  const BROKEN_APIS = {
    "SharedWorker throws": `define(window, "SharedWorker", fail);`,
    "SharedWorker is undefined": `define(window, "SharedWorker", undefined);`,
    "a SharedWorker's port has no methods": `
        define(window, "SharedWorker", class { constructor(_, options) { options?.extendedLifetime; this.port = {}; } });`,
    "a SharedWorker has no port": `
        define(window, "SharedWorker", class { constructor(_, options) { options?.extendedLifetime; } });`,
    "SharedWorker ignores its options": `
        define(window, "SharedWorker", class { port = { postMessage() {} }; });`,
    "createObjectURL throws": `define(URL, "createObjectURL", fail);`,
    "Blob throws": `define(window, "Blob", fail);`,
    "Blob is another class": `define(window, "Blob", class {});`,
    "Blob is undefined": `define(window, "Blob", undefined);`,
    "caches throws": `Object.defineProperty(window, "caches", { configurable: true, get: fail });`,
    "caches is undefined": `define(window, "caches", undefined);`,
    "postMessage throws": `define(MessagePort.prototype, "postMessage", fail);`,
  };
  /**
   * Leaves the page with an order, which is delivered once, by that page or the next, and not stored any longer.
   *
   * @param {Site} site
   * @param {Tab} tab
   * @param {string} next
   */
  const leaveWithOrder = async (site, tab, next) => {
    // in one evaluation: on a busy machine much time may pass between two
    await tab.evaluate(orderCall("order") + LEAVE);
    await tab.page.waitForURL(next);
    await site.waitForOrders("order");
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  };

  for (const [what, text] of Object.entries(BROKEN_APIS))
    test(`the order is delivered once by beacon where ${what}`, async (t) => {
      const { site, tab, next } = await openIdlePage(t, {
        pages: { "/": pageAfter(`(() => { ${HELPERS} ${text} })();`) },
      });
      await leaveWithOrder(site, tab, next);
      assert.deepEqual(transports(site, tab, "order"), ["beacon"]);
      assert.deepEqual([tab.console, tab.pageErrors], [[], []]);
    });

  // the next page settles unconfirmed beacons at its first response
  const HOSTS = {
    "with a worker": "localhost",
    "on plain http": "shop.example.test",
  };
  for (const [where, host] of Object.entries(HOSTS)) {
    /**
     * Leaves the landing page with an order, whose beacon fails and everything after it.
     *
     * @param {import("node:test").TestContext} t
     */
    const leaveByFailingBeacon = async (t, next = PAGE) => {
      let response = SUCCESS;
      /** @type {Site["respond"]} */
      const respond = ({ events }) => {
        if (events.some(({ id }) => id === "order")) response = FAILURE;
        return response;
      };
      const { site, tab } = await openFirstPage(t, {
        host,
        respond,
        pages: {
          "/": html(
            QUEUE_STUB,
            inlineScript(INIT),
            sdkTag(),
            leaveAfterResponse(),
          ),
          "/next": next,
        },
      });
      await tab.page.waitForURL("**/next");
      await site.waitFor("the attempt", () => received(site, "order").length);
      assert.equal(transports(site, tab, "order")[0], "beacon");
      return { site, tab };
    };

    test(`an order whose beacon failed unnoticed is delivered once, ${where}`, async (t) => {
      const { site, tab } = await leaveByFailingBeacon(t);
      await site.waitForPixels(2);
      // browsers retry failed requests themselves, so the page learns of the failure late
      await tab.waitForFunction(
        `${RECORDS}.includes("order") && !${RECORDS}.startsWith("?")`,
      );
      site.respond = () => SUCCESS;
      await site.waitForOrders("order");
      await tab.waitForFunction(`!${RECORDS}`);
      assert.deepEqual(transports(site, tab, "order").at(-1), "page");
      assert.deepEqual(site.deliveryCounts, { order: 1 });
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`a denial leaves nothing behind after an order's beacon failed unnoticed, ${where}`, async (t) => {
      const { site, tab } = await leaveByFailingBeacon(t, DENIAL_PAGE);
      await tab.waitForFunction(`!${RECORDS}`);
      site.respond = () => SUCCESS;
      await pause(2_000);
      assert.deepEqual(site.deliveryCounts, {});
      assert.deepEqual(await tab.evaluate(OUTBOX_KEYS), []);
    });
  }

  for (const [what, result] of Object.entries({
    nothing: "undefined",
    "a string": `"false"`,
    "an object": `{ then: 7, valueOf() { throw new Error("replaced by the page"); } }`,
    "a promise": `Promise.resolve("false")`,
  }))
    test(`the next page delivers the order once where postMessage only returns ${what}`, async (t) => {
      const { site, visitor, tab, next } = await openPageWithWorker(t, {
        pages: {
          "/": pageAfter(`window.messages = 0;
            MessagePort.prototype.postMessage = () => { sessionStorage.messages = (messages += 1); return ${result}; };`),
        },
      });
      await leaveWithOrder(site, tab, next);
      assert.ok(await tab.evaluate("sessionStorage.messages > 0"));
      assert.deepEqual([tab.oaiqLogs, tab.pageErrors], [[], []]);
      assert.equal((await visitor.cookies()).__oaiq_consent, undefined);
    });
});

describe("an automated browser", { concurrency: 4 }, () => {
  const browser = useBrowser(AUTOMATED);

  test("starts no worker, so that a site's own tests see every request", async (t) => {
    const site = await startSite(t, { "/": PAGE, "/b": PAGE, "/c": EMPTY });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    assert.equal(await tab.evaluate("navigator.webdriver"), true);
    /** @type {string[]} */
    const bodies = [];
    await tab.page.route(`**${EVENTS_PATH}*`, (route) => {
      bodies.push(route.request().postData() ?? "");
      return route.fulfill({ status: 202 });
    });
    await tab.goto(site.url("/b", "localhost"));
    await waitUntilIdle(tab).catch(() => {});
    assert.equal(await workerCount(site, visitor), 0);
    await tab.evaluate(orderCall("order") + `location.href = "/c";`);
    await tab.page.waitForURL("**/c");
    const orders = () => bodies.filter((body) => body.includes('"order"'));
    await waitUntil("the order", () => orders().length);
    await pause(1_000);
    assert.equal(orders().length, 1);
    assert.equal(site.deliveryCounts.order, undefined);
  });
});

describe("a visitor who denies consent", () => {
  const browser = useBrowser();

  test("gets no worker", async (t) => {
    const site = await startSite(t, {
      "/": html(WORKER_COUNTER, QUEUE_STUB, inlineScript(INIT), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage("about:blank");
    await tab.page.addInitScript(() => {
      // the visitor denies as soon as the pixel, with consent, reads the outbox
      const { getItem } = Storage.prototype;
      Storage.prototype.getItem = function (key) {
        if (key === "oaiq_outbox.damaged")
          queueMicrotask(() =>
            /** @type {any} */ (window).oaiq("consent", false),
          );
        return getItem.call(this, key);
      };
    });
    await tab.goto(site.url("/", "localhost"));
    await tab.waitForFunction(`document.cookie.includes("q_consent=false")`);
    await pause(1_500);
    assert.equal(await tab.evaluate("workers"), 0);
  });
});
