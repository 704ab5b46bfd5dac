// The npm package in a page: imported as it is, or by an app that esbuild has made one file of.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { build } from "esbuild";
import { root } from "../../../scripts/exec.mjs";
import { useBrowser, Visitor } from "../support/browser.mjs";
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

/** So many tests at once suit a machine of two processors, and waits do not add up. */
const TOGETHER = { concurrency: 2 };

const FALLBACK = "oaiq.fallback.min.js";
const NO_WASM = {
  "content-security-policy": "script-src 'self' 'unsafe-inline'",
};

/** What a page leaves for the package, as docs/bundlers.md says. */
const CONFIG = inlineScript(
  `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" } };`,
);

const importing = (from) => `import oaiq from ${JSON.stringify(from)};`;

/** An app that has the package by that statement, and measures. */
const app = (statement) => `
  ${statement}
  ${INIT}
  ${orderCall("imported")}
  oaiq.measure("order_created", { type: "contents" }, { event_id: "method" });
  window.isGlobal = oaiq === window.oaiq;
  window.imported = oaiq;
`;

/** The app's file, as esbuild makes it. */
const bundled = async (format, statement = importing("oaiq")) => {
  const { outputFiles } = await build({
    stdin: { contents: app(statement), resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format,
    // that there is no import.meta in an iife
    logLevel: "error",
  });
  return outputFiles[0].contents;
};

/** How an app comes into a page: the script element, the file that it is, if any, and how that has the package. */
const WAYS = [
  [
    "imported natively",
    `<script type="module">${app(importing("/sdk/oaiq.mjs"))}</script>`,
  ],
  [
    "bundled as an ES module",
    `<script type="module" src="/sdk/app.js"></script>`,
    "esm",
  ],
  [
    "bundled as a classic script",
    `<script src="/sdk/app.js"></script>`,
    "iife",
  ],
  [
    "required, and bundled as a classic script",
    `<script src="/sdk/app.js"></script>`,
    "iife",
    `const { default: oaiq } = require("oaiq");`,
  ],
];

/** A visitor looks at a page of these parts, with the app in the place of `null`. */
const visitApp = async (
  t,
  browser,
  [, element, format, statement],
  parts,
  headers,
) => {
  const page = html(...parts.map((part) => part ?? element));
  const site = await startSite(t, {
    "/": { html: page, headers },
    "/next": html(""),
  });
  if (format) site.files.set("app.js", await bundled(format, statement));
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url());
  return { site, tab };
};

/** That the page has one pixel, which has started once, and that it has said nothing. */
const isOne = (site, tab) => {
  assert.equal(
    site.events.filter(({ type }) => type === "openai::sdk_init").length,
    1,
  );
  assert.deepEqual(tab.pageErrors, []);
  assert.deepEqual(tab.oaiqLogs, []);
};

for (const way of WAYS)
  describe(`the npm package, ${way[0]}`, TOGETHER, () => {
    const browser = useBrowser();

    test("measures each order once, at the addresses of the config, and is window.oaiq", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [CONFIG, null]);
      await site.waitForOrders("imported", "method");
      assert.equal(await tab.evaluate("window.isGlobal"), true);
      assert.equal(await tab.evaluate("oaiq.config.endpoint"), EVENTS_PATH);
      await tab.evaluate(orderCall("global"));
      await site.waitForOrders("global");
      await tab.leaveAfterResponses(site);
      assert.deepEqual(site.deliveryCounts, {
        imported: 1,
        method: 1,
        global: 1,
      });
      assert.ok(site.requests.every(({ path }) => path === EVENTS_PATH));
      assert.equal(site.configRequests.length, 1);
      assert.ok(site.configRequests[0].startsWith(CONFIG_PATH));
      assert.ok(!tab.hasRequested(FALLBACK));
      isOne(site, tab);
    });

    test("measures what waits in the page's snippet, before its own", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [
        QUEUE_STUB,
        inlineScript(
          `oaiq.config = { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" };
           ${INIT}${orderCall("waiting")}`,
        ),
        null,
      ]);
      await site.waitForOrders("waiting", "imported", "method");
      assert.deepEqual(
        site.measured.map(({ id }) => id),
        ["waiting", "imported", "method"],
      );
      isOne(site, tab);
    });

    test("is the pixel of the script element that came before it, and starts nothing twice", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [
        QUEUE_STUB,
        inlineScript(INIT + orderCall("before")),
        sdkTag(),
        inlineScript("window.first = window.oaiq;"),
        null,
      ]);
      await site.waitForOrders("before", "imported", "method");
      assert.equal(
        await tab.evaluate("window.imported === window.first"),
        true,
      );
      assert.equal(await tab.evaluate("window.oaiq === window.first"), true);
      await tab.leaveAfterResponses(site);
      assert.deepEqual(site.deliveryCounts, {
        before: 1,
        imported: 1,
        method: 1,
      });
      isOne(site, tab);
    });

    test("stays the pixel when the script element comes after it", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [
        CONFIG,
        null,
        // as late as a module
        sdkTag("defer"),
        `<script type="module">${orderCall("after")}</script>`,
      ]);
      await site.waitForOrders("imported", "method", "after");
      assert.equal(await tab.evaluate("window.imported === window.oaiq"), true);
      await tab.leaveAfterResponses(site);
      assert.deepEqual(site.deliveryCounts, {
        imported: 1,
        method: 1,
        after: 1,
      });
      isOne(site, tab);
    });
  });

describe("the npm package where no WebAssembly may run", TOGETHER, () => {
  const browser = useBrowser();
  const [native, esm, iife, required] = WAYS;

  // esbuild brings no files along: whoever uses it copies this one
  for (const way of [native, esm, required])
    test(`${way[0]}, it takes the fallback that lies beside it`, async (t) => {
      const { site, tab } = await visitApp(
        t,
        browser,
        way,
        [CONFIG, null],
        NO_WASM,
      );
      await site.waitForOrders("imported", "method");
      await tab.evaluate(orderCall("after"));
      await site.waitForOrders("after");
      await tab.leaveAfterResponses(site);
      assert.deepEqual(site.deliveryCounts, {
        imported: 1,
        method: 1,
        after: 1,
      });
      assert.ok(tab.hasRequested(`/sdk/${FALLBACK}`));
      isOne(site, tab);
    });

  test("imported natively by a script with a nonce, it loads the fallback with that", async (t) => {
    const { site, tab } = await visitApp(
      t,
      browser,
      [native[0], native[1].replace("<script", `<script nonce="app"`)],
      [CONFIG.replace("<script", `<script nonce="app"`), null],
      { "content-security-policy": "script-src 'nonce-app'" },
    );
    // the page has loaded only when that file has
    assert.deepEqual(tab.oaiqLogs, []);
    await site.waitForOrders("imported", "method");
    isOne(site, tab);
  });

  // a classic script does not know where a module lay
  test(`${iife[0]}, one line says that nothing is measured`, async (t) => {
    const { site, tab } = await visitApp(
      t,
      browser,
      iife,
      [CONFIG, null],
      NO_WASM,
    );
    await tab.waitForLog(/nothing is measured/);
    assert.equal(await tab.evaluate("window.isGlobal"), true);
    await tab.evaluate(`${orderCall("later")} oaiq.measure(null);`);
    await tab.leaveAfterResponses(site);
    assert.deepEqual(site.requests, []);
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(tab.oaiqLogs.length, 1, tab.oaiqLogs.join("\n"));
    assert.ok(tab.oaiqLogs[0].includes(FALLBACK));
  });
});
