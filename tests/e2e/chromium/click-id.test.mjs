// The click that brought the visitor, on pages that do something to their address or their consent before the script.
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

describe("the click", { concurrency: 4 }, () => {
  const browser = sharedBrowser();

  const clicksOf = (site, id) =>
    site.requests
      .filter(({ body }) => body.events.some((event) => event.id === id))
      .map(({ body }) => body.oppref);

  test("is kept where the page changes its address before the script has loaded", async (t) => {
    const site = await openSite(t, {
      "/": html(
        STUB,
        script(`${INIT} ${order("order")}
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
    const visitor = await Visitor.arrives(t, browser);
    await visitor.opens(site.url("/?oppref=ad-77"));
    await site.untilOrders("order");
    assert.deepEqual(clicksOf(site, "order"), ["ad-77"]);
    const { __oppref } = await visitor.cookies();
    assert.equal(__oppref, "ad-77");
  });

  test("and the browser ID survive a denial that each page's queue takes back", async (t) => {
    const page = (id) =>
      html(
        STUB,
        script(
          `oaiq("consent", false); ${INIT} ${order(`denied ${id}`)} oaiq("consent", true); ${order(id)}`,
        ),
        pixelScript(),
      );
    const site = await openSite(t, { "/": page("one"), "/next": page("two") });
    const visitor = await Visitor.arrives(t, browser);
    const tab = await visitor.opens(site.url("/?oppref=click-1"));
    await site.untilAnswered(tab, "one");
    await tab.goes(site.url("/next"));
    await site.untilOrders("two");
    assert.deepEqual(site.arrivals, { one: 1, two: 1 });
    assert.deepEqual(clicksOf(site, "two"), ["click-1"]);
    const references = site.requests.flatMap(({ body }) => body.obref ?? []);
    assert.equal(new Set(references).size, 1, references.join());
  });
});
