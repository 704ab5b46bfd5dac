// Tests how a page installs the pixel, and the global that it then has.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { packageVersion } from "../../../scripts/build/version.mjs";
import { root } from "../../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../../scripts/snippets.mjs";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  PIXEL_ID,
  sdkTag,
  inlineScript,
  CONFIG_PATH,
  QUEUE_STUB,
  openSite,
} from "../support/site.mjs";

/**
 * The code of an install snippet, which loads this site's script.
 *
 * @param {string} file
 */
const readSnippet = async (file) => {
  const text = await readFile(join(root, file), "utf8");
  return text
    .replace(/<\/?script>\n/g, "")
    .trim()
    .replace(PLACEHOLDER, "/sdk/oaiq.min.js");
};
const ENDPOINTS = `endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}"`;
const CONFIG = `window.oaiq = { config: { ${ENDPOINTS} } };`;

/** A script element of the page's own, for the snippet that has none. */
const SCRIPT_ELEMENT = `<script src="/sdk/oaiq.min.js"></script>`;

/** A minimal install snippet: the stub, and an async script. */
const SNIPPET = `${QUEUE_STUB}${inlineScript(`
  oaiq.config = { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" };
  const s = document.createElement("script");
  s.async = true;
  s.src = "/sdk/oaiq.min.js";
  document.head.append(s);
`)}`;

describe("installation", { concurrency: 4 }, () => {
  const browser = useBrowser();

  test("calls before the script loads are measured once and in order", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      SNIPPET,
      inlineScript(INIT + orderCall("first") + orderCall("second")),
    );
    await site.waitForOrders("first", "second");
    assert.deepEqual(
      site.measured.map(({ id }) => id),
      ["first", "second"],
    );
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("calls in an array are measured, and later ones that are pushed to it", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      inlineScript(
        `window.oaiq = [["init", { pixelId: "${PIXEL_ID}" }]]; const array = window.oaiq;`,
      ),
      sdkTag(),
      inlineScript(
        `array.push(["measure", "order_created", { type: "contents" }, { event_id: "pushed" }]);
         array.push(["measure", "order_created", { type: "contents" }, { event_id: "one" }],
                   ["measure", "order_created", { type: "contents" }, { event_id: "two" }]);`,
      ),
    );
    await site.waitForOrders("pushed", "one", "two");
    assert.deepEqual(site.deliveryCounts, { pushed: 1, one: 1, two: 1 });
  });

  test("calls in oaiq.queue are measured", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      inlineScript(
        `window.oaiq = function () { oaiq.queue.push(arguments); }; oaiq.queue = [];
         ${INIT}${orderCall("queued")}`,
      ),
      sdkTag(),
    );
    await site.waitForOrders("queued");
    assert.deepEqual(site.deliveryCounts, { queued: 1 });
  });

  test("the script works without a snippet", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      sdkTag(),
      inlineScript(INIT + orderCall("alone")),
    );
    await site.waitForOrders("alone");
  });

  test("methods are equivalent to calls", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      sdkTag(),
      inlineScript(
        `oaiq.init({ pixelId: "${PIXEL_ID}" });
         oaiq.init({ pixelId: "OTHER" });
         oaiq.measure("order_created", { type: "contents" }, { event_id: "both" });
         oaiq.measureSingle("OTHER", "order_created", { type: "contents" }, { event_id: "one" });`,
      ),
    );
    await site.waitForOrders("both", "one");
    await site.waitFor(
      "both on both pixels",
      () => site.deliveryCounts.both === 2,
    );
    assert.deepEqual(site.deliveryCounts, { both: 2, one: 1 });
    await tab.evaluate("oaiq.consent(false)");
    assert.equal(
      await tab.evaluate("localStorage.getItem('oaiq_consent')"),
      "false",
    );
  });

  test("the second of two scripts has no effect", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(INIT + orderCall("before")),
      sdkTag(),
      inlineScript("const first = window.oaiq;"),
      sdkTag(),
      inlineScript(
        `window.same = window.oaiq === first; ${orderCall("after").replace("oaiq(", "first(")}`,
      ),
    );
    await site.waitForOrders("before", "after");
    assert.equal(await tab.evaluate("window.same"), true);
    await tab.leaveAfterResponses(site);
    assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
    assert.equal(
      site.events.filter(({ type }) => type === "openai::sdk_init").length,
      1,
    );
  });

  test("calls of the snippet's own function are measured after the script has loaded", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`const stub = window.oaiq; ${INIT}`),
      sdkTag(),
      inlineScript(
        `${orderCall("stub").replace("oaiq(", "stub(")} ${orderCall("new")}
         window.replaced = stub !== window.oaiq;`,
      ),
    );
    await site.waitForOrders("stub", "new");
    assert.deepEqual(site.deliveryCounts, { stub: 1, new: 1 });
    assert.equal(await tab.evaluate("window.replaced"), true);
  });

  test("the pixel has processed the queue when the script element has run", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${INIT} oaiq("consent", true);`),
      sdkTag(),
      inlineScript(
        `window.seen = { loaded: oaiq.loaded, queued: oaiq.q.length, consent: localStorage.getItem("oaiq_consent"),
           hasBrowserId: document.cookie.includes("__obref=") };`,
      ),
    );
    assert.deepEqual(await tab.evaluate("window.seen"), {
      loaded: true,
      queued: 0,
      consent: "true",
      hasBrowserId: true,
    });
  });

  test("the global is a function with the properties that tag managers check", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript("oaiq.config = { debug: false, mine: 1 };"),
      sdkTag(),
    );
    const found = await tab.evaluate(`({
      type: typeof oaiq,
      loaded: oaiq.loaded,
      initialized: oaiq.__oaiqInitialized,
      version: oaiq.version,
      queue: Array.isArray(oaiq.q) && oaiq.q.length === 0 && oaiq.q === oaiq.queue,
      config: oaiq.config,
      methods: ["init", "measure", "measureSingle", "consent"].map((name) => typeof oaiq[name]),
      result: String(oaiq("measure", "order_created", { type: "contents" })),
    })`);
    assert.deepEqual(found, {
      type: "function",
      loaded: true,
      initialized: true,
      version: "0.1.41",
      queue: true,
      config: { debug: false, mine: 1 },
      methods: ["function", "function", "function", "function"],
      result: "undefined",
    });
  });

  test("the global has the version of this build as a hidden property", async (t) => {
    const { tab } = await openSite(t, browser, QUEUE_STUB, sdkTag());
    const found = await tab.evaluate(`({
      build: oaiq.build,
      isEnumerable: Object.keys(oaiq).includes("build"),
    })`);
    assert.deepEqual(found, { build: packageVersion(), isEnumerable: false });
  });

  test("oaiq.config supplies the pixel ID and user that init omits", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(
        `oaiq.config = { pixelId: "FROM-CONFIG", user: { country: "DE" } };
         oaiq("init", {}); ${orderCall("configured")}`,
      ),
      sdkTag(),
    );
    await site.waitForOrders("configured");
    const { query, body } = site.requestWith("configured");
    assert.equal(query.pid, "FROM-CONFIG");
    assert.deepEqual(body.user, { in: { co: "DE" } });
  });

  test("the browser ID is shared by hosts of one site, not by two sites", async (t) => {
    const site = await startSite(t, { "/": html() });
    const visitor = await Visitor.create(t, browser);
    const browserId = async (/** @type {string} */ host) => {
      const tab = await visitor.openPage(site.url("/?oppref=click", host));
      // the pixel accesses no cookie before the first paint
      const cookie = await tab.waitForFunction(
        "/__obref=([^;]+)/.exec(document.cookie)?.[1]",
      );
      return cookie.jsonValue();
    };
    const shop = await browserId("shop.example.test");
    assert.equal(await browserId("help.example.test"), shop);
    assert.notEqual(await browserId("shop.another.test"), shop);
  });

  test("events of a sandboxed frame without cookies or storage are delivered", async (t) => {
    const site = await startSite(t, {
      "/": html(`<iframe sandbox="allow-scripts" src="/frame"></iframe>`),
      "/frame": html(
        QUEUE_STUB,
        inlineScript(INIT),
        sdkTag(),
        inlineScript(orderCall("framed")),
      ),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    await site.waitForOrders("framed");
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
  });
});

for (const [name, file] of Object.entries({
  short: "www/snippet/short.html",
  saving: "www/snippet/snippet.html",
  strict: "www/snippet/strict.html",
  "queue-only": "www/snippet/stub.html",
}))
  describe(`the ${name} install snippet`, { concurrency: 4 }, () => {
    const browser = useBrowser();
    /** The page's own script element, where the snippet has none. */
    const element = name === "queue-only" ? SCRIPT_ELEMENT : "";
    /** @param {import("../support/browser.mjs").Tab} tab */
    const assertSilent = (tab) => {
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    };

    test("preserves a config that is set before or after it", async (t) => {
      const snippet = await readSnippet(file);
      for (const { before = "", after = "" } of [
        { before: CONFIG },
        { after: `oaiq.config = { ${ENDPOINTS} };` },
        {
          before: `window.oaiq = { config: { endpoint: "${EVENTS_PATH}" } };`,
          after: `oaiq.config.settings = "${CONFIG_PATH}";`,
        },
      ]) {
        const { site, tab } = await openSite(
          t,
          browser,
          inlineScript(before),
          inlineScript(snippet),
          inlineScript(after + INIT + orderCall("order")),
          element,
        );
        await site.waitForOrders("order");
        await site.waitForConfigRequest();
        assert.equal(site.configRequests.length, 1);
        assertSilent(tab);
      }
    });

    test("preserves calls that are queued in any of the supported places", async (t) => {
      const snippet = await readSnippet(file);
      const calls = `["init", { pixelId: "${PIXEL_ID}" }], ["measure", "order_created", { type: "contents" }, { event_id: "queued" }]`;
      for (const before of [
        `window.oaiq = [${calls}];`,
        `window.oaiq = { q: [${calls}] };`,
        `window.oaiq = { queue: [${calls}] };`,
      ]) {
        const { site, tab } = await openSite(
          t,
          browser,
          inlineScript(before),
          inlineScript(snippet),
          inlineScript(`oaiq.config = { ${ENDPOINTS} }; ${orderCall("own")}`),
          element,
        );
        await site.waitForOrders("queued", "own");
        assert.deepEqual(site.deliveryCounts, { queued: 1, own: 1 });
        assertSilent(tab);
      }
    });

    test("preserves calls in both queues of the page, those of oaiq.q first", async (t) => {
      const order = (/** @type {string} */ id) =>
        `["measure", "order_created", { type: "contents" }, { event_id: "${id}" }]`;
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(
          `window.oaiq = { q: [["init", { pixelId: "${PIXEL_ID}" }], ${order("first")}], queue: [${order("last")}] };`,
        ),
        inlineScript(await readSnippet(file)),
        inlineScript(`oaiq.config = { ${ENDPOINTS} }; ${orderCall("own")}`),
        element,
      );
      await site.waitForOrders("first", "own", "last");
      assert.deepEqual(Object.entries(site.deliveryCounts), [
        ["first", 1],
        ["own", 1],
        ["last", 1],
      ]);
      assertSilent(tab);
    });

    test("has its queue before the global is set, for wrappers that copy it", async (t) => {
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(`
          let wrapper = { config: { ${ENDPOINTS} } };
          Object.defineProperty(window, "oaiq", {
            configurable: true,
            get: () => wrapper,
            set(stub) {
              wrapper = function () { return stub.apply(this, arguments); };
              wrapper.q = stub.q;
              wrapper.config = stub.config;
            },
          });`),
        inlineScript(await readSnippet(file)),
        inlineScript(INIT + orderCall("early")),
        element,
      );
      await site.waitForOrders("early");
      assert.deepEqual(tab.pageErrors, []);
    });

    test("works after an unfinished statement and before a call on the same line", async (t) => {
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(CONFIG),
        inlineScript(
          `window.before = function () { return 1 }\n${await readSnippet(file)}${INIT}${orderCall("order")}`,
        ),
        element,
      );
      await site.waitForOrders("order");
      assert.equal(await tab.evaluate("typeof before"), "function");
      assertSilent(tab);
    });

    test("works in a concatenated file in strict mode", async (t) => {
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(CONFIG),
        inlineScript(
          `"use strict"\nvar a = 1\n${await readSnippet(file)}(function () { window.after = 1 })()`,
        ),
        inlineScript(INIT + orderCall("order")),
        element,
      );
      await site.waitForOrders("order");
      assert.equal(await tab.evaluate("window.after"), 1);
      assertSilent(tab);
    });

    test("loads the script once when it is in the page twice", async (t) => {
      const snippet = inlineScript(await readSnippet(file));
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(CONFIG),
        snippet,
        inlineScript(INIT + orderCall("order")),
        snippet,
        element,
      );
      await site.waitForOrders("order");
      const requests = tab.requests.filter((url) =>
        url.endsWith("/oaiq.min.js"),
      );
      assert.equal(requests.length, 1);
      assert.deepEqual(site.deliveryCounts, { order: 1 });
    });
  });
