// How a page puts the pixel in, and what it then has.
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

/** The text inside a file of the install snippet, which loads this site's copy of the script. */
const snippetOf = async (file) => {
  const text = await readFile(join(root, file), "utf8");
  return text
    .replace(/<\/?script>\n/g, "")
    .trim()
    .replace(PLACEHOLDER, "/sdk/oaiq.min.js");
};
const ADDRESSES = `endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}"`;
const CONFIG = `window.oaiq = { config: { ${ADDRESSES} } };`;

/** The install snippet whole: the stub, and the script on its way. */
const SNIPPET = `${QUEUE_STUB}${inlineScript(`
  oaiq.config = { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" };
  const s = document.createElement("script");
  s.async = true;
  s.src = "/sdk/oaiq.min.js";
  document.head.append(s);
`)}`;

describe("installing the pixel", { concurrency: 4 }, () => {
  const browser = useBrowser();

  test("calls made before the script has loaded are measured, once and in order", async (t) => {
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

  test("a page that left an array in the pixel's place has its calls measured, and may go on pushing to it", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      inlineScript(
        `window.oaiq = [["init", { pixelId: "${PIXEL_ID}" }]]; const kept = window.oaiq;`,
      ),
      sdkTag(),
      inlineScript(
        `kept.push(["measure", "order_created", { type: "contents" }, { event_id: "pushed" }]);
         kept.push(["measure", "order_created", { type: "contents" }, { event_id: "one" }],
                   ["measure", "order_created", { type: "contents" }, { event_id: "two" }]);`,
      ),
    );
    await site.waitForOrders("pushed", "one", "two");
    assert.deepEqual(site.deliveryCounts, { pushed: 1, one: 1, two: 1 });
  });

  test("a page that left its calls in oaiq.queue has them measured", async (t) => {
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

  test("the script alone, without a snippet, gives a pixel", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      sdkTag(),
      inlineScript(INIT + orderCall("alone")),
    );
    await site.waitForOrders("alone");
  });

  test("methods do what calls do", async (t) => {
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

  test("the script in a page twice measures once, and the first stays", async (t) => {
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

  test("whoever kept the snippet's function goes on being heard", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`const kept = window.oaiq; ${INIT}`),
      sdkTag(),
      inlineScript(
        `${orderCall("kept").replace("oaiq(", "kept(")} ${orderCall("new")}
         window.replaced = kept !== window.oaiq;`,
      ),
    );
    await site.waitForOrders("kept", "new");
    assert.deepEqual(site.deliveryCounts, { kept: 1, new: 1 });
    assert.equal(await tab.evaluate("window.replaced"), true);
  });

  test("when the script element has run, the pixel is there and has taken the waiting calls", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${INIT} oaiq("consent", true);`),
      sdkTag(),
      inlineScript(
        `window.seen = { loaded: oaiq.loaded, waiting: oaiq.q.length, answer: localStorage.getItem("oaiq_consent"),
           browser: document.cookie.includes("__obref=") };`,
      ),
    );
    assert.deepEqual(await tab.evaluate("window.seen"), {
      loaded: true,
      waiting: 0,
      answer: "true",
      browser: true,
    });
  });

  test("the global is a function that carries what tag managers look for", async (t) => {
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
      answer: String(oaiq("measure", "order_created", { type: "contents" })),
    })`);
    assert.deepEqual(found, {
      type: "function",
      loaded: true,
      initialized: true,
      version: "0.1.41",
      queue: true,
      config: { debug: false, mine: 1 },
      methods: ["function", "function", "function", "function"],
      answer: "undefined",
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

  test("oaiq.config gives the pixel and the user that init leaves out", async (t) => {
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
    const { query, body } = site.requests.find(({ body }) =>
      body.events.some(({ id }) => id === "configured"),
    );
    assert.equal(query.pid, "FROM-CONFIG");
    assert.deepEqual(body.user, { in: { co: "DE" } });
  });

  test("two sites' pages in one browser do not hear of each other's visitors, two hosts of one site do", async (t) => {
    const site = await startSite(t, { "/": html() });
    const visitor = await Visitor.create(t, browser);
    const browserRef = async (host) => {
      const tab = await visitor.openPage(site.url("/?oppref=click", host));
      // a start looks at no cookie before the page has been painted
      const found = await tab.page.waitForFunction(
        "/__obref=([^;]+)/.exec(document.cookie)?.[1]",
      );
      return found.jsonValue();
    };
    const shop = await browserRef("shop.example.test");
    assert.equal(await browserRef("help.example.test"), shop);
    assert.notEqual(await browserRef("shop.another.test"), shop);
  });

  test("a sandboxed frame without cookies or storage is measured", async (t) => {
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

for (const [name, file] of [
  ["short", "www/snippet/short.html"],
  ["saving", "www/snippet/snippet.html"],
  ["strict", "www/snippet/strict.html"],
])
  describe(`the ${name} install snippet`, { concurrency: 4 }, () => {
    const browser = useBrowser();
    const isQuiet = (tab) => {
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    };

    test("keeps a config that is there, and that is set behind it", async (t) => {
      const snippet = await snippetOf(file);
      for (const [before, behind] of [
        [CONFIG, ""],
        ["", `oaiq.config = { ${ADDRESSES} };`],
        [
          `window.oaiq = { config: { endpoint: "${EVENTS_PATH}" } };`,
          `oaiq.config.settings = "${CONFIG_PATH}";`,
        ],
      ]) {
        const { site, tab } = await openSite(
          t,
          browser,
          inlineScript(before),
          inlineScript(snippet),
          inlineScript(behind + INIT + orderCall("order")),
        );
        await site.waitForOrders("order");
        assert.equal(site.configRequests.length, 1);
        isQuiet(tab);
      }
    });

    test("keeps the calls that wait already, wherever they are", async (t) => {
      const snippet = await snippetOf(file);
      const calls = `["init", { pixelId: "${PIXEL_ID}" }], ["measure", "order_created", { type: "contents" }, { event_id: "waiting" }]`;
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
          inlineScript(`oaiq.config = { ${ADDRESSES} }; ${orderCall("own")}`),
        );
        await site.waitForOrders("waiting", "own");
        assert.deepEqual(site.deliveryCounts, { waiting: 1, own: 1 });
        isQuiet(tab);
      }
    });

    test("has its queue before the global is set, so that a wrapper that copies the queue then loses no call", async (t) => {
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(`
          let wrapper = { config: { ${ADDRESSES} } };
          Object.defineProperty(window, "oaiq", {
            configurable: true,
            get: () => wrapper,
            set(given) {
              wrapper = function () { return given.apply(this, arguments); };
              wrapper.q = given.q;
              wrapper.config = given.config;
            },
          });`),
        inlineScript(await snippetOf(file)),
        inlineScript(INIT + orderCall("early")),
      );
      await site.waitForOrders("early");
      assert.deepEqual(tab.pageErrors, []);
    });

    test("stands behind an unfinished statement, and before a call on the same line", async (t) => {
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(CONFIG),
        inlineScript(
          `window.before = function () { return 1 }\n${await snippetOf(file)}${INIT}${orderCall("order")}`,
        ),
      );
      await site.waitForOrders("order");
      assert.equal(await tab.evaluate("typeof before"), "function");
      isQuiet(tab);
    });

    test("works in a combined file, in strict mode", async (t) => {
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(CONFIG),
        inlineScript(
          `"use strict"\nvar a = 1\n${await snippetOf(file)}(function () { window.behind = 1 })()`,
        ),
        inlineScript(INIT + orderCall("order")),
      );
      await site.waitForOrders("order");
      assert.equal(await tab.evaluate("window.behind"), 1);
      isQuiet(tab);
    });

    test("twice in a page loads the script once", async (t) => {
      const snippet = inlineScript(await snippetOf(file));
      const { site, tab } = await openSite(
        t,
        browser,
        inlineScript(CONFIG),
        snippet,
        inlineScript(INIT + orderCall("order")),
        snippet,
      );
      await site.waitForOrders("order");
      const asked = tab.requests.filter((url) => url.endsWith("/oaiq.min.js"));
      assert.equal(asked.length, 1);
      assert.deepEqual(site.deliveryCounts, { order: 1 });
    });
  });
