// Walks through the demo shop, with the collector as the endpoint.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { checkout, startCollector } from "../support/collector.mjs";

const EMAIL = "Jane.Doe@Example.com";

describe("the demo shop", () => {
  const browser = useBrowser();

  test("each step from an ad click to an order, a lead and a sign-up reaches the collector once", async (t) => {
    const collector = await startCollector(t);
    const { origin } = collector;
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(`${origin}/shop/?oppref=demo-click-1`);
    const { page } = tab;

    /**
     * Resolves with all recorded events, oldest first, once it has that many events with this name.
     *
     * @param {string} name
     */
    const waitForEvents = async (name, count = 1) => {
      const all = await collector.waitFor(
        name,
        (entries) =>
          entries.filter(({ event }) => event.type === name).length >= count,
      );
      return all.sort(
        (one, other) => one.event.timestamp_ms - other.event.timestamp_ms,
      );
    };

    await page.click("#see-collection");
    await page.click(`main a[href="product.html?id=tide-mug"]`);
    await page.click(`[aria-label="One more"]`);
    await page.click("#add-to-cart");
    await page.click("#added a");
    await page.click("#to-checkout");
    const number = await checkout(page, EMAIL);
    await page.reload();
    await page.waitForSelector("#order-number:not(:empty)");

    await page.click(`header nav a[href="contact.html"]`);
    await page.fill("#name", "Jane Doe");
    await page.fill("#email", EMAIL);
    await page.click("#send-request");
    await page.waitForSelector("#contact-confirmation");

    await page.click(`header nav a[href="signup.html"]`);
    await page.fill("#email", ` ${EMAIL} `);
    await page.click("#sign-up");
    await page.waitForSelector("#signup-confirmation");
    const all = await waitForEvents("registration_completed");

    const measured = all.filter(({ event }) => !event.type.includes("::"));
    assert.deepEqual(
      measured.map(({ event }) => [event.type, event.source_url]),
      [
        ["page_viewed", "/shop/"],
        ["page_viewed", "/shop/products.html"],
        ["contents_viewed", "/shop/product.html"],
        ["items_added", "/shop/product.html"],
        ["page_viewed", "/shop/cart.html"],
        ["checkout_started", "/shop/checkout.html"],
        ["order_created", "/shop/thanks.html"],
        ["page_viewed", "/shop/contact.html"],
        ["lead_created", "/shop/contact.html"],
        ["page_viewed", "/shop/signup.html"],
        ["registration_completed", "/shop/signup.html"],
      ].map(([type, path]) => [type, origin + path]),
    );
    const { __obref: obref } = await visitor.cookies();
    for (const { oppref, obref: sent } of measured)
      assert.deepEqual([oppref, sent], ["demo-click-1", obref]);

    const first = (/** @type {string} */ type) =>
      measured.find(({ event }) => event.type === type) ??
      assert.fail(`no ${type}`);
    const { event: order } = first("order_created");
    assert.equal(order.id, number);
    assert.equal(order.data.amount, 5300);
    assert.equal(order.data.currency, "EUR");
    assert.equal(order.data.contents[0].quantity, 2);
    const { user } = first("registration_completed");
    assert.equal(
      user.in.em,
      createHash("sha256").update(EMAIL.toLowerCase()).digest("hex"),
    );
    assert.doesNotMatch(
      JSON.stringify(await collector.entries()),
      /jane|doe@|borkum/i,
    );
    // the pixel's start and the first page view are in one batch
    const [start] = all.filter(
      ({ event }) => event.type === "openai::sdk_init",
    );
    assert.equal(start?.batch, measured[0]?.batch);
    assert.ok(start?.batch_size >= 2);

    // a denial, and a grant
    await page.click("#consent-switch");
    await tab.waitForCookieWrites();
    assert.deepEqual(Object.keys(await visitor.cookies()), ["__oaiq_consent"]);
    await page.click(`header nav a[href="products.html"]`);
    await page.waitForSelector(".product-card");
    await page.click("#consent-switch");
    await page.click(`header nav a[href="contact.html"]`);
    await page.waitForURL("**/contact.html");
    const later = (await waitForEvents("page_viewed", 6)).filter(
      ({ event }) => event.type === "page_viewed",
    );
    assert.deepEqual(
      later.slice(5).map(({ event, oppref }) => [event.source_url, oppref]),
      [[`${origin}/shop/contact.html`, undefined]],
    );

    const inspector = await visitor.openPage(`${origin}/inspector`);
    const row = inspector.page.locator(
      `[data-event-type="order_created"][data-event-id="${number}"]`,
    );
    await row.waitFor();
    assert.equal(await row.count(), 1);
    assert.match(String(await row.textContent()), /53\.00/);

    for (const { pageErrors, console } of [tab, inspector]) {
      assert.deepEqual(pageErrors, []);
      assert.deepEqual(
        console.filter(({ type }) => type === "error" || type === "warning"),
        [],
      );
    }
  });
});
