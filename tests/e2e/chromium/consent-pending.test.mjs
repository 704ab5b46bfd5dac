// Tests pending consent: calls are held, and nothing is stored, read or sent, until there is an answer.
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
  openSite,
} from "../support/site.mjs";

/**
 * @typedef {import("../support/site.mjs").Site} Site
 * @typedef {import("../support/browser.mjs").Tab} Tab
 */

const ENDPOINTS = `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}"`;
const pixel = (/** @type {string} */ attributes) =>
  sdkTag(`${ENDPOINTS} ${attributes}`);
const PENDING = pixel('data-consent="pending"');

const GTAG = inlineScript(`window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments); }`);
/**
 * A call of Google Consent Mode, as text.
 *
 * @param {"default" | "update"} command
 * @param {object} consent
 */
const gtag = (command, consent) =>
  `gtag("consent", ${JSON.stringify(command)}, ${JSON.stringify(consent)});`;
const DENIED = { ad_storage: "denied", ad_user_data: "denied" };
const GRANTED = { ad_storage: "granted", ad_user_data: "granted" };

/** Records in `window.accesses` what a page reads and writes in cookies and web storage. */
const WATCH = `(() => {
  window.accesses = [];
  const record = (what) => accesses.push(String(what));
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", {
    configurable: true,
    get() { record("reads cookies"); return get.call(this); },
    set(value) { record("writes " + value); set.call(this, value); },
  });
  for (const name of ["getItem", "setItem", "removeItem", "key"]) {
    const own = Storage.prototype[name];
    Storage.prototype[name] = function () { record(name + " " + arguments[0]); return own.apply(this, arguments); };
  }
})();`;

/** The same for all storage APIs. */
const WATCH_ALL = `(() => {
  window.accesses = [];
  const watch = (object, name) => {
    const property = Object.getOwnPropertyDescriptor(object, name);
    if (!property?.configurable) throw new Error("cannot watch " + name);
    for (const part of ["get", "set", "value"]) {
      const own = property[part];
      if (typeof own !== "function") continue;
      property[part] = new Proxy(own, {
        apply(target, self, args) { accesses.push([part, name, ...args.map(String)].join(" ")); return Reflect.apply(target, self, args); },
        construct(target, args) { accesses.push("new " + name); return Reflect.construct(target, args); },
      });
    }
    Object.defineProperty(object, name, property);
  };
  watch(Document.prototype, "cookie");
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches", "cookieStore", "SharedWorker", "Worker", "BroadcastChannel"])
    watch(window, name);
  for (const name of ["getItem", "setItem", "removeItem", "key", "length"]) watch(Storage.prototype, name);
  for (const name of ["has", "open", "keys", "delete", "match"]) watch(CacheStorage.prototype, name);
  watch(LockManager.prototype, "request");
})();`;

/** The same for `window.name`, which the next site can read. */
const WATCH_NAME = `(() => {
  window.accesses = [];
  const { get, set } = Object.getOwnPropertyDescriptor(window, "name");
  Object.defineProperty(window, "name", {
    configurable: true,
    get() { accesses.push("reads the name"); return get.call(this); },
    set(value) { accesses.push("names " + value); set.call(this, value); },
  });
})();`;

/**
 * Asserts that nothing was stored, read or sent.
 *
 * @param {Site} site
 * @param {Visitor} visitor
 * @param {Tab} tab
 */
const assertUntouched = async (site, visitor, tab) => {
  assert.deepEqual(await tab.evaluate("accesses"), []);
  assert.deepEqual(await visitor.cookies(), {});
  assert.deepEqual(await tab.evaluate("Object.keys(localStorage)"), []);
  assert.deepEqual(await tab.evaluate("Object.keys(sessionStorage)"), []);
  assert.deepEqual(site.requests, []);
  assert.deepEqual(site.configRequests, []);
};

/**
 * The state that the page can read.
 *
 * @param {Tab} tab
 * @returns {Promise<{state: string, source: string}>}
 */
const consentState = (tab) => tab.evaluate("({...oaiq.consentState})");
/** @param {Tab} tab */
const waitUntilPending = (tab) =>
  tab.waitForFunction("oaiq.consentState?.state === 'pending'");
