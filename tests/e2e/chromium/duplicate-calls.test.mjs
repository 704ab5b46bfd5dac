// Tests that debug and the inspector name the scripts that start a pixel twice or measure a page view twice.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { startCollector } from "../support/collector.mjs";
import {
  CONFIG_PATH,
  html,
  INIT,
  inlineScript,
  QUEUE_STUB,
  sdkTag,
  startSite,
} from "../support/site.mjs";

const CALLS = `${INIT} oaiq("measure", "page_viewed", { type: "contents" });`;

/** @param {string} text */
const script = (text) => ({
  html: text,
  headers: { "content-type": "text/javascript" },
});

describe("duplicate calls", () => {
  const browser = useBrowser();

  /**
   * Opens a page on localhost, which sends its events to a collector there, with debug.
   *
   * @param {import("node:test").TestContext} t
   * @param {(...attributes: string[]) => string[]} parts of the page's head
   * @param {Record<string, import("../support/site.mjs").Page>} files
   */
  const open = async (t, parts, files = {}) => {
    const collector = await startCollector(t);
    const site = await startSite(t, {
      "/": html(
        ...parts(
          `data-oaiq-endpoint="${collector.origin}/v1/sdk/events" data-oaiq-settings="${CONFIG_PATH}"`,
        ),
      ),
      ...files,
    });
    const visitor = await Visitor.create(t, browser);
    const url = site.url("/", "localhost");
    const tab = await visitor.openPage(`${url}?oaiq_debug=1`);
    return { collector, visitor, tab, url };
  };

  /**
   * Resolves with what the inspector's check of the start has found, once it matches.
   *
   * @param {Awaited<ReturnType<typeof open>>} page
   * @param {RegExp} pattern
   */
  const checkOfStart = async ({ collector, visitor }, pattern) => {
    const { page } = await visitor.openPage(`${collector.origin}/inspector`);
    await page.getByRole("link", { name: "Launch check" }).click();
    const check = page.locator('[data-check="starts"][data-state="fail"]');
    await check.getByText(pattern).waitFor();
    return (await check.textContent()) ?? "";
  };

  test("a theme and an app that both call are named by their addresses", async (t) => {
    const page = await open(
      t,
      (attributes) => [
        QUEUE_STUB,
        `<script src="/theme.js?v=1"></script>`,
        sdkTag(attributes),
        inlineScript(`
          const timer = setInterval(() => {
            if (oaiq.debug().pixels === undefined) return;
            clearInterval(timer);
            const app = document.createElement("script");
            app.src = "/app.js?customer=7";
            document.head.append(app);
          }, 50);`),
      ],
      { "/theme.js": script(CALLS), "/app.js": script(CALLS) },
    );
    const { tab, url } = page;
    await tab.waitForLog(
      new RegExp(
        `init was called twice for the same pixel, by ${url}theme\\.js and by ${url}app\\.js: keep the call in one of them`,
      ),
    );
    await tab.waitForLog(
      new RegExp(
        `page_viewed was measured twice on this page, by ${url}theme\\.js and by ${url}app\\.js`,
      ),
    );
    const found = await checkOfStart(page, /page_viewed was measured twice/);
    assert.match(found, /theme\.js and by http:\/\/localhost:\d+\/app\.js/);
    assert.doesNotMatch(found, /customer|v=1/);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("page views that the site measures beside data-oaiq-page-views are named", async (t) => {
    const { tab } = await open(t, (attributes) => [
      QUEUE_STUB,
      inlineScript(CALLS),
      sdkTag(`${attributes} data-oaiq-page-views`),
    ]);
    await tab.waitForLog(
      /page_viewed was measured twice on this page, by inline script \d of the page and by .*oaiq\.views\.min\.js: data-oaiq-page-views measures it already/,
    );
  });

  test("a page that makes each call once is not reported", async (t) => {
    const { tab } = await open(t, (attributes) => [
      QUEUE_STUB,
      inlineScript(CALLS),
      sdkTag(attributes),
    ]);
    await tab.waitForLog(/page_viewed .* is queued/);
    await tab.evaluate(
      `history.pushState(null, "", "/soap"); oaiq.measure("page_viewed", { type: "contents" })`,
    );
    await tab.evaluate(
      `oaiq("init", { pixelId: "OTHER" }); oaiq("init", { pixelId: "TEST-PIXEL", user: { country: "DE" } })`,
    );
    await tab.waitForLog(/pixel "OTHER" has started/);
    await tab.page.waitForTimeout(500);
    assert.ok(!tab.oaiqLogs.some((line) => / twice /.test(line)));
  });

  test("oaiq keeps its members and its answers while debug watches its calls", async (t) => {
    const { tab } = await open(t, (attributes) => [
      QUEUE_STUB,
      inlineScript(CALLS),
      sdkTag(attributes),
    ]);
    await tab.waitForLog(/page_viewed .* is queued/);
    assert.deepEqual(
      await tab.evaluate(
        `[oaiq.loaded, typeof oaiq.debug, typeof oaiq.q.push, Array.isArray(oaiq.queue), oaiq.length, typeof oaiq.measure]`,
      ),
      [true, "function", "function", true, 0, "function"],
    );
  });
});
