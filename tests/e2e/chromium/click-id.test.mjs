// Tests the click ID on pages that change their URL or the consent before the script loads.
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

describe("the click ID", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /**
   * The click IDs in the requests with this event.
   *
   * @param {import("../support/site.mjs").Site} site
   * @param {string} id
   */
  const clickIdsOf = (site, id) =>
    site.requests
      .filter(({ body }) => body.events.some((event) => event.id === id))
      .map(({ body }) => body.oppref);

  test("survives a change of the URL before the script loads", async (t) => {
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
    assert.deepEqual(clickIdsOf(site, "order"), ["ad-77"]);
    const { __oppref } = await visitor.cookies();
    assert.equal(__oppref, "ad-77");
  });

  test("and the browser ID survive a queued denial that a queued grant revokes", async (t) => {
    const page = (/** @type {string} */ id) =>
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
    for (const id of ["one", "two"])
      assert.deepEqual(clickIdsOf(site, id), ["click-1"]);
    const browserIds = site.requests.flatMap(({ body }) => body.obref ?? []);
    assert.equal(new Set(browserIds).size, 1, browserIds.join());
  });
});
