// A visitor's answer holds in all their tabs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  sdkTag,
  inlineScript,
  CONFIG_PATH,
  QUEUE_STUB,
} from "../support/site.mjs";

describe("consent", () => {
  const browser = useBrowser();

  test("a denial in one tab stops the other at once and drops its queued events for good", async (t) => {
    const site = await startSite(t, { "/": html(), "/next": html("") });
    const visitor = await Visitor.create(t, browser);
    const one = await visitor.openPage(site.url("/?oppref=click-1"));
    const other = await visitor.openPage(site.url());
    await one.evaluate(orderCall("one 1"));
    await other.evaluate(orderCall("other 1"));
    await site.waitForOrders("one 1", "other 1");
    const before = await visitor.cookies();
    assert.equal(before.__oppref, "click-1");
    assert.equal(before.__obref, site.lastRequest.body.obref);

    // an order that is queued in the other tab, because the one before it is in flight
    site.holdResponses();
    await other.evaluate(orderCall("other 2"));
    await site.waitForOrders("other 2");
    await other.evaluate(orderCall("other 3"));

    await one.evaluate("oaiq('consent', false)");
    await other.waitForFunction(
      "localStorage.getItem('oaiq_consent') === 'false'",
    );
    await other.evaluate(orderCall("other 4"));
    await one.evaluate(orderCall("one 2"));
    await one.waitForCookieWrites();
    const { __oaiq_consent: consent, ...identity } = await visitor.cookies();
    assert.equal(consent, "false");
    assert.deepEqual(identity, {});

    site.releaseResponses();
    await other.goto(site.url("/next"));
    await one.evaluate("oaiq('consent', true)");
    await one.evaluate(orderCall("one 3"));
    await site.waitForOrders("one 3");
    assert.deepEqual(site.deliveryCounts, {
      "one 1": 1,
      "other 1": 1,
      "other 2": 1,
      "one 3": 1,
    });
    const after = await visitor.cookies();
    assert.notEqual(after.__obref, before.__obref);
    assert.deepEqual(one.pageErrors.concat(other.pageErrors), []);
  });

  test("a denial is reported once per session, without identity", async (t) => {
    const site = await startSite(t, { "/": html(), "/next": html() });
    const visitor = await Visitor.create(t, browser);
    await visitor.context.addCookies([
      { name: "__oaiq_consent", value: "false", url: site.url() },
    ]);
    const tab = await visitor.openPage(site.url("/?oppref=click-1"));
    await tab.evaluate(orderCall("denied"));
    await site.waitFor("the diagnostic", () => site.requests.length > 0);
    await tab.leaveAfterResponses(site);
    await tab.evaluate(orderCall("denied too"));
    await tab.goto("about:blank");

    const later = await Visitor.create(t, browser);
    const other = await later.openPage(site.url());
    await other.evaluate(orderCall("granted"));
    await site.waitForOrders("granted");
    assert.deepEqual(site.deliveryCounts, { granted: 1 });
    const { body, headers } = site.firstRequest;
    assert.deepEqual(Object.keys(body), ["events"]);
    assert.equal(body.events[0]?.data.consent, false);
    assert.equal(headers.cookie, undefined);
    assert.equal(headers.referer, undefined);
    assert.ok(
      site.requests.slice(1).every(({ body }) => body.obref),
      "the denial was reported twice",
    );
    assert.deepEqual(Object.keys(await visitor.cookies()), ["__oaiq_consent"]);
    assert.deepEqual(tab.pageErrors, []);
  });
});

describe("a denial", () => {
  const browser = useBrowser();

  for (const [where, attributes, expected] of /** @type {const} */ ([
    [
      "a relay, with the cookie that scripts cannot read",
      "data-oaiq-relay",
      "__oaiq_relay=visitor-1",
    ],
    [
      "another endpoint without cookies",
      `data-oaiq-endpoint="${EVENTS_PATH}" data-oaiq-settings="${CONFIG_PATH}"`,
      undefined,
    ],
  ]))
    test(`reaches ${where}`, async (t) => {
      const site = await startSite(t, {
        "/": html(QUEUE_STUB, inlineScript(INIT), sdkTag(attributes)),
      });
      const visitor = await Visitor.create(t, browser);
      await visitor.context.addCookies([
        { name: "__oaiq_consent", value: "false", url: site.url() },
        {
          name: "__oaiq_relay",
          value: "visitor-1",
          domain: new URL(site.url()).hostname,
          path: "/",
          httpOnly: true,
        },
      ]);
      const tab = await visitor.openPage(site.url());
      await tab.evaluate(orderCall("denied"));
      await site.waitFor("the diagnostic", () => site.requests.length > 0);
      const { body, headers } = site.firstRequest;
      assert.deepEqual(Object.keys(body), ["events"]);
      const { cookie } = headers;
      assert.equal(
        cookie?.split("; ").find((pair) => pair.startsWith("__oaiq_relay")),
        expected,
      );
      assert.doesNotMatch(cookie ?? "", /__obref|__oppref/);
    });
});

