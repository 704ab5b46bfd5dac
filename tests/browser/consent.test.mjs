// A visitor's answer holds in all their tabs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sharedBrowser, Visitor } from "./browser.mjs";
import { html, openSite, order } from "./site.mjs";

describe("consent", () => {
  const browser = sharedBrowser();

  test("a denial in one tab stops the other at once and forgets the visitor; what was dropped is not sent after a grant", async (t) => {
    const site = await openSite(t, { "/": html(), "/next": html("") });
    const visitor = await Visitor.arrives(t, browser);
    const one = await visitor.opens(site.url("/?oppref=click-1"));
    const other = await visitor.opens(site.url());
    await one.does(order("one 1"));
    await other.does(order("other 1"));
    await site.untilOrders("one 1", "other 1");
    const before = await visitor.cookies();
    assert.equal(before.__oppref, "click-1");
    assert.equal(before.__obref, site.requests.at(-1).body.obref);

    // an order that waits in the other tab, because the one before it has no answer yet
    site.hold();
    await other.does(order("other 2"));
    await site.untilOrders("other 2");
    await other.does(order("other 3"));

    await one.does("oaiq('consent', false)");
    await other.page.waitForFunction(
      "localStorage.getItem('oaiq_consent') === 'false'",
    );
    await other.does(order("other 4"));
    await one.does(order("one 2"));
    const { __oaiq_consent: answer, ...identity } = await visitor.cookies();
    assert.equal(answer, "false");
    assert.deepEqual(identity, {});

    site.release();
    await other.goes(site.url("/next"));
    await one.does("oaiq('consent', true)");
    await one.does(order("one 3"));
    await site.untilOrders("one 3");
    assert.deepEqual(site.arrivals, {
      "one 1": 1,
      "other 1": 1,
      "other 2": 1,
      "one 3": 1,
    });
    const after = await visitor.cookies();
    assert.notEqual(after.__obref, before.__obref);
    assert.deepEqual(one.pageErrors.concat(other.pageErrors), []);
  });

  test("a visitor who has denied is told of once a session, and not named", async (t) => {
    const site = await openSite(t, { "/": html(), "/next": html() });
    const visitor = await Visitor.arrives(t, browser);
    await visitor.context.addCookies([
      { name: "__oaiq_consent", value: "false", url: site.url() },
    ]);
    const tab = await visitor.opens(site.url("/?oppref=click-1"));
    await tab.does(order("denied"));
    await site.until("the diagnostic", () => site.requests.length > 0);
    await tab.leaves(site);
    await tab.does(order("denied too"));
    await tab.goes("about:blank");

    const later = await Visitor.arrives(t, browser);
    const other = await later.opens(site.url());
    await other.does(order("granted"));
    await site.untilOrders("granted");
    assert.deepEqual(site.arrivals, { granted: 1 });
    const [{ body, headers }, ...rest] = site.requests;
    assert.deepEqual(Object.keys(body), ["events"]);
    assert.equal(body.events[0].data.consent, false);
    assert.equal(headers.cookie, undefined);
    assert.equal(headers.referer, undefined);
    assert.ok(
      rest.every(({ body }) => body.obref),
      "a second one was told",
    );
    assert.deepEqual(Object.keys(await visitor.cookies()), ["__oaiq_consent"]);
    assert.deepEqual(tab.pageErrors, []);
  });
});
