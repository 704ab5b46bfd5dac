// What was measured just before a page is left arrives.
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

describe("leaving", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /** A page of these parts, and a next one that measures an order of its own. */
  const visitWith = async (t, ...parts) => {
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), sdkTag(), ...parts),
      "/next": NEXT,
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    return { site, visitor, tab };
  };

  const WAYS = {
    "a click on a link": [
      `<a href="/next" onclick='${orderCall("order")}'>Next</a>`,
      (tab) => tab.page.click("a"),
    ],
    "a form that is sent": [
      `<form action="/next" onsubmit='${orderCall("order")}'><button>Next</button></form>`,
      (tab) => tab.page.click("button"),
    ],
    "an address set by the page right after the call": [
      inlineScript(
        `window.leave = () => { ${orderCall("order")} location.href = "/next"; };`,
      ),
      (tab) => tab.evaluate("leave()"),
    ],
    "an order measured by the page's own pagehide listener": [
      inlineScript(
        `addEventListener("pagehide", () => { ${orderCall("order")} });`,
      ),
      (tab, site) => tab.goto(site.url("/next")),
    ],
  };
  for (const [what, [part, leave]] of Object.entries(WAYS))
    test(`${what}: the order arrives once`, async (t) => {
      const { site, tab } = await visitWith(t, part);
      await leave(tab, site);
      await tab.page.waitForURL("**/next*");
      await site.waitForOrders("order", "next page");
      assert.deepEqual(site.deliveryCounts, { order: 1, "next page": 1 });
      assert.deepEqual(tab.pageErrors, []);
    });

  test("a tab that is closed right after the call: the order arrives once", async (t) => {
    const { site, tab, visitor } = await visitWith(t);
    await tab.evaluate(orderCall("order"));
    await tab.page.close({ runBeforeUnload: true });
    await site.waitForOrders("order");
    await visitor.openPage(site.url("/next"));
    await site.waitForOrders("next page");
    assert.equal(site.deliveryCounts.order, 1);
  });

  test("a page that is hidden, as phones do before they close it: the order goes at once by beacon, later ones follow", async (t) => {
    const { site, tab } = await visitWith(
      t,
      inlineScript(`window.hide = () => {
        ${orderCall("order")}
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        ${orderCall("hidden")}
      };`),
    );
    await tab.evaluate("hide()");
    await site.waitForOrders("order", "hidden");
    assert.deepEqual(site.deliveryCounts, { order: 1, hidden: 1 });
    const { headers } = site.requests.find(({ body }) =>
      body.events.some(({ id }) => id === "order"),
    );
    assert.equal(headers["content-type"], "text/plain;charset=UTF-8");
  });

  test("a link that starts a download leaves nothing: orders before and after arrive once", async (t) => {
    const { site, tab } = await visitWith(t, `<a href="/file">Download</a>`);
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

  test("an endpoint that does not answer: what waits behind the open request goes when the page is left", async (t) => {
    const { site, tab } = await visitWith(t);
    site.holdResponses();
    await tab.evaluate(orderCall("open"));
    await site.waitForOrders("open");
    await tab.evaluate(orderCall("waiting"));
    await tab.goto(site.url("/next"));
    await site.waitForOrders("waiting");
  });

  for (const policy of [
    "no-referrer-when-downgrade",
    "strict-origin-when-cross-origin",
    "same-origin",
  ])
    test(`a page with a query, left under the referrer policy ${policy}: no request carries the query`, async (t) => {
      const site = await startSite(t, {
        "/": {
          html: html(QUEUE_STUB, inlineScript(INIT), sdkTag()),
          headers: { "referrer-policy": policy },
        },
        "/next": NEXT,
      });
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url("/?oppref=click-1&email=a"));
      await site.waitFor("the start", () => site.startedPixels === 1);
      // an answer has just come, as on a page that would be left by a beacon
      await tab.evaluate(orderCall("order") + `location.href = "/next"`);
      await tab.page.waitForURL("**/next");
      await site.waitForOrders("order", "next page");
      const referers = site.requests.map(({ headers }) => headers.referer);
      for (const referer of referers) assert.doesNotMatch(referer, /[?]/);
      assert.equal(site.deliveryCounts.order, 1);
    });
});