/** Longer than a batch is delayed, and than the consent file takes to delete data. */
const IDLE_MS = 2_500;

/**
 * The names of everything that the pixel has stored for this page.
 *
 * @param {Visitor} visitor
 * @param {import("../support/browser.mjs").Tab} tab
 */
const storedNames = async (visitor, tab) => {
  await tab.waitForCookieWrites();
  /** @type {string[]} */
  const names = await tab.evaluate(`(async () => [
    ...Object.keys(localStorage), ...Object.keys(sessionStorage),
    ...(window.caches ? await caches.keys() : []), window.name,
  ])()`);
  return [...Object.keys(await visitor.cookies()), ...names].filter((name) =>
    /^_*o(aiq|ppref|bref)/.test(name),
  );
};

/** Stores what earlier pages may have left, and what belongs to the site. */
const LEAVE_DATA = `
  localStorage.setItem("oaiq_outbox.1:gone", '{"pixel":"TEST-PIXEL","events":[]}');
  localStorage.setItem("oaiq_outbox.damaged", "{");
  localStorage.setItem("oaiq_outbox.no_courier", "1");
  localStorage.setItem("basket", "3");
  sessionStorage.setItem("oaiq_cs:TEST-PIXEL", "g");
  sessionStorage.setItem("oaiq_debug_events", "[]");
  document.cookie = "__oppref=host; Path=/";
  document.cookie = "__obref=4e5e4050-f8cb-416c-9078-534b39100342; Path=/";
  document.cookie = "__obref=wide; Path=/; Domain=example.test";
  document.cookie = "__oaiq_consent=true; Path=/; Domain=example.test";
  document.cookie = "__oaiq_domain_probe=1; Path=/";
  document.cookie = "basket=3; Path=/";`;

