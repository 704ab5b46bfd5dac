// What was measured just before a page is left arrives.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sharedBrowser, Visitor } from "../support/browser.mjs";
import {
  html,
  INIT,
  openSite,
  order,
  pixelScript,
  script,
  STUB,
} from "../support/site.mjs";

const NEXT = html(STUB, script(INIT + order("next page")), pixelScript());

describe("leaving", { concurrency: 4 }, () => {
  const browser = sharedBrowser();

  /** A page of these parts, and a next one that measures an order of its own. */
  const visitWith = async (t, ...parts) => {
    const site = await openSite(t, {
      "/": html(STUB, script(INIT), pixelScript(), ...parts),
      "/next": NEXT,
    });
    const visitor = await Visitor.arrives(t, browser);
    const tab = await visitor.opens(site.url());
    return { site, visitor, tab };
  };

  const WAYS = {
    "a click on a link": [
      `<a href="/next" onclick='${order("order")}'>Next</a>`,
      (tab) => tab.page.click("a"),
    ],
    "a form that is sent": [
      `<form action="/next" onsubmit='${order("order")}'><button>Next</button></form>`,
      (tab) => tab.page.click("button"),
    ],
    "an address set by the page right after the call": [
      script(
        `window.leave = () => { ${order("order")} location.href = "/next"; };`,
      ),
      (tab) => tab.evaluate("leave()"),
    ],
    "an order measured by the page's own pagehide listener": [
      script(`addEventListener("pagehide", () => { ${order("order")} });`),
      (tab, site) => tab.goes(site.url("/next")),
    ],
  };
  for (const [what, [part, leave]] of Object.entries(WAYS))
    test(`${what}: the order arrives once`, async (t) => {
      const { site, tab } = await visitWith(t, part);
      await leave(tab, site);
      await tab.page.waitForURL("**/next*");
      await site.untilOrders("order", "next page");
      assert.deepEqual(site.arrivals, { order: 1, "next page": 1 });
      assert.deepEqual(tab.pageErrors, []);
    });

  test("a tab that is closed right after the call: the order arrives once", async (t) => {
    const { site, tab, visitor } = await visitWith(t);
    await tab.evaluate(order("order"));
    await tab.page.close({ runBeforeUnload: true });
    await site.untilOrders("order");
    await visitor.opens(site.url("/next"));
    await site.untilOrders("next page");
    assert.equal(site.arrivals.order, 1);
  });

  test("a page that is hidden, as phones do before they close it: the order goes at once by beacon, later ones follow", async (t) => {
    const { site, tab } = await visitWith(
      t,
      script(`window.hide = () => {
        ${order("order")}
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        ${order("hidden")}
      };`),
    );
    await tab.evaluate("hide()");
    await site.untilOrders("order", "hidden");
    assert.deepEqual(site.arrivals, { order: 1, hidden: 1 });
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
    await tab.evaluate(order("before"));
    const download = tab.page.waitForEvent("download");
    await tab.page.click("a");
    await download;
    await site.untilOrders("before");
    await tab.evaluate(order("after"));
    await site.untilOrders("after");
    assert.deepEqual(site.arrivals, { before: 1, after: 1 });
  });

  test("an endpoint that does not answer: what waits behind the open request goes when the page is left", async (t) => {
    const { site, tab } = await visitWith(t);
    site.hold();
    await tab.evaluate(order("open"));
    await site.untilOrders("open");
    await tab.evaluate(order("waiting"));
    await tab.goes(site.url("/next"));
    await site.untilOrders("waiting");
  });

  for (const policy of [
    "no-referrer-when-downgrade",
    "strict-origin-when-cross-origin",
    "same-origin",
  ])
    test(`a page with a query, left under the referrer policy ${policy}: no request carries the query`, async (t) => {
      const site = await openSite(t, {
        "/": {
          html: html(STUB, script(INIT), pixelScript()),
          headers: { "referrer-policy": policy },
        },
        "/next": NEXT,
      });
      const visitor = await Visitor.arrives(t, browser);
      const tab = await visitor.opens(site.url("/?oppref=click-1&email=a"));
      await site.until("the start", () => site.pixels === 1);
      // an answer has just come, as on a page that would be left by a beacon
      await tab.evaluate(order("order") + `location.href = "/next"`);
      await tab.page.waitForURL("**/next");
      await site.untilOrders("order", "next page");
      const referers = site.requests.map(({ headers }) => headers.referer);
      for (const referer of referers) assert.doesNotMatch(referer, /[?]/);
      assert.equal(site.arrivals.order, 1);
    });
});
