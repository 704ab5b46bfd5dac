// Tests the tags of Google Tag Manager's template in a browser, with stand-ins for Tag Manager's APIs and the real pixel.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { readTemplate } from "../../unit/gtm/template.mjs";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { startCollector } from "../support/collector.mjs";
import {
  CONFIG_PATH,
  EVENTS_PATH,
  html,
  inlineScript,
  PIXEL_ID,
  startSite,
} from "../support/site.mjs";

/** Tag Manager injects scripts by https only. */
const FOLDER = "https://cdn.example.test/oaiq/";
const URL_OF_SCRIPT = `${FOLDER}oaiq.min.js`;

const template = await readTemplate(URL_OF_SCRIPT);
const sandbox = await readFile(
  join(root, "tests/unit/gtm/sandbox.mjs"),
  "utf8",
);

/** What the page has for the pixel before Tag Manager's snippet. */
const CONFIG = inlineScript(
  `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" } };`,
);

/** Tag Manager's snippet: `fire(fields)` fires a tag, and resolves with what the tag reports. */
const TAG_MANAGER = `<script type="module">
  ${sandbox}
  const layer = new DataLayer();
  window.dataLayer = { push: (entry) => layer.push(entry) };
  window.gtmConsent = new Consent();
  window.gtmLogs = [];
  const tags = new Sandbox({
    permissions: ${JSON.stringify(template.permissions)},
    page: window,
    layer,
    consent: window.gtmConsent,
    log: (text) => window.gtmLogs.push(text),
    load: (url, onload, onerror) =>
      document.head.append(Object.assign(document.createElement("script"), { async: true, src: url, onload, onerror })),
  });
  const code = ${JSON.stringify(template.code).replaceAll("</", "<\\/")};
  window.fire = (fields) =>
    tags.fire(code, {
      scriptUrl: "${URL_OF_SCRIPT}",
      pixelId: "${PIXEL_ID}",
      eventSource: "layer",
      consent: "consentMode",
      debug: "false",
      ...fields,
    });
</script>`;

const PURCHASE = {
  event: "purchase",
  ecommerce: {
    transaction_id: "T-1",
    value: 59.97,
    currency: "EUR",
    items: [{ item_id: "mug", item_name: "Mug", price: 19.99, quantity: 3 }],
  },
};
const ORDER = {
  type: "contents",
  amount: 5997,
  currency: "EUR",
  contents: [
    {
      id: "mug",
      name: "Mug",
      content_type: "product",
      quantity: 3,
      amount: 1999,
    },
  ],
};

/**
 * Serves the pixel's files at FOLDER.
 *
 * @param {Visitor} visitor
 * @param {(name: string) => Promise<Buffer> | Buffer} readFile
 */
const servePixel = (visitor, readFile) =>
  visitor.context.route(`${FOLDER}*`, async (route) =>
    route.fulfill({
      contentType: "text/javascript; charset=utf-8",
      body: await readFile(route.request().url().slice(FOLDER.length)),
    }),
  );

/**
 * @param {import("../support/browser.mjs").Tab} tab
 * @param {Record<string, unknown>} [fields] of the tag
 * @param {Record<string, unknown>} [entry] pushed to the data layer before
 * @returns {Promise<"success" | "failure">}
 */
const fire = async (tab, fields = {}, entry = {}) => {
  await tab.waitForFunction("window.fire");
  return tab.evaluate(
    `dataLayer.push(${JSON.stringify(entry)}), fire(${JSON.stringify(fields)})`,
  );
};

const PAGE_VIEW = { eventSource: "standard", standardEvent: "page_viewed" };