describe("forget", { concurrency: 3 }, () => {
  const browser = useBrowser();
  const ENDPOINTS = `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}"`;
  const pending = (/** @type {string} */ attributes) =>
    html(QUEUE_STUB, inlineScript(INIT), sdkTag(`${ENDPOINTS} ${attributes}`));

  /**
   * @param {import("node:test").TestContext} t
   * @param {string} page
   * @param {string} [host]
   */
  const openPage = async (t, page, host) => {
    const site = await startSite(t, { "/": page, "/next": html() });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oppref=click-1", host));
    return { site, visitor, tab };
  };
  /** @param {import("../support/browser.mjs").Tab} tab */
  const waitUntilForgotten = (tab) =>
    tab.waitForFunction(
      "!Object.keys(localStorage).some((name) => name.startsWith('oaiq'))",
    );

  test("deletes everything on this origin, stops measurement on this page, and the next page has a new browser ID", async (t) => {
    const { site, visitor, tab } = await openPage(t, html());
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    await tab.evaluate(LEAVE_DATA);
    const before = site.lastRequest.body;
    await tab.evaluate(
      `${orderCall("queued")} oaiq("forget"); ${orderCall("forgotten")}`,
    );
    await waitUntilForgotten(tab);
    assert.deepEqual(await storedNames(visitor, tab), []);
    assert.equal(await tab.evaluate("localStorage.basket"), "3");
    assert.equal((await visitor.cookies()).basket, "3");
    await tab.evaluate(`oaiq("consent", true); ${INIT} ${orderCall("later")}`);
    await pause(IDLE_MS);
    assert.deepEqual(await storedNames(visitor, tab), []);
    assert.deepEqual(tab.oaiqLogs, []);

    await tab.goto(site.url("/next"));
    await tab.evaluate(orderCall("b"));
    await site.waitForOrders("b");
    assert.deepEqual(site.deliveryCounts, { a: 1, b: 1 });
    const after = site.lastRequest.body;
    assert.ok(after.obref && after.obref !== before.obref);
    assert.equal(after.oppref, undefined);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("deletes the worker's receipts in caches", async (t) => {
    const { visitor, tab } = await openPage(t, html(), "localhost");
    await tab.evaluate(
      `caches.open("oaiq_outbox.1:a").then(() => caches.open("mine"))`,
    );
    await tab.evaluate(`oaiq("forget")`);
    await waitUntilForgotten(tab);
    await tab.waitForFunction("caches.keys().then((all) => all.length === 1)");
    assert.deepEqual(await tab.evaluate("caches.keys()"), ["mine"]);
    assert.deepEqual(await storedNames(visitor, tab), []);
  });

  test("aborts the request in flight", async (t) => {
    const { site, tab } = await openPage(t, html());
    site.respond = () => ({ hang: true });
    await tab.evaluate(orderCall("a"));
    await site.waitFor("the request", () => site.requests.length > 0);
    await tab.evaluate(`oaiq("forget")`);
    await site.waitFor("the abort", () => site.firstRequest.aborted);
    await pause(IDLE_MS);
    assert.equal(site.requests.length, 1);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("in the queue discards all queued calls", async (t) => {
    const { site, visitor, tab } = await openPage(
      t,
      html(
        QUEUE_STUB,
        inlineScript(
          `${INIT} ${orderCall("a")} ${LEAVE_DATA} oaiq("forget"); ${orderCall("b")}`,
        ),
        sdkTag(),
      ),
    );
    await waitUntilForgotten(tab);
    await pause(IDLE_MS);
    await tab.goto(site.url("/next?x"));
    await tab.evaluate("oaiq('forget')");
    await waitUntilForgotten(tab);
    assert.deepEqual(site.deliveryCounts, {});
    assert.deepEqual(await storedNames(visitor, tab), []);
  });

  for (const { what, attributes, source } of [
    {
      what: "a call",
      attributes: 'data-consent="pending"',
      source: "call",
    },
    {
      what: "a source",
      attributes: 'data-consent-source="google"',
      source: "google",
    },
  ]) {
    test(`deletes everything while consent from ${what} is pending`, async (t) => {
      const { site, visitor, tab } = await openPage(t, pending(attributes));
      await tab.waitForFunction(`oaiq.consentState?.source === "${source}"`);
      await tab.evaluate(LEAVE_DATA);
      await tab.evaluate(`${orderCall("a")} oaiq("forget")`);
      await waitUntilForgotten(tab);
      assert.deepEqual(await storedNames(visitor, tab), []);
      const forgotten = { state: "denied", source: "forget" };
      assert.deepEqual(
        await tab.evaluate("({...oaiq.consentState})"),
        forgotten,
      );
      await tab.evaluate(`oaiq("consent", true); ${orderCall("b")}
        window.dataLayer?.push(["consent", "update", { ad_storage: "granted" }]);`);
      await pause(IDLE_MS);
      assert.deepEqual(
        await tab.evaluate("({...oaiq.consentState})"),
        forgotten,
      );
      assert.deepEqual(site.requests, []);
      assert.deepEqual(await storedNames(visitor, tab), []);
      assert.deepEqual(tab.oaiqLogs, []);
      assert.deepEqual(tab.pageErrors, []);
    });
  }

  test("stops measurement and logs what remains where the consent file is missing", async (t) => {
    const { site, visitor, tab } = await openPage(t, html());
    site.files.delete("oaiq.consent.min.js");
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    await tab.evaluate(`${orderCall("b")} oaiq("forget"); ${orderCall("c")}`);
    await tab.waitForLog(
      /forget is incomplete: oaiq\.consent\.min\.js could not be loaded/,
    );
    await pause(IDLE_MS);
    assert.deepEqual(site.deliveryCounts, { a: 1 });
    const { __obref, __oppref, __oaiq_consent } = await visitor.cookies();
    assert.deepEqual(
      [__obref, __oppref, __oaiq_consent],
      [undefined, undefined, "false"],
    );
    assert.equal(tab.oaiqLogs.length, 1);
  });
});
