// How a page puts the pixel in, and what it then has.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { packageVersion } from "../../../scripts/build/version.mjs";
import { root } from "../../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../../scripts/snippets.mjs";
import { sharedBrowser, Visitor } from "../support/browser.mjs";
import {
  EVENTS,
  html,
  INIT,
  openSite,
  order,
  PIXEL,
  pixelScript,
  script,
  SETTINGS,
  STUB,
  visit,
} from "../support/site.mjs";

/** The text inside a file of the install snippet, which loads this site's copy of the script. */
const snippetOf = async (file) => {
  const text = await readFile(join(root, file), "utf8");
  return text
    .replace(/<\/?script>\n/g, "")
    .trim()
    .replace(PLACEHOLDER, "/sdk/oaiq.min.js");
};
const ADDRESSES = `endpoint: "${EVENTS}", settings: "${SETTINGS}"`;
const CONFIG = `window.oaiq = { config: { ${ADDRESSES} } };`;

/** The install snippet whole: the stub, and the script on its way. */
const SNIPPET = `${STUB}${script(`
  oaiq.config = { endpoint: "${EVENTS}", settings: "${SETTINGS}" };
  const s = document.createElement("script");
  s.async = true;
  s.src = "/sdk/oaiq.min.js";
  document.head.append(s);
`)}`;

