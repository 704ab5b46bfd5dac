// The click that brought the visitor, on pages that do something to their address or their consent before the script.
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

describe("the click", { concurrency: 4 }, () => {
  const browser = useBrowser();

  const clicksOf = (site, id) =>
    site.requests
      .filter(({ body }) => body.events.some((event) => event.id === id))
      .map(({ body }) => body.oppref);

  test("is kept where the page changes its address before the script has loaded", async (t) => {
    const site = await startSite(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(`${INIT} ${orderCall("order")}
          history.replaceState(null, "", "/landing");
          setTimeout(() => {
            const element = document.createElement("script");
            element.src = "/sdk/oaiq.min.js";
            element.dataset.oaiqEndpoint = "/v1/sdk/events";
            element.dataset.oaiqSettings = "/pixel-config/v1";
            document.head.append(element);
          }, 800);`),
      ),
    });
    const visitor = await Visitor.create(t, browser);
    await visitor.openPage(site.url("/?oppref=ad-77"));
    await site.waitForOrders("order");
    assert.deepEqual(clicksOf(site, "order"), ["ad-77"]);
    const { __oppref } = await visitor.cookies();
    assert.equal(__oppref, "ad-77");
  });

  test("and the browser ID survive a denial that each page's queue takes back", async (t) => {
    const page = (id) =>
      html(
        QUEUE_STUB,
        inlineScript(
          `oaiq("consent", false); ${INIT} ${orderCall(`denied ${id}`)} oaiq("consent", true); ${orderCall(id)}`,
        ),
        sdkTag(),
      );
    const site = await startSite(t, { "/": page("one"), "/next": page("two") });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oppref=click-1"));
    await site.waitForResponses(tab, "one");
    await tab.goto(site.url("/next"));
    await site.waitForOrders("two");
    assert.deepEqual(site.deliveryCounts, { one: 1, two: 1 });
    assert.deepEqual(clicksOf(site, "two"), ["click-1"]);
    const references = site.requests.flatMap(({ body }) => body.obref ?? []);
    assert.equal(new Set(references).size, 1, references.join());
  });
});