/**
 * @param {Tab} tab
 * @param {"granted" | "denied"} state
 */
const waitForState = (tab, state) =>
  tab.waitForFunction(`oaiq.consentState.state === "${state}"`);

/** Longer than a batch is delayed, and than the pixel's work after the first paint. */
const IDLE_MS = 2_500;

describe("pending consent", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /**
   * Opens a page that records its accesses to cookies and storage.
   *
   * @param {import("node:test").TestContext} t
   * @param {Record<string, import("../support/site.mjs").Page>} pages
   */
  const openWatchedPage = async (t, pages, path = "/") => {
    const site = await startSite(t, pages);
    const visitor = await Visitor.create(t, browser);
    await visitor.context.addInitScript(WATCH);
    const tab = await visitor.openPage(site.url(path));
    return { site, visitor, tab };
  };

  for (const [way, parts] of Object.entries({
    "the script's attribute": [QUEUE_STUB, inlineScript(INIT), PENDING],
    "the page's config": [
      QUEUE_STUB,
      inlineScript(`oaiq.config = { consent: "pending" }; ${INIT}`),
      sdkTag(),
    ],
    init: [
      QUEUE_STUB,
      inlineScript(
        'oaiq("init", { pixelId: "TEST-PIXEL", consent: "pending" });',
      ),
      sdkTag(),
    ],
    "a later init": [
      QUEUE_STUB,
      sdkTag(),
      inlineScript(
        'oaiq("init", { pixelId: "TEST-PIXEL", consent: "pending" });',
      ),
    ],
  }))
    test(`set by ${way} loses no event and holds time, URL and click ID until a grant`, async (t) => {
      const { site, visitor, tab } = await openWatchedPage(
        t,
        { "/": html(...parts) },
        "/?oppref=click-1",
      );
      const [from, to] = await tab.evaluate(`(() => {
        const from = Date.now();
        ${orderCall("first")}
        return [from, Date.now()];
      })()`);
      await tab.evaluate("history.pushState(null, '', '/second?x=1')");
      await tab.evaluate(orderCall("second"));
      await pause(IDLE_MS);
      await assertUntouched(site, visitor, tab);
      assert.deepEqual(await consentState(tab), {
        state: "pending",
        source: "call",
      });

      await tab.evaluate("oaiq('consent', true)");
      await site.waitForOrders("first", "second");
      assert.deepEqual(site.deliveryCounts, { first: 1, second: 1 });
      const [one, two] = site.measured;
      assert.equal(one.source_url, site.url("/"));
      assert.equal(two.source_url, site.url("/second"));
      assert.ok(one.timestamp_ms >= from && one.timestamp_ms <= to);
      assert.ok(
        site.requests.some(({ body }) => body.oppref === "click-1"),
        "no request has the click ID",
      );
      assert.deepEqual(await consentState(tab), {
        state: "granted",
        source: "call",
      });
      assert.equal((await visitor.cookies()).__oppref, "click-1");
      assert.deepEqual(tab.pageErrors, []);
    });

  test("that is denied discards held events, and may be granted later", async (t) => {
    const { site, visitor, tab } = await openWatchedPage(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), PENDING),
    });
    await tab.evaluate(orderCall("held"));
    await tab.evaluate("oaiq('consent', false)");
    await tab.evaluate(orderCall("denied"));
    await pause(IDLE_MS);
    assert.deepEqual(site.requests, []);
    assert.deepEqual(site.configRequests, []);
    assert.deepEqual(Object.keys(await visitor.cookies()), ["__oaiq_consent"]);
    assert.deepEqual(await consentState(tab), {
      state: "denied",
      source: "call",
    });

    await tab.evaluate("oaiq('consent', true)");
    await tab.evaluate(orderCall("granted"));
    await site.waitForOrders("granted");
    await tab.evaluate("oaiq('consent', false)");
    await tab.evaluate(orderCall("denied"));
    assert.equal((await consentState(tab)).state, "denied");
    await tab.leaveAfterResponses(site).catch(() => {});
    assert.deepEqual(site.deliveryCounts, { granted: 1 });
    assert.deepEqual(tab.pageErrors, []);
  });

  test("holds 200 events at most and drops the oldest views first", async (t) => {
    const { site, tab } = await openWatchedPage(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), PENDING),
    });
    await tab.evaluate(`
      ${orderCall("first")}
      for (let i = 0; i < 150; i += 1)
        oaiq("measure", "page_viewed", { type: "contents" }, { event_id: "view " + i });
      for (let i = 0; i < 150; i += 1)
        oaiq("measure", "order_created", { type: "contents", amount: 1, currency: "EUR" }, { event_id: "order " + i });
      oaiq("consent", true);`);
    await site.waitForOrders("first", "order 149", "view 149");
    const ids = site.measured.map(({ id }) => id);
    // the other two are the init and the paint
    assert.equal(ids.length, 198);
    assert.equal(ids.filter((id) => id.startsWith("order")).length, 150);
    assert.ok(!ids.includes("view 102") && ids.includes("view 103"));
  });

  test("stays pending and is logged where the file of the source is missing", async (t) => {
    const site = await startSite(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(INIT),
        pixel('data-consent-source="google"'),
      ),
    });
    site.files.delete("oaiq.consent.min.js");
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    await tab.waitForLog(/oaiq\.consent\.min\.js could not be loaded/);
    assert.match(
      String(tab.oaiqLogs[0]),
      /nothing is measured before oaiq\("consent", true\)/,
    );
    await tab.evaluate(orderCall("held"));
    await tab.evaluate("oaiq('consent', true)");
    await site.waitForOrders("held");
  });

  test("loses no event on a page that has broken arrays", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${INIT}${orderCall("held")}`),
      inlineScript(
        `const { getOwnPropertyNames } = Object;
        const methods = getOwnPropertyNames(Array.prototype).filter((name) => name !== "constructor" && typeof Array.prototype[name] === "function");
        const before = methods.map((name) => Array.prototype[name]);
        for (let i = 0; i < methods.length; i += 1) Array.prototype[methods[i]] = () => { throw new Error("boom"); };
        const iterate = Array.prototype[Symbol.iterator];
        delete Array.prototype[Symbol.iterator];
        setTimeout(() => {
          ${orderCall("later")}
          oaiq("consent", true);
          // Playwright needs them
          for (let i = 0; i < methods.length; i += 1) Array.prototype[methods[i]] = before[i];
          Array.prototype[Symbol.iterator] = iterate;
        }, 2000);`,
      ),
      PENDING,
    );
    await site.waitForOrders("held", "later");
    assert.deepEqual(tab.pageErrors, []);
  });

  test("downloads no file where it is not configured", async (t) => {
    const { site, tab } = await openSite(t, browser);
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    assert.ok(!tab.hasRequested("oaiq.consent.min.js"));
    assert.equal(await tab.evaluate("oaiq.consentState"), undefined);
  });

  test("is not assumed for an inline script without consent attributes", async (t) => {
    const site = await startSite(t, { "/": html() });
    const text = site.file("oaiq.min.js").toString();
    site.pages["/"] = html(
      QUEUE_STUB,
      inlineScript(INIT),
      `<script ${ENDPOINTS}>${text}</script>`,
    );
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    assert.equal(await tab.evaluate("oaiq.consentState"), undefined);
  });

  test("follows Google Consent Mode from before and after the script", async (t) => {
    const pages = (/** @type {string[]} */ ...first) => ({
      "/": html(
        GTAG,
        inlineScript(first.join("")),
        QUEUE_STUB,
        inlineScript(INIT),
        pixel('data-consent-source="google"'),
      ),
    });
    const before = await openWatchedPage(t, pages(gtag("default", DENIED)));
    await waitUntilPending(before.tab);
    await before.tab.evaluate(orderCall("held"));
    await before.tab.waitForFunction("oaiq.consentState.source === 'google'");
    await pause(IDLE_MS);
    await assertUntouched(before.site, before.visitor, before.tab);
    await before.tab.evaluate(gtag("update", GRANTED));
    await before.site.waitForOrders("held");
    assert.deepEqual(await consentState(before.tab), {
      state: "granted",
      source: "google",
    });
    await before.tab.evaluate(gtag("update", DENIED));
    await waitForState(before.tab, "denied");
    await before.tab.evaluate(orderCall("denied"));
    await before.tab.leaveAfterResponses(before.site).catch(() => {});
    assert.deepEqual(before.site.deliveryCounts, { held: 1 });

    const known = await openWatchedPage(
      t,
      pages(gtag("default", DENIED), gtag("update", GRANTED)),
    );
    await known.tab.evaluate(orderCall("known"));
    await known.site.waitForOrders("known");

    const late = await openWatchedPage(
      t,
      pages(gtag("default", { ...GRANTED, wait_for_update: 1_500 })),
    );
    await late.tab.evaluate(orderCall("late"));
    await late.site.waitForOrders("late");
  });

  for (const [where, attributes] of Object.entries({
    "in a denied region": 'data-region="DE"',
    "in an unknown region": "",
  }))
    test(`is not resolved ${where} by a general grant before a regional denial`, async (t) => {
      const site = await startSite(t, {
        "/": html(
          GTAG,
          QUEUE_STUB,
          inlineScript(INIT + orderCall("first")),
          pixel(`data-consent-source="google" ${attributes}`),
          inlineScript(gtag("default", GRANTED) + orderCall("second")),
          // later scripts wait for it, and other tasks do not
          '<link rel="stylesheet" href="/sdk/slow.css">',
          inlineScript(
            gtag("default", { ...DENIED, region: ["DE"] }) + orderCall("third"),
          ),
        ),
      });
      site.files.set("slow.css", "");
      site.holdResponses("slow.css");
      const visitor = await Visitor.create(t, browser);
      await visitor.context.addInitScript(WATCH);
      const tab = await visitor.openPage(site.url(), "commit");
      await tab.waitForFunction(
        "window.oaiq?.consentState?.source === 'google'",
      );
      await pause(IDLE_MS);
      await assertUntouched(site, visitor, tab);
      site.releaseResponses();
      await tab.waitForFunction("dataLayer.length === 2");
      await pause(IDLE_MS);
      await assertUntouched(site, visitor, tab);
      assert.deepEqual(await consentState(tab), {
        state: "pending",
        source: "google",
      });

      await tab.evaluate(gtag("update", GRANTED));
      await site.waitForOrders("first", "second", "third");
      assert.deepEqual(tab.pageErrors, []);
    });

  test("follows the source in the attribute, not the one in oaiq.config", async (t) => {
    const { site, tab } = await openWatchedPage(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(`oaiq.config = { consentSource: "tcf" }; ${INIT}`),
        pixel('data-oaiq-consent-source="gpc"'),
      ),
    });
    await waitForState(tab, "granted");
    assert.deepEqual(await consentState(tab), {
      state: "granted",
      source: "gpc",
    });
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
  });

  test("omits user data until ad_user_data is granted", async (t) => {
    const { site, tab } = await openWatchedPage(t, {
      "/": html(
        GTAG,
        inlineScript(gtag("default", DENIED)),
        QUEUE_STUB,
        inlineScript(
          'oaiq("init", { pixelId: "TEST-PIXEL", user: { country: "DE" } });',
        ),
        pixel(
          'data-consent-source="google" data-google-data-layer="dataLayer"',
        ),
      ),
    });
    await tab.evaluate(gtag("update", { ad_storage: "granted" }));
    await tab.evaluate(orderCall("without user"));
    await site.waitForOrders("without user");
    assert.ok(site.requests.every(({ body }) => !("user" in body)));
    await tab.evaluate(gtag("update", { ad_user_data: "granted" }));
    await tab.evaluate(orderCall("with user"));
    await site.waitForOrders("with user");
    assert.deepEqual(site.lastRequest.body.user, { in: { co: "DE" } });
    await tab.evaluate(gtag("update", { ad_user_data: "denied" }));
    await tab.evaluate(orderCall("without user again"));
    await site.waitForOrders("without user again");
    assert.ok(!("user" in site.lastRequest.body));
  });

  test("a denial in one tab applies to all tabs until the next grant", async (t) => {
    const { site, visitor, tab } = await openWatchedPage(t, {
      "/": html(
        GTAG,
        QUEUE_STUB,
        inlineScript(INIT),
        pixel('data-consent-source="google"'),
      ),
    });
    await tab.evaluate(gtag("update", GRANTED));
    const other = await visitor.openPage(site.url());
    await other.evaluate(gtag("update", GRANTED));
    for (const it of [tab, other]) await it.evaluate(orderCall("both"));
    await site.waitFor("both orders", () => site.deliveryCounts.both === 2);
    await tab.evaluate(gtag("update", DENIED));
    await waitForState(other, "denied");
    assert.equal((await consentState(other)).source, "another tab");
    await other.evaluate(orderCall("denied"));
    await other.evaluate(gtag("update", GRANTED));
    await waitForState(other, "granted");
    await other.evaluate(orderCall("granted later"));
    await site.waitForOrders("granted later");
    assert.equal(site.deliveryCounts.denied, undefined);
  });

  test("a denial in one tab applies to all tabs where the page has its own banner", async (t) => {
    const { site, visitor, tab } = await openWatchedPage(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), PENDING),
    });
    const other = await visitor.openPage(site.url());
    const third = await visitor.openPage(site.url());
    for (const it of [tab, other]) await it.evaluate("oaiq('consent', true)");
    await other.evaluate(orderCall("allowed"));
    await site.waitForOrders("allowed");
    await third.evaluate(orderCall("held"));
    await tab.evaluate("oaiq('consent', false)");
    for (const it of [other, third]) {
      await waitForState(it, "denied");
      assert.equal((await consentState(it)).source, "another tab");
      await it.evaluate(orderCall("denied"));
    }

    // later grants in another tab do not apply here: nothing is measured before this tab's own
    await tab.evaluate("oaiq('consent', true)");
    await tab.evaluate("localStorage.clear()");
    await tab.evaluate(orderCall("granted again"));
    await site.waitForOrders("granted again");
    assert.deepEqual(await consentState(other), {
      state: "denied",
      source: "another tab",
    });
    await other.evaluate(orderCall("still denied"));
    for (const it of [other, third]) {
      await it.evaluate("oaiq('consent', true)");
      await it.evaluate(orderCall("granted later"));
      assert.deepEqual(await consentState(it), {
        state: "granted",
        source: "call",
      });
    }
    await site.waitFor(
      "both orders",
      () => site.deliveryCounts["granted later"] === 2,
    );
    assert.deepEqual(site.deliveryCounts, {
      allowed: 1,
      "granted again": 1,
      "granted later": 2,
    });
  });

  for (const [what, first] of [
    ["has started a pixel", INIT],
    ["has granted consent", `oaiq("consent", true);`],
  ])
    test(`is ignored in an init after the page ${what}`, async (t) => {
      const { site, tab } = await openWatchedPage(t, {
        "/": html(
          QUEUE_STUB,
          inlineScript(
            `${first} oaiq("init", { pixelId: "TEST-PIXEL", consent: "pending" });`,
          ),
          sdkTag(),
        ),
      });
      await tab.evaluate(orderCall("a"));
      await site.waitForOrders("a");
      assert.equal(await tab.evaluate("oaiq.consentState"), undefined);
    });

  test("set by an init after calls without consent holds all of them", async (t) => {
    const { site, visitor, tab } = await openWatchedPage(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(`${orderCall("a")} oaiq("consent", "granted"); oaiq("initialise", {}); oaiq("init");
          oaiq("init", { pixelId: "TEST-PIXEL", consent: "pending" });`),
        sdkTag(),
      ),
    });
    await pause(IDLE_MS);
    assert.deepEqual(await consentState(tab), {
      state: "pending",
      source: "call",
    });
    await assertUntouched(site, visitor, tab);
  });

  for (const [way, parts] of Object.entries({
    "a page with a banner": [PENDING],
    "a page with a source": [pixel('data-consent-source="tcf google"')],
  })) {
    const pages = {
      "/": html(
        QUEUE_STUB,
        inlineScript('oaiq("init", { pixelId: "TEST-PIXEL", debug: true });'),
        ...parts,
      ),
    };
    /**
     * Asserts that debug, on by `init`, by the URL and by a call, accesses nothing that `watch` records.
     *
     * @param {import("node:test").TestContext} t
     * @param {string} watch
     */
    const assertNoAccess = async (t, watch) => {
      const site = await startSite(t, pages);
      const visitor = await Visitor.create(t, browser);
      await visitor.context.addInitScript(watch);
      // localhost has caches and workers
      const url = site.url("/?oaiq_debug=1&oppref=click-1", "localhost");
      const tab = await visitor.openPage(url);
      await tab.evaluate(orderCall("a"));
      await tab.waitForLog(/pending/);
      await tab.evaluate("oaiq.debug()");
      await pause(IDLE_MS);
      assert.deepEqual(await tab.evaluate("accesses"), []);
      assert.deepEqual(site.requests, []);
      assert.deepEqual(await visitor.cookies(), {});
      assert.deepEqual(tab.pageErrors, []);
    };

    test(`accesses no storage on ${way} with debug on`, (t) =>
      assertNoAccess(t, WATCH_ALL));

    test(`does not access window.name on ${way} with debug on`, (t) =>
      assertNoAccess(t, WATCH_NAME));
  }

  test("is granted only by all sources, and denied by one", async (t) => {
    const pages = (/** @type {string[]} */ ...first) => ({
      "/": html(
        GTAG,
        ...first,
        QUEUE_STUB,
        inlineScript(INIT),
        pixel('data-consent-source="google gpc"'),
      ),
    });
    const one = await openWatchedPage(
      t,
      pages(inlineScript(gtag("update", GRANTED))),
    );
    await waitForState(one.tab, "granted");
    assert.equal((await consentState(one.tab)).source, "google gpc");

    const gpc = inlineScript(
      'Object.defineProperty(navigator, "globalPrivacyControl", { value: true });',
    );
    const other = await openWatchedPage(
      t,
      pages(gpc, inlineScript(gtag("update", GRANTED))),
    );
    await waitForState(other.tab, "denied");
    assert.equal((await consentState(other.tab)).source, "gpc");
    await other.tab.evaluate("oaiq('consent', true)");
    await other.tab.evaluate(orderCall("granted by call"));
    await other.site.waitForOrders("granted by call");
  });

  test("is granted with opt_out where GPC is set and the site says opt-out", async (t) => {
    const { site, tab } = await openWatchedPage(t, {
      "/": html(
        inlineScript(
          'Object.defineProperty(navigator, "globalPrivacyControl", { value: true });',
        ),
        QUEUE_STUB,
        inlineScript(INIT),
        pixel('data-consent-source="gpc" data-gpc="opt-out"'),
      ),
    });
    await tab.evaluate(orderCall("a"));
    await tab.evaluate(
      'oaiq("measure", "order_created", { type: "contents" }, { event_id: "b", opt_out: false })',
    );
    await site.waitForOrders("a", "b");
    assert.deepEqual(
      site.measured.map(({ opt_out }) => opt_out),
      [true, true],
    );
  });

  test("an unknown source blocks measurement and logs a warning", async (t) => {
    const { site, tab } = await openWatchedPage(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(`oaiq.config = { consentSource: "gogle" }; ${INIT}`),
        sdkTag(),
      ),
    });
    await tab.waitForLog(
      /consentSource names the unknown source "gogle" \(known: google, tcf, gpp, gpc\)/,
    );
    await tab.evaluate(orderCall("a"));
    await pause(IDLE_MS);
    assert.deepEqual(site.requests, []);
  });

  test("debug logs that there has been no answer for 5 s", async (t) => {
    const { tab } = await openWatchedPage(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript('oaiq("init", { pixelId: "TEST-PIXEL", debug: true });'),
        pixel('data-consent-source="tcf google"'),
      ),
    });
    await tab.waitForLog(/no answer about consent after 5 s, from tcf google/);
  });
});