describe("installing the pixel", { concurrency: 4 }, () => {
  const browser = sharedBrowser();

  test("calls made before the script has loaded are measured, once and in order", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      SNIPPET,
      script(INIT + order("first") + order("second")),
    );
    await site.untilOrders("first", "second");
    assert.deepEqual(
      site.measured.map(({ id }) => id),
      ["first", "second"],
    );
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.pixelLines, []);
  });

  test("a page that left an array in the pixel's place has its calls measured, and may go on pushing to it", async (t) => {
    const { site } = await visit(
      t,
      browser,
      script(
        `window.oaiq = [["init", { pixelId: "${PIXEL}" }]]; const kept = window.oaiq;`,
      ),
      pixelScript(),
      script(
        `kept.push(["measure", "order_created", { type: "contents" }, { event_id: "pushed" }]);
         kept.push(["measure", "order_created", { type: "contents" }, { event_id: "one" }],
                   ["measure", "order_created", { type: "contents" }, { event_id: "two" }]);`,
      ),
    );
    await site.untilOrders("pushed", "one", "two");
    assert.deepEqual(site.arrivals, { pushed: 1, one: 1, two: 1 });
  });

  test("a page that left its calls in oaiq.queue has them measured", async (t) => {
    const { site } = await visit(
      t,
      browser,
      script(
        `window.oaiq = function () { oaiq.queue.push(arguments); }; oaiq.queue = [];
         ${INIT}${order("queued")}`,
      ),
      pixelScript(),
    );
    await site.untilOrders("queued");
    assert.deepEqual(site.arrivals, { queued: 1 });
  });

  test("the script alone, without a snippet, gives a pixel", async (t) => {
    const { site } = await visit(
      t,
      browser,
      pixelScript(),
      script(INIT + order("alone")),
    );
    await site.untilOrders("alone");
  });

  test("methods do what calls do", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      pixelScript(),
      script(
        `oaiq.init({ pixelId: "${PIXEL}" });
         oaiq.init({ pixelId: "OTHER" });
         oaiq.measure("order_created", { type: "contents" }, { event_id: "both" });
         oaiq.measureSingle("OTHER", "order_created", { type: "contents" }, { event_id: "one" });`,
      ),
    );
    await site.untilOrders("both", "one");
    await site.until("both on both pixels", () => site.arrivals.both === 2);
    assert.deepEqual(site.arrivals, { both: 2, one: 1 });
    await tab.evaluate("oaiq.consent(false)");
    assert.equal(
      await tab.evaluate("localStorage.getItem('oaiq_consent')"),
      "false",
    );
  });

  test("the script in a page twice measures once, and the first stays", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      STUB,
      script(INIT + order("before")),
      pixelScript(),
      script("const first = window.oaiq;"),
      pixelScript(),
      script(
        `window.same = window.oaiq === first; ${order("after").replace("oaiq(", "first(")}`,
      ),
    );
    await site.untilOrders("before", "after");
    assert.equal(await tab.evaluate("window.same"), true);
    await tab.leaves(site);
    assert.deepEqual(site.arrivals, { before: 1, after: 1 });
    assert.equal(
      site.events.filter(({ type }) => type === "openai::sdk_init").length,
      1,
    );
  });

  test("whoever kept the snippet's function goes on being heard", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      STUB,
      script(`const kept = window.oaiq; ${INIT}`),
      pixelScript(),
      script(
        `${order("kept").replace("oaiq(", "kept(")} ${order("new")}
         window.replaced = kept !== window.oaiq;`,
      ),
    );
    await site.untilOrders("kept", "new");
    assert.deepEqual(site.arrivals, { kept: 1, new: 1 });
    assert.equal(await tab.evaluate("window.replaced"), true);
  });

  test("when the script element has run, the pixel is there and has taken the waiting calls", async (t) => {
    const { tab } = await visit(
      t,
      browser,
      STUB,
      script(`${INIT} oaiq("consent", true);`),
      pixelScript(),
      script(
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
    const { tab } = await visit(
      t,
      browser,
      STUB,
      script("oaiq.config = { debug: false, mine: 1 };"),
      pixelScript(),
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
    const { tab } = await visit(t, browser, STUB, pixelScript());
    const found = await tab.evaluate(`({
      build: oaiq.build,
      isEnumerable: Object.keys(oaiq).includes("build"),
    })`);
    assert.deepEqual(found, { build: packageVersion(), isEnumerable: false });
  });

  test("oaiq.config gives the pixel and the user that init leaves out", async (t) => {
    const { site } = await visit(
      t,
      browser,
      STUB,
      script(
        `oaiq.config = { pixelId: "FROM-CONFIG", user: { country: "DE" } };
         oaiq("init", {}); ${order("configured")}`,
      ),
      pixelScript(),
    );
    await site.untilOrders("configured");
    const { query, body } = site.requests.find(({ body }) =>
      body.events.some(({ id }) => id === "configured"),
    );
    assert.equal(query.pid, "FROM-CONFIG");
    assert.deepEqual(body.user, { in: { co: "DE" } });
  });

  test("two sites' pages in one browser do not hear of each other's visitors, two hosts of one site do", async (t) => {
    const site = await openSite(t, { "/": html() });
    const visitor = await Visitor.arrives(t, browser);
    const browserRef = async (host) => {
      const tab = await visitor.opens(site.url("/?oppref=click", host));
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
    const site = await openSite(t, {
      "/": html(`<iframe sandbox="allow-scripts" src="/frame"></iframe>`),
      "/frame": html(
        STUB,
        script(INIT),
        pixelScript(),
        script(order("framed")),
      ),
    });
    const visitor = await Visitor.arrives(t, browser);
    const tab = await visitor.opens(site.url());
    await site.untilOrders("framed");
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.pixelLines, []);
  });
});

for (const [name, file] of [
  ["short", "www/snippet/short.html"],
  ["saving", "www/snippet/snippet.html"],
  ["strict", "www/snippet/strict.html"],
])
  describe(`the ${name} install snippet`, { concurrency: 4 }, () => {
    const browser = sharedBrowser();
    const isQuiet = (tab) => {
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.pixelLines, []);
    };

    test("keeps a config that is there, and that is set behind it", async (t) => {
      const snippet = await snippetOf(file);
      for (const [before, behind] of [
        [CONFIG, ""],
        ["", `oaiq.config = { ${ADDRESSES} };`],
        [
          `window.oaiq = { config: { endpoint: "${EVENTS}" } };`,
          `oaiq.config.settings = "${SETTINGS}";`,
        ],
      ]) {
        const { site, tab } = await visit(
          t,
          browser,
          script(before),
          script(snippet),
          script(behind + INIT + order("order")),
        );
        await site.untilOrders("order");
        assert.equal(site.settingsAsked.length, 1);
        isQuiet(tab);
      }
    });

    test("keeps the calls that wait already, wherever they are", async (t) => {
      const snippet = await snippetOf(file);
      const calls = `["init", { pixelId: "${PIXEL}" }], ["measure", "order_created", { type: "contents" }, { event_id: "waiting" }]`;
      for (const before of [
        `window.oaiq = [${calls}];`,
        `window.oaiq = { q: [${calls}] };`,
        `window.oaiq = { queue: [${calls}] };`,
      ]) {
        const { site, tab } = await visit(
          t,
          browser,
          script(before),
          script(snippet),
          script(`oaiq.config = { ${ADDRESSES} }; ${order("own")}`),
        );
        await site.untilOrders("waiting", "own");
        assert.deepEqual(site.arrivals, { waiting: 1, own: 1 });
        isQuiet(tab);
      }
    });

    test("has its queue before the global is set, so that a wrapper that copies the queue then loses no call", async (t) => {
      const { site, tab } = await visit(
        t,
        browser,
        script(`
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
        script(await snippetOf(file)),
        script(INIT + order("early")),
      );
      await site.untilOrders("early");
      assert.deepEqual(tab.pageErrors, []);
    });

    test("stands behind an unfinished statement, and before a call on the same line", async (t) => {
      const { site, tab } = await visit(
        t,
        browser,
        script(CONFIG),
        script(
          `window.before = function () { return 1 }\n${await snippetOf(file)}${INIT}${order("order")}`,
        ),
      );
      await site.untilOrders("order");
      assert.equal(await tab.evaluate("typeof before"), "function");
      isQuiet(tab);
    });

    test("works in a combined file, in strict mode", async (t) => {
      const { site, tab } = await visit(
        t,
        browser,
        script(CONFIG),
        script(
          `"use strict"\nvar a = 1\n${await snippetOf(file)}(function () { window.behind = 1 })()`,
        ),
        script(INIT + order("order")),
      );
      await site.untilOrders("order");
      assert.equal(await tab.evaluate("window.behind"), 1);
      isQuiet(tab);
    });

    test("twice in a page loads the script once", async (t) => {
      const snippet = script(await snippetOf(file));
      const { site, tab } = await visit(
        t,
        browser,
        script(CONFIG),
        snippet,
        script(INIT + order("order")),
        snippet,
      );
      await site.untilOrders("order");
      const asked = tab.requests.filter((url) => url.endsWith("/oaiq.min.js"));
      assert.equal(asked.length, 1);
      assert.deepEqual(site.arrivals, { order: 1 });
    });
  });
