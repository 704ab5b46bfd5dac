// Tests page views without calls (www/views) in a browser, with the Navigation API and without.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ENABLE_BFCACHE, useBrowser, Visitor } from "../support/browser.mjs";
import {
  BFCACHE_PROBE,
  CONFIG_PATH,
  EVENTS_PATH,
  html,
  INIT,
  inlineScript,
  QUEUE_STUB,
  sdkTag,
  startSite,
} from "../support/site.mjs";

/**
 * @typedef {import("node:test").TestContext} TestContext
 * @typedef {import("../support/site.mjs").Site} Site
 */

/** A router, as single-page apps have one: it sets the URL, and later the title. */
const ROUTER = inlineScript(`
  window.route = (path, title, ms = 20) => {
    history.pushState(null, "", path);
    setTimeout(() => { document.title = title; }, ms);
  };`);

/** @param {string} more */
const page = (more = "", option = "data-oaiq-page-views") =>
  html(
    more,
    QUEUE_STUB,
    inlineScript(INIT),
    ROUTER,
    sdkTag(
      `data-oaiq-endpoint="${EVENTS_PATH}" data-oaiq-settings="${CONFIG_PATH}" ${option}`,
    ),
  );

const WITHOUT_NAVIGATION = inlineScript(
  `Object.defineProperty(window, "navigation", { value: undefined });`,
);

/**
 * Resolves with the paths of the page views that were delivered, once there are that many.
 *
 * @param {Site} site
 * @param {number} count
 */
const views = async (site, count) => {
  const paths = () =>
    site.measured
      .filter(({ type }) => type === "page_viewed")
      .sort((one, other) => one.timestamp_ms - other.timestamp_ms)
      .map(({ source_url }) => new URL(source_url).pathname);
  await site.waitFor(`${count} views`, () => paths().length >= count);
  return paths();
};

describe("page views without calls", () => {
  const browser = useBrowser(ENABLE_BFCACHE);

  /**
   * @param {TestContext} t
   * @param {string} text
   */
  const open = async (t, text, path = "/") => {
    const site = await startSite(t, {
      "/": text,
      "/soap": text,
      "/next": html(""),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url(path));
    await tab.waitForFunction(`typeof oaiq.__views === "function"`);
    return { site, tab };
  };

  for (const [name, more] of [
    ["with the Navigation API", ""],
    ["without the Navigation API", WITHOUT_NAVIGATION],
  ]) {
    test(`each route is measured once ${name}`, async (t) => {
      const { site, tab } = await open(t, page(more));
      await views(site, 1);
      await tab.evaluate(`route("/soap", "Soap")`);
      await tab.waitForFunction(`document.title === "Soap"`);
      await tab.evaluate(`route("/soap?size=2#top", "Soap")`);
      await tab.evaluate(`route("/cart", "Cart")`);
      await tab.waitForFunction(`document.title === "Cart"`);
      await tab.evaluate(
        `new Promise((resolve) => { addEventListener("popstate", resolve); history.go(-2); })`,
      );
      await tab.evaluate(`document.title = "Soap"`);
      assert.deepEqual(await views(site, 4), ["/", "/soap", "/cart", "/soap"]);
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`a route that the visitor leaves at once is measured ${name}`, async (t) => {
      const { site, tab } = await open(t, page(more));
      await tab.evaluate(`route("/soap", "Soap", 10000)`);
      await tab.goto(site.url("/next"));
      assert.deepEqual(await views(site, 2), ["/", "/soap"]);
    });
  }

  test("a page that is restored from the back/forward cache is measured again", async (t) => {
    const { site, tab } = await open(t, page(BFCACHE_PROBE), "/soap");
    await views(site, 1);
    await tab.leaveAfterResponses(site);
    await tab.restoreFromBfcache(site.url("/soap"));
    const restored = await tab.evaluate("isRestored");
    assert.deepEqual(await views(site, 2), ["/soap", "/soap"]);
    assert.equal(restored, true);
  });

  test("views wait for consent", async (t) => {
    const { site, tab } = await open(
      t,
      page("", `data-oaiq-page-views data-oaiq-consent="pending"`),
    );
    await tab.evaluate(`route("/soap", "Soap")`);
    await tab.waitForFunction(`document.title === "Soap"`);
    assert.deepEqual(site.requests, []);
    await tab.evaluate(`oaiq("consent", true)`);
    assert.deepEqual(await views(site, 2), ["/", "/soap"]);
  });

  test("oaiq.config.pageViews is the same option", async (t) => {
    const { site } = await open(
      t,
      page("", "").replace(
        "stub.q = [];",
        "stub.q = []; stub.config = { pageViews: true };",
      ),
    );
    assert.deepEqual(await views(site, 1), ["/"]);
  });

  for (const [name, script] of Object.entries({
    "timers never fire": `window.setTimeout = () => 1;`,
    "MutationObserver is undefined": `window.MutationObserver = undefined;`,
    "history is frozen": `Object.freeze(history);`,
    "addEventListener throws": `EventTarget.prototype.addEventListener = () => { throw new Error("replaced by the page"); };`,
    "a form is named title": `addEventListener("DOMContentLoaded", () => { document.body.innerHTML = "<form name=title></form><form name=head></form>"; });`,
  }))
    test(`the page is measured where ${name}`, async (t) => {
      const site = await startSite(t, {
        "/": page(WITHOUT_NAVIGATION + inlineScript(script)),
        "/next": html(""),
      });
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage("about:blank");
      await tab.goto(site.url("/"), "domcontentloaded");
      // without listeners the pixel does not notice that the page is left
      await tab.page.waitForTimeout(2000);
      await tab.page.evaluate(`history.pushState(null, "", "/soap")`);
      await tab.goto(site.url("/next"));
      assert.equal((await views(site, 1))[0], "/");
      assert.deepEqual(tab.pageErrors, []);
    });
});