describe("Google Tag Manager's template", { concurrency: 3 }, () => {
  const browser = useBrowser();

  /**
   * A site with Tag Manager, opened by a new visitor who comes from an ad.
   *
   * @param {import("node:test").TestContext} t
   * @param {string[]} head what the page has before Tag Manager's snippet
   */
  const open = async (t, ...head) => {
    const page = html(...head, TAG_MANAGER);
    const site = await startSite(t, { "/": page });
    const visitor = await Visitor.create(t, browser);
    await servePixel(visitor, (name) => site.file(name));
    const tab = await visitor.openPage(site.url("/?oppref=click-1"));
    return { site, visitor, tab };
  };

  test("measures a page view and an order of the data layer", async (t) => {
    const { site, tab } = await open(t, CONFIG);
    const email = "Jane.Doe@Example.com";
    assert.equal(await fire(tab, PAGE_VIEW), "success");
    assert.equal(
      await fire(tab, { email_sha256: ` ${email}` }, PURCHASE),
      "success",
    );
    await site.waitForOrders("T-1");
    assert.deepEqual(
      site.measured.map(({ type, data }) => [type, data]),
      [
        ["page_viewed", { type: "contents" }],
        ["order_created", ORDER],
      ],
    );
    const { body } = site.requestWith("T-1");
    assert.equal(body.oppref, "click-1");
    assert.equal(
      body.user.in.em,
      createHash("sha256").update(email.toLowerCase()).digest("hex"),
    );
    assert.equal(site.startedPixels, 1);
    assert.deepEqual(site.rejectedCalls, {});
    assert.deepEqual(
      tab.requests.filter((url) => url === URL_OF_SCRIPT),
      [URL_OF_SCRIPT],
    );
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
    assert.deepEqual(await tab.evaluate("gtmLogs"), []);
  });

  test("stores and sends nothing until Consent Mode grants, and nothing after it denies", async (t) => {
    const { site, tab, visitor } = await open(t, CONFIG);
    await tab.waitForFunction("window.fire");
    await tab.evaluate(
      "gtmConsent.update({ ad_storage: false, ad_user_data: false })",
    );
    assert.equal(await fire(tab, { country: "DE" }, PURCHASE), "success");
    await tab.waitForFunction(`window.oaiq.consentState?.state === "pending"`);
    await tab.waitForCookieWrites();
    assert.deepEqual(await visitor.cookies(), {});
    assert.equal(await tab.evaluate("localStorage.length"), 0);
    assert.deepEqual(site.requests, []);

    await tab.evaluate("gtmConsent.update({ ad_storage: true })");
    await site.waitForOrders("T-1");
    const { body } = site.requestWith("T-1");
    assert.equal(body.oppref, "click-1");
    assert.equal(body.user, undefined);

    await tab.evaluate("gtmConsent.update({ ad_user_data: true })");
    const later = { event: "generate_lead", lead_id: "L-1" };
    assert.equal(await fire(tab, { country: "DE" }, later), "success");
    await site.waitForOrders("L-1");
    assert.deepEqual(site.requestWith("L-1").body.user, { in: { co: "DE" } });

    await tab.evaluate("gtmConsent.update({ ad_storage: false })");
    await tab.waitForFunction(`window.oaiq.consentState.state === "denied"`);
    const last = { event: "generate_lead", lead_id: "L-2" };
    assert.equal(await fire(tab, {}, last), "success");
    await tab.waitForCookieWrites();
    assert.deepEqual(Object.keys(await visitor.cookies()), ["__oaiq_consent"]);
    await tab.evaluate("gtmConsent.update({ ad_storage: true })");
    await fire(tab, {}, { event: "generate_lead", lead_id: "L-3" });
    await site.waitForOrders("L-3");
    assert.deepEqual(site.deliveryCounts, { "T-1": 1, "L-1": 1, "L-3": 1 });
  });

  test("measures on the next page what a visitor grants after a denial", async (t) => {
    const { site, tab } = await open(t, CONFIG);
    await fire(tab, PAGE_VIEW);
    await tab.evaluate("gtmConsent.update({ ad_storage: false })");
    await tab.waitForFunction(`/q_consent=false/.test(document.cookie)`);
    await tab.goto(site.url("/"));
    assert.equal(await fire(tab, {}, PURCHASE), "success");
    await site.waitForOrders("T-1");
  });

  test("waits for the page's call where the tag says so", async (t) => {
    const { site, tab } = await open(t, CONFIG);
    await fire(tab, { consent: "pending" }, PURCHASE);
    await tab.waitForFunction(`window.oaiq.consentState?.state === "pending"`);
    assert.deepEqual(site.requests, []);
    await tab.evaluate(`oaiq("consent", true)`);
    await site.waitForOrders("T-1");
  });

  test("measures with the snippet of the page, without a URL", async (t) => {
    const stub = await readFile(join(root, "www/snippet/stub.html"), "utf8");
    const { site, tab } = await open(
      t,
      CONFIG,
      stub,
      `<script async src="/sdk/oaiq.min.js"></script>`,
      inlineScript(`oaiq("init", { pixelId: "${PIXEL_ID}" });`),
    );
    const fields = { scriptUrl: "", consent: "page" };
    assert.equal(await fire(tab, fields, PURCHASE), "success");
    await site.waitForOrders("T-1");
    assert.equal(site.startedPixels, 1);
    assert.ok(!tab.requests.includes(URL_OF_SCRIPT));
  });

  test("keeps two pixels apart", async (t) => {
    const { site, tab } = await open(t, CONFIG);
    await fire(tab, { pixelId: "OTHER" }, { event: "sign_up" });
    await fire(tab, {}, PURCHASE);
    await site.waitForOrders("T-1");
    await site.waitFor("the sign-up", () =>
      site.measured.some(({ type }) => type === "registration_completed"),
    );
    /** @param {string} type */
    const pixelsWith = (type) =>
      site.requests
        .filter(({ body }) => body.events.some((event) => event.type === type))
        .map(({ query }) => query.pid);
    assert.deepEqual(pixelsWith("registration_completed"), ["OTHER"]);
    assert.deepEqual(pixelsWith("order_created"), [PIXEL_ID]);
  });

  test("reports a failure and throws nothing where the script cannot be loaded", async (t) => {
    const { site, tab, visitor } = await open(t, CONFIG);
    await visitor.context.unrouteAll();
    await visitor.context.route(`${FOLDER}*`, (route) => route.abort());
    assert.equal(await fire(tab, {}, PURCHASE), "failure");
    assert.match((await tab.evaluate("gtmLogs")).join(), /could not be loaded/);
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(site.requests, []);
  });

  test("measures with the script that the collector serves", async (t) => {
    const collector = await startCollector(t);
    const { origin } = collector;
    const visitor = await Visitor.create(t, browser);
    await servePixel(visitor, async (name) => {
      const response = await fetch(`${origin}/sdk/${name}`);
      assert.equal(response.status, 200, name);
      return Buffer.from(await response.arrayBuffer());
    });
    const page = `${origin}/shop/tag-manager.html`;
    await visitor.context.route(page, (route) =>
      route.fulfill({
        contentType: "text/html; charset=utf-8",
        body: html(CONFIG, TAG_MANAGER),
      }),
    );
    const tab = await visitor.openPage(page);
    const events = [
      [{}, { event: "view_item", ecommerce: PURCHASE.ecommerce }],
      [{}, PURCHASE],
      [{}, { event: "generate_lead", value: "50,00", currency: "EUR" }],
      [
        {},
        {
          event: "subscribe",
          ecommerce: null,
          plan_id: "pro",
          value: 9.9,
          currency: "USD",
        },
      ],
      [{ eventSource: "custom", customEventName: "quiz_done" }, {}],
    ];
    for (const [fields, entry] of events)
      assert.equal(await fire(tab, fields, entry), "success");
    const entries = await collector.waitFor("a custom event", (all) =>
      all.some(({ event }) => event.type === "custom"),
    );
    const measured = entries.filter(({ event }) => !event.type.includes("::"));
    assert.deepEqual(
      measured
        .map(({ event, verdict }) => [event.type, event.data, verdict])
        .reverse(),
      [
        ["contents_viewed", ORDER, "counted"],
        ["order_created", ORDER, "counted"],
        [
          "lead_created",
          { type: "customer_action", amount: 5000, currency: "EUR" },
          "counted",
        ],
        [
          "subscription_created",
          {
            type: "plan_enrollment",
            amount: 990,
            currency: "USD",
            plan_id: "pro",
          },
          "counted",
        ],
        ["custom", { type: "custom" }, "counted"],
      ],
    );
    assert.deepEqual(tab.pageErrors, []);
  });
});
