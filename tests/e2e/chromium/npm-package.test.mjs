// The npm package in a page: imported as it is, or by an app that esbuild has made one file of.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { build } from "esbuild";
import { root } from "../../../scripts/exec.mjs";
import { sharedBrowser, Visitor } from "../support/browser.mjs";
import {
  EVENTS,
  html,
  INIT,
  openSite,
  order,
  pixelScript,
  script,
  SETTINGS,
  STUB,
} from "../support/site.mjs";

/** So many tests at once suit a machine of two processors, and waits do not add up. */
const TOGETHER = { concurrency: 2 };

const FALLBACK = "oaiq.fallback.min.js";
const NO_WASM = {
  "content-security-policy": "script-src 'self' 'unsafe-inline'",
};

/** What a page leaves for the package, as docs/bundlers.md says. */
const CONFIG = script(
  `window.oaiq = { config: { endpoint: "${EVENTS}", settings: "${SETTINGS}" } };`,
);

const importing = (from) => `import oaiq from ${JSON.stringify(from)};`;

/** An app that has the package by that statement, and measures. */
const app = (statement) => `
  ${statement}
  ${INIT}
  ${order("imported")}
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
  const site = await openSite(t, {
    "/": { html: page, headers },
    "/next": html(""),
  });
  if (format) site.files.set("app.js", await bundled(format, statement));
  const visitor = await Visitor.arrives(t, browser);
  const tab = await visitor.opens(site.url());
  return { site, tab };
};

/** That the page has one pixel, which has started once, and that it has said nothing. */
const isOne = (site, tab) => {
  assert.equal(
    site.events.filter(({ type }) => type === "openai::sdk_init").length,
    1,
  );
  assert.deepEqual(tab.pageErrors, []);
  assert.deepEqual(tab.pixelLines, []);
};

for (const way of WAYS)
  describe(`the npm package, ${way[0]}`, TOGETHER, () => {
    const browser = sharedBrowser();

    test("measures each order once, at the addresses of the config, and is window.oaiq", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [CONFIG, null]);
      await site.untilOrders("imported", "method");
      assert.equal(await tab.evaluate("window.isGlobal"), true);
      assert.equal(await tab.evaluate("oaiq.config.endpoint"), EVENTS);
      await tab.evaluate(order("global"));
      await site.untilOrders("global");
      await tab.leaves(site);
      assert.deepEqual(site.arrivals, { imported: 1, method: 1, global: 1 });
      assert.ok(site.requests.every(({ path }) => path === EVENTS));
      assert.equal(site.settingsAsked.length, 1);
      assert.ok(site.settingsAsked[0].startsWith(SETTINGS));
      assert.ok(!tab.hasAskedFor(FALLBACK));
      isOne(site, tab);
    });

    test("measures what waits in the page's snippet, before its own", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [
        STUB,
        script(
          `oaiq.config = { endpoint: "${EVENTS}", settings: "${SETTINGS}" };
           ${INIT}${order("waiting")}`,
        ),
        null,
      ]);
      await site.untilOrders("waiting", "imported", "method");
      assert.deepEqual(
        site.measured.map(({ id }) => id),
        ["waiting", "imported", "method"],
      );
      isOne(site, tab);
    });

    test("is the pixel of the script element that came before it, and starts nothing twice", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [
        STUB,
        script(INIT + order("before")),
        pixelScript(),
        script("window.first = window.oaiq;"),
        null,
      ]);
      await site.untilOrders("before", "imported", "method");
      assert.equal(await tab.evaluate("window.imported === window.first"), true);
      assert.equal(await tab.evaluate("window.oaiq === window.first"), true);
      await tab.leaves(site);
      assert.deepEqual(site.arrivals, { before: 1, imported: 1, method: 1 });
      isOne(site, tab);
    });

    test("stays the pixel when the script element comes after it", async (t) => {
      const { site, tab } = await visitApp(t, browser, way, [
        CONFIG,
        null,
        // as late as a module
        pixelScript("defer"),
        `<script type="module">${order("after")}</script>`,
      ]);
      await site.untilOrders("imported", "method", "after");
      assert.equal(await tab.evaluate("window.imported === window.oaiq"), true);
      await tab.leaves(site);
      assert.deepEqual(site.arrivals, { imported: 1, method: 1, after: 1 });
      isOne(site, tab);
    });
  });

describe("the npm package where no WebAssembly may run", TOGETHER, () => {
  const browser = sharedBrowser();
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
      await site.untilOrders("imported", "method");
      await tab.evaluate(order("after"));
      await site.untilOrders("after");
      await tab.leaves(site);
      assert.deepEqual(site.arrivals, { imported: 1, method: 1, after: 1 });
      assert.ok(tab.hasAskedFor(`/sdk/${FALLBACK}`));
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
    assert.deepEqual(tab.pixelLines, []);
    await site.untilOrders("imported", "method");
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
    await tab.untilLine(/nothing is measured/);
    assert.equal(await tab.evaluate("window.isGlobal"), true);
    await tab.evaluate(`${order("later")} oaiq.measure(null);`);
    await tab.leaves(site);
    assert.deepEqual(site.requests, []);
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(tab.pixelLines.length, 1, tab.pixelLines.join("\n"));
    assert.ok(tab.pixelLines[0].includes(FALLBACK));
  });
});
