// Tests that events are delivered unchanged, also where the vendor's script loses or changes them.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { useBrowser } from "../support/browser.mjs";
import {
  html,
  INIT,
  orderCall,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
  openSite,
} from "../support/site.mjs";

/** The pixel's limit for a request body. */
const MAX_BODY_BYTES = 60_000;
const UUID_V4 =
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** 400 orders of about 400 bytes each, measured in one task. */
const BURST = `
  const contents = [{ id: "a-product-of-some-length", name: "N".repeat(150), quantity: 1, amount: 2599 }];
  for (let i = 0; i < 400; i += 1)
    oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR", contents }, { event_id: "order-" + i });
`;

const sha256 = (/** @type {string} */ text) =>
  createHash("sha256").update(text).digest("hex");

describe("measure", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /**
   * Opens a page whose pixel has started, and which then runs this script.
   *
   * @param {import("node:test").TestContext} t
   * @param {string} text
   */
  const openPageWith = (t, text) =>
    openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(INIT),
      sdkTag(),
      inlineScript(text),
    );

  test("changes to the arguments after the call have no effect", async (t) => {
    const { site } = await openPageWith(
      t,
      `
        const data = { type: "contents", amount: 2599, currency: "EUR", contents: [{ id: "mug", quantity: 1 }] };
        const options = { event_id: "original" };
        oaiq("measure", "order_created", data, options);
        data.amount = 1;
        data.contents[0].id = "changed";
        data.contents.push({ id: "more" });
        delete data.currency;
        options.event_id = "changed";
      `,
    );
    await site.waitForOrders("original");
    assert.deepEqual(site.measured[0].data, {
      type: "contents",
      amount: 2599,
      currency: "EUR",
      contents: [{ id: "mug", quantity: 1 }],
    });
  });

  test("event IDs and the browser ID are v4 UUIDs on plain http", async (t) => {
    const { site, tab, visitor } = await openPageWith(
      t,
      `oaiq("measure", "page_viewed", { type: "contents" }); ${orderCall("last")}`,
    );
    assert.deepEqual(
      await tab.evaluate("[isSecureContext, typeof crypto.randomUUID]"),
      [false, "undefined"],
    );
    await site.waitForOrders("last");
    const request = site.lastRequest.body;
    const view = request.events.find(({ type }) => type === "page_viewed");
    assert.match(String(view?.id), UUID_V4);
    assert.match(String(request.obref), UUID_V4);
    assert.equal((await visitor.cookies()).__obref, request.obref);
  });

  test("a request has the endpoint's cookies and no query of the page", async (t) => {
    const { site, tab } = await openSite(t, browser, QUEUE_STUB, sdkTag());
    await tab.evaluate("document.cookie = 'endpoint=1'");
    await tab.goto(site.url("/?oppref=click-1&private=1"));
    await tab.evaluate(INIT + orderCall("order"));
    await site.waitForOrders("order");
    const { headers, body } = site.lastRequest;
    assert.match(String(headers.cookie), /endpoint=1/);
    assert.equal(headers.referer, site.url("/"));
    assert.equal(body.oppref, "click-1");
    assert.equal(site.measured[0].source_url, site.url("/"));
  });

  test("identifiers are hashed on plain http", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`
        oaiq("init", { pixelId: "HASHING", user: {
          email_sha256: " Jane.Doe@Example.com ", phone_number_sha256: "+49 (170) 123-4567", first_name_sha256: "Zoë" } });
        ${orderCall("hashed")}
      `),
      sdkTag(),
    );
    await site.waitForOrders("hashed");
    const { body, text } = site.requestWith("hashed");
    assert.deepEqual(body.user.in, {
      em: sha256("jane.doe@example.com"),
      ph: sha256("491701234567"),
      fn: sha256("zoë"),
    });
    assert.doesNotMatch(text, /jane|doe|zo/i);
  });

  test("400 orders at once are delivered once each, in requests within the size limit", async (t) => {
    const { site } = await openPageWith(t, BURST);
    const ids = Array.from({ length: 400 }, (_, i) => `order-${i}`);
    await site.waitForOrders(...ids);
    assert.deepEqual(
      site.measured.map(({ id }) => id),
      ids,
    );
    for (const { text } of site.requests)
      assert.ok(
        Buffer.byteLength(text) <= MAX_BODY_BYTES,
        `${text.length} bytes`,
      );
  });

  test("at least one full request of 400 orders is delivered when the page is left at once", async (t) => {
    const { site, tab } = await openPageWith(
      t,
      `window.leave = () => { ${BURST} location.href = "/next"; };`,
    );
    await tab.evaluate("leave()");
    await tab.page.waitForURL("**/next");
    site.pages["/later"] = html(
      QUEUE_STUB,
      inlineScript(INIT + orderCall("later")),
      sdkTag(),
    );
    await tab.goto(site.url("/later"));
    await site.waitForOrders("later");
    const orders = site.measured.filter(({ id }) => id !== "later");
    const delivered = new Map(orders.map((event) => [event.id, event]));
    const bytes = site.requests.map(({ text }) => Buffer.byteLength(text));
    t.diagnostic(
      `${delivered.size} of 400 were delivered; requests of ${bytes.join(", ")} bytes`,
    );
    // browsers guarantee one full request
    const size = Math.max(
      ...orders.map((event) => JSON.stringify(event).length),
    );
    assert.ok(
      delivered.size >= Math.floor(MAX_BODY_BYTES / size) - 5,
      `${delivered.size} were delivered`,
    );
    assert.ok(Math.max(...bytes) <= MAX_BODY_BYTES);
    // A request that the browser aborts is sent again with the next lifecycle event, even if it was delivered: the endpoint
    // recognizes the duplicate by its ID.
    for (const repeat of orders)
      assert.deepEqual(repeat, delivered.get(repeat.id));
  });

  test("an event of 100 kB is delivered", async (t) => {
    const { site } = await openPageWith(
      t,
      `
        const contents = Array.from({ length: 1000 }, (_, i) => ({ id: "item-" + i, name: "N".repeat(80) }));
        oaiq("measure", "order_created", { type: "contents", contents }, { event_id: "large" });
        ${orderCall("small")}
      `,
    );
    await site.waitForOrders("large", "small");
    const large = site.measuredEvent("large");
    assert.equal(large.data.contents.length, 1000);
    assert.ok(JSON.stringify(large).length > 100_000);
    assert.deepEqual(site.deliveryCounts, { large: 1, small: 1 });
  });

  for (const [what, name] of [
    ["characters", `"N".repeat(2000)`],
    ["bytes but fewer characters", `"é".repeat(600)`],
  ])
    test(`an event of more than 1 MiB of ${what} is rejected and counted`, async (t) => {
      const { site, tab } = await openPageWith(
        t,
        `
          const contents = Array.from({ length: 1000 }, () => ({ name: ${name} }));
          oaiq("measure", "order_created", { type: "contents", contents }, { event_id: "large" });
          ${orderCall("small")}
        `,
      );
      await site.waitForOrders("small");
      await site.waitFor(
        "the diagnostic",
        () => site.rejectedCalls.invalid_event_props,
      );
      assert.deepEqual(site.deliveryCounts, { small: 1 });
      assert.deepEqual(site.rejectedCalls, { invalid_event_props: 1 });
      assert.equal(tab.oaiqLogs.length, 1);
      assert.match(tab.oaiqLogs[0], /order_created was not measured/);
    });
});
