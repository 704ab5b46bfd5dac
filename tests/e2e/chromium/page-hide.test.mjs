// Tests that events measured just before a page is left are delivered.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  html,
  INIT,
  startSite,
  orderCall,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
} from "../support/site.mjs";

const NEXT = html(
  QUEUE_STUB,
  inlineScript(INIT + orderCall("next page")),
  sdkTag(),
);

describe("page hide", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /**
   * Opens a page with these parts, on a site whose next page measures an order of its own.
   *
   * @param {import("node:test").TestContext} t
   * @param {string[]} parts
   */
  const openPageWith = async (t, ...parts) => {
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), sdkTag(), ...parts),
      "/next": NEXT,
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    return { site, visitor, tab };
  };

  /**
   * @typedef {import("../support/browser.mjs").Tab} Tab
   * @typedef {import("../support/site.mjs").Site} Site
   * @type {Record<string, [string, (tab: Tab, site: Site) => Promise<unknown>]>}
   */
  const NAVIGATIONS = {
    "a link": [
      `<a href="/next" onclick='${orderCall("order")}'>Next</a>`,
      (tab) => tab.page.click("a"),
    ],
    "a form": [
      `<form action="/next" onsubmit='${orderCall("order")}'><button>Next</button></form>`,
      (tab) => tab.page.click("button"),
    ],
    "a script": [
      inlineScript(
        `window.leave = () => { ${orderCall("order")} location.href = "/next"; };`,
      ),
      (tab) => tab.evaluate("leave()"),
    ],
    "a page whose pagehide listener measures it": [
      inlineScript(
        `addEventListener("pagehide", () => { ${orderCall("order")} });`,
      ),
      (tab, site) => tab.goto(site.url("/next")),
    ],
  };
  for (const [what, [part, leave]] of Object.entries(NAVIGATIONS))
    test(`an order is delivered once when the page is left by ${what}`, async (t) => {
      const { site, tab } = await openPageWith(t, part);
      await leave(tab, site);
      await tab.page.waitForURL("**/next*");
      await site.waitForOrders("order", "next page");
      assert.deepEqual(site.deliveryCounts, { order: 1, "next page": 1 });
      assert.deepEqual(tab.pageErrors, []);
    });

  test("an order is delivered once when the tab is closed right after the call", async (t) => {
    const { site, tab, visitor } = await openPageWith(t);
    await tab.evaluate(orderCall("order"));
    await tab.page.close({ runBeforeUnload: true });
    await site.waitForOrders("order");
    await visitor.openPage(site.url("/next"));
    await site.waitForOrders("next page");
    assert.equal(site.deliveryCounts.order, 1);
  });

  test("a hidden page sends its events by beacon at once", async (t) => {
    const { site, tab } = await openPageWith(
      t,
      inlineScript(`window.hide = () => {
        ${orderCall("order")}
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        ${orderCall("hidden")}
      };`),
    );
    // phones hide a page before they close it
    await tab.evaluate("hide()");
    await site.waitForOrders("order", "hidden");
    assert.deepEqual(site.deliveryCounts, { order: 1, hidden: 1 });
    const { headers } = site.requestWith("order");
    assert.equal(headers["content-type"], "text/plain;charset=UTF-8");
  });

  test("orders before and after a download link are delivered once", async (t) => {
    const { site, tab } = await openPageWith(t, `<a href="/file">Download</a>`);
    site.pages["/file"] = {
      html: "a file",
      headers: { "content-disposition": "attachment" },
    };
    await tab.evaluate(orderCall("before"));
    const download = tab.page.waitForEvent("download");
    await tab.page.click("a");
    await download;
    await site.waitForOrders("before");
    await tab.evaluate(orderCall("after"));
    await site.waitForOrders("after");
    assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
  });

  test("events queued behind a request in flight are sent when the page is left", async (t) => {
    const { site, tab } = await openPageWith(t);
    site.holdResponses();
    await tab.evaluate(orderCall("in flight"));
    await site.waitForOrders("in flight");
    await tab.evaluate(orderCall("queued"));
    await tab.goto(site.url("/next"));
    await site.waitForOrders("queued");
  });

  for (const policy of [
    "no-referrer-when-downgrade",
    "strict-origin-when-cross-origin",
    "same-origin",
    "unsafe-url",
  ])
    test(`no request carries the page's query under the referrer policy ${policy}`, async (t) => {
      const site = await startSite(t, {
        "/": {
          html: html(QUEUE_STUB, inlineScript(INIT), sdkTag()),
          headers: { "referrer-policy": policy },
        },
        "/next": NEXT,
      });
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url("/?oppref=click-1&email=a"));
      await site.waitForPixels(1);
      // just after a response, when a page may send a beacon on page hide
      await tab.evaluate(orderCall("order") + `location.href = "/next"`);
      await tab.page.waitForURL("**/next");
      await site.waitForOrders("order", "next page");
      const referers = site.requests.map(({ headers }) => headers.referer);
      for (const referer of referers)
        assert.doesNotMatch(String(referer), /[?]/);
      assert.equal(site.deliveryCounts.order, 1);
    });

  test("no request carries the page's query where fetch throws", async (t) => {
    const broken = `window.fetch = (url, { method }) => {
      window.posts = (window.posts ?? 0) + (method === "POST");
      throw new Error("replaced by the page");
    };`;
    const site = await startSite(t, {
      "/": {
        html: html(
          inlineScript(broken),
          QUEUE_STUB,
          inlineScript(INIT + orderCall("order")),
          sdkTag(),
        ),
        headers: { "referrer-policy": "no-referrer-when-downgrade" },
      },
      "/next": NEXT,
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oppref=click-1&email=a"));
    await tab.waitForFunction("window.posts");
    await tab.goto(site.url("/next"));
    await site.waitForOrders("order", "next page");
    for (const { headers } of site.requests)
      assert.doesNotMatch(String(headers.referer), /[?]/);
  });
});
