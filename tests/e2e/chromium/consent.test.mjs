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

  test("a denial in one tab stops the other at once and forgets the visitor; what was dropped is not sent after a grant", async (t) => {
    const site = await startSite(t, { "/": html(), "/next": html("") });
    const visitor = await Visitor.create(t, browser);
    const one = await visitor.openPage(site.url("/?oppref=click-1"));
    const other = await visitor.openPage(site.url());
    await one.evaluate(orderCall("one 1"));
    await other.evaluate(orderCall("other 1"));
    await site.waitForOrders("one 1", "other 1");
    const before = await visitor.cookies();
    assert.equal(before.__oppref, "click-1");
    assert.equal(before.__obref, site.requests.at(-1).body.obref);

    // an order that waits in the other tab, because the one before it has no answer yet
    site.holdResponses();
    await other.evaluate(orderCall("other 2"));
    await site.waitForOrders("other 2");
    await other.evaluate(orderCall("other 3"));

    await one.evaluate("oaiq('consent', false)");
    await other.page.waitForFunction(
      "localStorage.getItem('oaiq_consent') === 'false'",
    );
    await other.evaluate(orderCall("other 4"));
    await one.evaluate(orderCall("one 2"));
    const { __oaiq_consent: answer, ...identity } = await visitor.cookies();
    assert.equal(answer, "false");
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

  test("a visitor who has denied is told of once a session, and not named", async (t) => {
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

/** Longer than a batch waits, and than the file takes that deletes. */
const A_WHILE = 2_500;

/** The names of all that the pixel has stored for this page. */
const stored = async (visitor, tab) => {
  const names = await tab.evaluate(`(async () => [
    ...Object.keys(localStorage), ...Object.keys(sessionStorage),
    ...(window.caches ? await caches.keys() : []), window.name,
  ])()`);
  return [...Object.keys(await visitor.cookies()), ...names].filter((name) =>
    /^_*o(aiq|ppref|bref)/.test(name),
  );
};

/** What pages before this one may have left, and what belongs to the site. */
const LEFT = `
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

describe("a visitor who is forgotten", { concurrency: 3 }, () => {
  const browser = useBrowser();
  const ADDRESSES = `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}"`;
  const pending = (attributes) =>
    html(QUEUE_STUB, inlineScript(INIT), sdkTag(`${ADDRESSES} ${attributes}`));

  const arrives = async (t, front, host) => {
    const site = await startSite(t, { "/": front, "/next": html() });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oppref=click-1", host));
    return { site, visitor, tab };
  };
  const isForgotten = (tab) =>
    tab.page.waitForFunction(
      "!Object.keys(localStorage).some((name) => name.startsWith('oaiq'))",
    );

  test("has nothing left on this origin, is measured no more on this page, and is somebody else on the next", async (t) => {
    const { site, visitor, tab } = await arrives(t, html());
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    await tab.evaluate(LEFT);
    const before = site.requests.at(-1).body;
    await tab.evaluate(
      `${orderCall("waiting")} oaiq("forget"); ${orderCall("forgotten")}`,
    );
    await isForgotten(tab);
    assert.deepEqual(await stored(visitor, tab), []);
    assert.equal(await tab.evaluate("localStorage.basket"), "3");
    assert.equal((await visitor.cookies()).basket, "3");
    await tab.evaluate(`oaiq("consent", true); ${INIT} ${orderCall("later")}`);
    await pause(A_WHILE);
    assert.deepEqual(await stored(visitor, tab), []);
    assert.deepEqual(tab.oaiqLogs, []);

    await tab.goto(site.url("/next"));
    await tab.evaluate(orderCall("b"));
    await site.waitForOrders("b");
    assert.deepEqual(site.deliveryCounts, { a: 1, b: 1 });
    const after = site.requests.at(-1).body;
    assert.ok(after.obref && after.obref !== before.obref);
    assert.equal(after.oppref, undefined);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("has no caches left, where a worker has noted what has arrived", async (t) => {
    const { visitor, tab } = await arrives(t, html(), "localhost");
    await tab.evaluate(
      `caches.open("oaiq_outbox.1:a").then(() => caches.open("mine"))`,
    );
    await tab.evaluate(`oaiq("forget")`);
    await isForgotten(tab);
    await tab.page.waitForFunction(
      "caches.keys().then((all) => all.length === 1)",
    );
    assert.deepEqual(await tab.evaluate("caches.keys()"), ["mine"]);
    assert.deepEqual(await stored(visitor, tab), []);
  });

  test("has the request given up that is under way", async (t) => {
    const { site, tab } = await arrives(t, html());
    site.respond = () => ({ hang: true });
    await tab.evaluate(orderCall("a"));
    await site.waitFor("the request", () => site.requests.length > 0);
    await tab.evaluate(`oaiq("forget")`);
    await site.waitFor("its end", () => site.requests[0].aborted);
    await pause(A_WHILE);
    assert.equal(site.requests.length, 1);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("by a call that waits for the script is not measured at all", async (t) => {
    const { site, visitor, tab } = await arrives(
      t,
      html(
        QUEUE_STUB,
        inlineScript(
          `${INIT} ${orderCall("a")} ${LEFT} oaiq("forget"); ${orderCall("b")}`,
        ),
        sdkTag(),
      ),
    );
    await isForgotten(tab);
    await pause(A_WHILE);
    await tab.goto(site.url("/next?x"));
    await tab.evaluate("oaiq('forget')");
    await isForgotten(tab);
    assert.deepEqual(site.deliveryCounts, {});
    assert.deepEqual(await stored(visitor, tab), []);
  });

  for (const [way, attributes, source] of [
    ["the page", 'data-consent="pending"', "call"],
    ["a source", 'data-consent-source="google"', "google"],
  ]) {
    test(`before ${way} has an answer has nothing left either`, async (t) => {
      const { site, visitor, tab } = await arrives(t, pending(attributes));
      await tab.page.waitForFunction(
        `oaiq.consentState?.source === "${source}"`,
      );
      await tab.evaluate(LEFT);
      await tab.evaluate(`${orderCall("a")} oaiq("forget")`);
      await isForgotten(tab);
      assert.deepEqual(await stored(visitor, tab), []);
      const forgotten = { state: "denied", source: "forget" };
      assert.deepEqual(
        await tab.evaluate("({...oaiq.consentState})"),
        forgotten,
      );
      await tab.evaluate(`oaiq("consent", true); ${orderCall("b")}
        window.dataLayer?.push(["consent", "update", { ad_storage: "granted" }]);`);
      await pause(A_WHILE);
      assert.deepEqual(
        await tab.evaluate("({...oaiq.consentState})"),
        forgotten,
      );
      assert.deepEqual(site.requests, []);
      assert.deepEqual(await stored(visitor, tab), []);
      assert.deepEqual(tab.oaiqLogs, []);
      assert.deepEqual(tab.pageErrors, []);
    });
  }

  test("is measured no more even where the file is missing, and the console says what remains", async (t) => {
    const { site, visitor, tab } = await arrives(t, html());
    site.files.delete("oaiq.consent.min.js");
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    await tab.evaluate(`${orderCall("b")} oaiq("forget"); ${orderCall("c")}`);
    await tab.waitForLog(
      /forget is incomplete: oaiq\.consent\.min\.js could not be loaded/,
    );
    await pause(A_WHILE);
    assert.deepEqual(site.deliveryCounts, { a: 1 });
    const { __obref, __oppref, __oaiq_consent } = await visitor.cookies();
    assert.deepEqual(
      [__obref, __oppref, __oaiq_consent],
      [undefined, undefined, "false"],
    );
    assert.equal(tab.oaiqLogs.length, 1);
  });
});
