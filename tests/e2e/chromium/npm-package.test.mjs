// Tests the npm package in a page: imported natively, or bundled with an app by esbuild.
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

/** A machine with two cores runs two tests at a time. */
const TOGETHER = { concurrency: 2 };

const FALLBACK = "oaiq.fallback.min.js";
const NO_WASM = {
  "content-security-policy": "script-src 'self' 'unsafe-inline'",
};

/** The configuration that docs/bundlers.md describes. */
const CONFIG = inlineScript(
  `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" } };`,
);

const importStatement = (/** @type {string} */ from) =>
  `import oaiq from ${JSON.stringify(from)};`;

/**
 * An app that loads the package by a statement, and measures.
 *
 * @param {string} statement
 */
const app = (statement) => `
  ${statement}
  ${INIT}
  ${orderCall("imported")}
  oaiq.measure("order_created", { type: "contents" }, { event_id: "method" });
  window.isGlobal = oaiq === window.oaiq;
  window.imported = oaiq;
`;

/**
 * Bundles the app.
 *
 * @param {"esm" | "iife"} format
 * @param {string} [statement]
 */
const bundle = async (format, statement = importStatement("oaiq")) => {
  const { outputFiles } = await build({
    stdin: { contents: app(statement), resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    format,
    // esbuild warns that an iife has no import.meta
    logLevel: "error",
  });
  const [output] = outputFiles;
  if (!output) throw new Error("esbuild has written no file");
  return output.contents;
};

/**
 * @typedef {object} Integration how a page loads an app
 * @property {string} name
 * @property {string} element the app's script element
 * @property {"esm" | "iife"} [format] if it is bundled
 * @property {string} [statement] that loads the package
 */

/** @satisfies {Record<string, Integration>} */
const INTEGRATIONS = {
  native: {
    name: "imported natively",
    element: `<script type="module">${app(importStatement("/sdk/oaiq.mjs"))}</script>`,
  },
  esm: {
    name: "bundled as an ES module",
    element: `<script type="module" src="/sdk/app.js"></script>`,
    format: "esm",
  },
  iife: {
    name: "bundled as a classic script",
    element: `<script src="/sdk/app.js"></script>`,
    format: "iife",
  },
  required: {
    name: "required, and bundled as a classic script",
    element: `<script src="/sdk/app.js"></script>`,
    format: "iife",
    statement: `const { default: oaiq } = require("oaiq");`,
  },
};

/**
 * Opens a page with these parts, where `null` stands for the app.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("../support/browser.mjs").TestBrowser} browser
 * @param {Integration} integration
 * @param {(string | null)[]} parts
 * @param {Record<string, string>} [headers] of the page
 */
const openApp = async (
  t,
  browser,
  { element, format, statement },
  parts,
  headers,
) => {
  const page = html(...parts.map((part) => part ?? element));
  const site = await startSite(t, {
    "/": { html: page, headers },
    "/next": html(""),
  });
  if (format) site.files.set("app.js", await bundle(format, statement));
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url());
  return { site, tab };
};

/**
 * Asserts that one pixel has started, once, and has logged nothing.
 *
 * @param {import("../support/site.mjs").Site} site
 * @param {import("../support/browser.mjs").Tab} tab
 */
const assertOnePixel = (site, tab) => {
  assert.equal(
    site.events.filter(({ type }) => type === "openai::sdk_init").length,
    1,
  );
  assert.deepEqual(tab.pageErrors, []);
  assert.deepEqual(tab.oaiqLogs, []);
};

for (const integration of Object.values(INTEGRATIONS))
  describe(`the npm package, ${integration.name}`, TOGETHER, () => {
    const browser = useBrowser();

    test("uses the configured endpoints and is window.oaiq", async (t) => {
      const { site, tab } = await openApp(t, browser, integration, [
        CONFIG,
        null,
      ]);
      await site.waitForOrders("imported", "method");
      assert.equal(await tab.evaluate("window.isGlobal"), true);
      assert.equal(await tab.evaluate("oaiq.config.endpoint"), EVENTS_PATH);
      await tab.evaluate(orderCall("global"));
      await site.waitForOrders("global");
      await site.waitForConfigRequest();
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
      assertOnePixel(site, tab);
    });

    test("measures the calls queued by the snippet before its own", async (t) => {
      const { site, tab } = await openApp(t, browser, integration, [
        QUEUE_STUB,
        inlineScript(
          `oaiq.config = { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" };
           ${INIT}${orderCall("queued")}`,
        ),
        null,
      ]);
      await site.waitForOrders("queued", "imported", "method");
      assert.deepEqual(
        site.measured.map(({ id }) => id),
        ["queued", "imported", "method"],
      );
      assertOnePixel(site, tab);
    });

    test("is the pixel of an earlier script element", async (t) => {
      const { site, tab } = await openApp(t, browser, integration, [
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
      assertOnePixel(site, tab);
    });

    test("stays the pixel when a script element comes later", async (t) => {
      const { site, tab } = await openApp(t, browser, integration, [
        CONFIG,
        null,
        // deferred, as a module is
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
      assertOnePixel(site, tab);
    });
  });

describe("the npm package where WebAssembly is forbidden", TOGETHER, () => {
  const browser = useBrowser();
  const { native, esm, iife, required } = INTEGRATIONS;

  // esbuild does not copy this file: its users do
  for (const integration of [native, esm, required])
    test(`loads the fallback next to it when it is ${integration.name}`, async (t) => {
      const { site, tab } = await openApp(
        t,
        browser,
        integration,
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
      assertOnePixel(site, tab);
    });

  test("loads the fallback with the nonce of the script that imports it", async (t) => {
    const { site, tab } = await openApp(
      t,
      browser,
      {
        ...native,
        element: native.element.replace("<script", `<script nonce="app"`),
      },
      [CONFIG.replace("<script", `<script nonce="app"`), null],
      { "content-security-policy": "script-src 'nonce-app'" },
    );
    // the load event waits for that file
    assert.deepEqual(tab.oaiqLogs, []);
    await site.waitForOrders("imported", "method");
    assertOnePixel(site, tab);
  });

  // a classic script does not know the module's URL
  test(`logs that nothing is measured when it is ${iife.name}`, async (t) => {
    const { site, tab } = await openApp(
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
