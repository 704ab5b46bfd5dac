// What the console says with debug, for whoever looks for an event that did not arrive.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { useBrowser, Visitor, waitUntil } from "../support/browser.mjs";
import {
  html,
  INIT,
  startSite,
  orderCall,
  PIXEL_ID,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
  openSite,
} from "../support/site.mjs";

/**
 * @typedef {import("node:test").TestContext} TestContext
 * @typedef {import("../support/browser.mjs").TestBrowser} TestBrowser
 * @typedef {import("../support/browser.mjs").Tab} Tab
 * @typedef {Record<string, string>} Row of a table, by column
 */

const DEBUG = `oaiq("init", { pixelId: "${PIXEL_ID}", debug: true, user: { email_sha256: "me@shop.test" } });`;

/**
 * A visit of a page that has started its pixel with debug, and has then made these calls.
 *
 * @param {TestContext} t
 * @param {TestBrowser} browser
 */
const debugged = (t, browser, calls = "") =>
  openSite(t, browser, QUEUE_STUB, inlineScript(`${DEBUG}${calls}`), sdkTag());

/** The line above the last table that `oaiq.debug()` prints. */
const LAST_TABLE = /calls rejected and events dropped/;

/**
 * Prints the state, and resolves once the last table, which has rows, is printed.
 *
 * @param {Tab} tab
 */
const printTables = async (tab) => {
  await tab.evaluate("oaiq.debug()");
  await waitUntil("the last table", () => {
    const line = tab.console.findIndex(({ text }) => LAST_TABLE.test(text));
    return line !== -1 && tab.console[line + 1]?.type === "table";
  });
};

/**
 * What `console.table` has printed, by the line above each table.
 *
 * @param {Tab} tab
 */
const tables = async (tab) => {
  /** @type {import("playwright-core").ConsoleMessage[]} */
  const messages = [];
  tab.page.on("console", (message) => messages.push(message));
  await printTables(tab);
  /** @type {Record<string, Row[]>} */
  const found = {};
  for (const [place, message] of messages.entries()) {
    if (message.type() !== "table") continue;
    const title = messages[place - 1].text().replace("[oaiq] ", "");
    found[title] = await message.args()[0].jsonValue();
  }
  return found;
};

describe("debug explains", () => {
  const browser = useBrowser();

  test("each step of an event, from its call to its response", async (t) => {
    const { tab } = await debugged(t, browser, orderCall("o-1"));
    await tab.waitForLog(/pixel "TEST-PIXEL" has started$/);
    await tab.waitForLog(
      /consent is granted, because no answer is stored and the page does not wait for one/,
    );
    await tab.waitForLog(
      /no click ID in this page's URL or cookie; a redirect or a frame may have lost it/,
    );
    await tab.waitForLog(
      /order_created "o-1" is queued: contents, EUR 25\.99$/,
    );
    await tab.waitForLog(
      /the outbox stores 1 event of pixel "TEST-PIXEL" until it is delivered/,
    );
    await tab.waitForLog(
      /request 1 sends 3 events to pixel "TEST-PIXEL" \(\d+ bytes by fetch, without a click ID and hashed user data\): order_created "o-1", pixel status \(not a conversion\)/,
    );
    await tab.waitForLog(
      /request 1 was answered 202, delivered: order_created "o-1"/,
    );
    await tab.waitForLog(/the outbox is empty/);
    await tab.waitForLog(
      /pixel "TEST-PIXEL" exists: automatic advanced matching/,
    );
    assert.deepEqual(tab.pageErrors, []);
  });

  test("the ad click, and shortens its ID", async (t) => {
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(DEBUG), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oppref=click-reference-1"));
    await tab.waitForLog(/click ID click-re… found in the page's URL/);
    await tab.waitForLog(/with click ID click-re…/);
    await tab.goto(site.url("/"));
    await tab.waitForLog(/click ID click-re… found in the cookie __oppref/);
    assert.doesNotMatch(tab.oaiqLogs.join("\n"), /click-reference-1/);
  });

  test("which event a wrong name means", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("measure", "Purchase", { type: "contents" });',
    );
    await tab.waitForLog(
      /measure "Purchase" was rejected.*\n.*did you mean "order_created"\?/,
    );
  });

  test("which whole number to send instead of a decimal amount", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "USD" });',
    );
    await tab.waitForLog(
      /data\.amount is 25\.99; it must be a whole number.*send 2599 for USD 25\.99/,
    );
  });

  test("that an amount needs a currency", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("measure", "order_created", { type: "contents", amount: 2599 });',
    );
    await tab.waitForLog(/data\.currency is undefined.*add currency: "USD"/);
  });

  test("that consent is denied, by a call or a stored answer, and which events it blocked", async (t) => {
    const { tab } = await debugged(t, browser);
    await tab.waitForLog(/has started/);
    await tab.evaluate(orderCall("dropped"));
    await tab.evaluate('oaiq("consent", false)');
    await tab.waitForLog(
      /consent is denied, by a call .* nothing is measured until oaiq\("consent", true\); 1 queued event was dropped/,
    );
    await tab.evaluate(orderCall("blocked"));
    await tab.waitForLog(
      /order_created was not measured, because consent is denied/,
    );
    await tab.goto(tab.page.url());
    await tab.waitForLog(
      /consent is denied, by a call on the page or a stored answer \(cookie/,
    );
  });

  test("that calls wait for the visitor's consent", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${DEBUG}${orderCall("held")}`),
      sdkTag(
        'data-endpoint="/v1/sdk/events" data-settings="/pixel-config/v1" data-consent="pending"',
      ),
    );
    await tab.waitForLog(/"init" waits until consent is known/);
    await tab.waitForLog(/"order_created" waits until consent is known/);
    await tab.evaluate("oaiq.debug()");
    await tab.waitForLog(
      /consent is pending: calls wait until oaiq\("consent"/,
    );
    await tab.evaluate('oaiq("consent", true)');
    await site.waitForOrders("held");
    await tab.waitForLog(/consent is granted, by a call on the page/);
    await tab.waitForLog(/order_created "held" is queued/);
  });

  test("that the endpoint is down, and when the next attempt is", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${DEBUG}${orderCall("o-1")}`),
      sdkTag('data-endpoint="http://localhost:9/v1/sdk/events"').replace(
        "http://localhost:9",
        "https://events.example.test:9",
      ),
    );
    await tab.waitForLog(
      /request 1 failed: the network or the endpoint https:\/\/events\.example\.test:9\/v1\/sdk\/events is down, or a blocker/,
    );
    await tab.waitForLog(
      /the next attempt is in 5 s, or as soon as the browser is online/,
    );
  });

  test("that the page's policy blocks the endpoint, and what to add to it", async (t) => {
    const site = await startSite(t, {
      "/": {
        html: html(
          QUEUE_STUB,
          inlineScript(`${DEBUG}${orderCall("o-1")}`),
          sdkTag('data-endpoint="https://events.example.test/v1"'),
        ),
        headers: {
          "content-security-policy":
            "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; connect-src 'self'",
        },
      },
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    await tab.waitForLog(
      /Content-Security-Policy blocks requests to https:\/\/events\.example\.test: add https:\/\/events\.example\.test to its connect-src/,
    );
  });

  test("that a mistyped pixel ID has no config", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("init", { pixelId: "MISTYPED" });',
    );
    await tab.waitForLog(/pixel "TEST-PIXEL" exists/);
    await tab.page.route("**/pixel-config/v1/OTHER.json", (route) =>
      route.fulfill({ status: 404 }),
    );
    await tab.evaluate('oaiq("init", { pixelId: "OTHER" });');
    await tab.waitForLog(
      /there is no config for pixel "OTHER" \(404\): compare the ID with the one in Ads Manager/,
    );
  });

  test("that this page or an earlier one already measured an order", async (t) => {
    const { site, tab } = await debugged(t, browser, orderCall("o-1"));
    await site.waitForOrders("o-1");
    await tab.evaluate(orderCall("o-1"));
    await tab.waitForLog(
      /"o-1" is queued.*\n.*this page already measured it with the same ID, so OpenAI counts it once/,
    );
    await tab.goto(tab.page.url());
    await tab.waitForLog(/an earlier page in this tab measured it/);
  });

  test("which options of init are unknown or wrong", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      `oaiq("init", { pixelId: "${PIXEL_ID}", autoPageView: true }); oaiq("init", { pixelId: 5 }); oaiq("init", { pixelId: "${PIXEL_ID}" });`,
    );
    await tab.waitForLog(
      /init ignores autoPageView; its options are pixelId, debug, user and consent/,
    );
    await tab.waitForLog(
      /init: pixelId is 5; it must be the pixel ID from Ads Manager, in quotes/,
    );
    await tab.waitForLog(
      /pixel "TEST-PIXEL" was initialized again on this page\n.*is the snippet on this page twice/,
    );
  });

  test("calls without showing an email address or a phone number", async (t) => {
    const { site, tab } = await debugged(
      t,
      browser,
      `oaiq("measure", "lead_created", { type: "customer_action", email: "me@shop.test", currency: "me@shop.test" });
       oaiq("measure", "me@shop.test", {});
       oaiq("init", { pixelId: "${PIXEL_ID}", "me@shop.test": 1 });
       oaiq("init", "me@shop.test");
       oaiq("measureSingle", "me@shop.test", "lead_created", {});
       oaiq("measure", "custom", { type: "custom", plan_id: "+15551234567" }, { custom_event_name: "x", event_id: "me@shop.test" });
       ${orderCall("last")}`,
    );
    await site.waitForOrders("last");
    await printTables(tab);
    const all = tab.console.map(({ text }) => text).join("\n");
    assert.doesNotMatch(all, /me@shop|5551234567/);
    assert.match(all, /\(an email address\)/);
  });
});

/** Records each use of a store and each reading or writing of cookies, as `window.uses`. */
const WATCHED = inlineScript(`window.uses = [];
  for (const name of ["getItem", "setItem", "removeItem", "key"]) {
    const real = Storage.prototype[name];
    Storage.prototype[name] = function (...given) { uses.push(name + " " + given[0]); return real.apply(this, given); };
  }
  for (const store of ["localStorage", "sessionStorage"]) {
    const { get } = Object.getOwnPropertyDescriptor(window, store);
    Object.defineProperty(window, store, { get() { uses.push(store); return get.call(window); } });
  }
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(document, "cookie", {
    get() { uses.push("cookie"); return get.call(document); },
    set(text) { uses.push("cookie"); set.call(document, text); },
  });`);

const PENDING = `data-endpoint="/v1/sdk/events" data-settings="/pixel-config/v1" data-consent="pending"`;

describe("debug reports", () => {
  const browser = useBrowser();

  test("an unknown command, a consent that is no boolean, and an unusable user", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      `oaiq("track", "PageView"); oaiq("consent", "denied");
       oaiq("init", { pixelId: "${PIXEL_ID}", user: { email: "me@shop.test", city: ["Kiel"], phone_number_sha256: "0170 1234567" } });`,
    );
    await tab.waitForLog(
      /oaiq\("track", "PageView"\) was ignored: did you mean oaiq\("measure", "page_viewed", \{ type: "contents" \}\)\?/,
    );
    await tab.waitForLog(
      /oaiq\("consent", "denied"\) was ignored: the answer must be true or false/,
    );
    await tab.waitForLog(
      /user\.email is unknown and ignored: send email_sha256[^]*user\.city is a list[^]*its country code is missing/,
    );
  });

  test("an unusable user in oaiq.config", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(
        `oaiq.config = { user: { email: "me@shop.test" } }; ${DEBUG}`,
      ),
      sdkTag(),
    );
    await tab.waitForLog(/oaiq\.config\.user\.email is unknown/);
  });

  test("events without an initialized pixel after 3 s", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(orderCall("early")),
      sdkTag(),
    );
    await tab.evaluate("oaiq.debug(true)");
    await tab.evaluate(orderCall("later"));
    const from = Date.now();
    await tab.waitForLog(
      /no pixel has been initialized, so 1 event is queued and not sent/,
    );
    const seconds = (Date.now() - from) / 1000;
    assert.ok(seconds > 2 && seconds < 8, `after ${seconds} s`);
  });

  test("a click ID that is too long for a cookie", async (t) => {
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(DEBUG), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(
      site.url(`/?oppref=${"x".repeat(4_200)}`),
    );
    await tab.waitForLog(/click ID xxxxxxxx… .* is too long for a cookie/);
  });

  test("no attribute value that the pixel follows", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${DEBUG} oaiq("consent", true);`),
      sdkTag(`${PENDING} data-gpc data-oaiq-consent-source="tcf"`),
    );
    await tab.waitForLog(/has started/);
    assert.doesNotMatch(tab.oaiqLogs.join("\n"), /is ignored/);
  });

  test("an unknown value of an option, and a script without its element", async (t) => {
    const { tab } = await debugged(t, browser);
    await tab.waitForLog(/exists/);
    assert.doesNotMatch(tab.oaiqLogs.join("\n"), /element|data-consent/);
    const { tab: managed } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(DEBUG),
      sdkTag(
        'data-endpoint="/v1/sdk/events" data-settings="/pixel-config/v1" data-consent="marketing"',
      ),
    );
    await managed.waitForLog(
      /data-consent="marketing" is not a value that the pixel knows, so it is ignored/,
    );
    const { tab: configured } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`oaiq.config = { consent: "marketing" }; ${DEBUG}`),
      sdkTag(),
    );
    await configured.waitForLog(
      /oaiq\.config\.consent="marketing" is not a value that the pixel knows, so it is ignored/,
    );
    const site = await startSite(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(
          `${DEBUG} fetch("/sdk/oaiq.min.js").then((it) => it.text()).then((text) => setTimeout(new Function(text)));`,
        ),
      ),
    });
    // without its element the script looks beside the page
    site.pages["/oaiq.debug.min.js"] = {
      html: site.file("oaiq.debug.min.js"),
      headers: { "content-type": "text/javascript; charset=utf-8" },
    };
    const visitor = await Visitor.create(t, browser);
    const bare = await visitor.openPage(site.url());
    await bare.waitForLog(/the script runs without its own script element/);
  });
});

describe("the debug file", () => {
  const browser = useBrowser();

  test("is fetched after the page has loaded if the page's code requests debug, and misses no event", async (t) => {
    const { site, tab } = await (async () => {
      const site = await startSite(t, {
        "/": html(
          QUEUE_STUB,
          inlineScript(`${DEBUG}${orderCall("o-1")}`),
          sdkTag(),
          `<img src="/sdk/held.png" alt="">`,
        ),
      });
      site.holdResponses("held.png");
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url(), "domcontentloaded");
      return { site, tab };
    })();
    await site.waitForOrders("o-1");
    assert.ok(!tab.hasRequested("oaiq.debug.min.js"));
    site.releaseResponses();
    await tab.waitForLog(/request 1 was answered 202, delivered/);
    const steps = tab.oaiqLogs.join("\n");
    assert.match(
      steps,
      /has started[^]*"o-1" is queued[^]*request 1 sends[^]*request 1 was answered/,
    );
  });

  test("is fetched only once the browser is idle", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      inlineScript(
        "window.requestIdleCallback = (work) => (window.work = work, 1);",
      ),
      QUEUE_STUB,
      inlineScript(DEBUG),
      sdkTag(),
    );
    await tab.waitForFunction("window.work");
    assert.ok(!tab.hasRequested("oaiq.debug.min.js"));
    await tab.evaluate("work({})");
    await tab.waitForLog(/has started/);
  });

  test("is fetched by a browser without idle callbacks", async (t) => {
    const { tab } = await openSite(
      t,
      browser,
      inlineScript("window.requestIdleCallback = undefined;"),
      QUEUE_STUB,
      inlineScript(DEBUG),
      sdkTag(),
    );
    await tab.waitForLog(/has started/);
  });

  test("is fetched at low priority", async (t) => {
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(DEBUG), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const page = await visitor.context.newPage();
    const devtools = await visitor.context.newCDPSession(page);
    await devtools.send("Network.enable");
    const priority = new Promise((found) =>
      devtools.on("Network.requestWillBeSent", ({ request }) => {
        if (request.url.endsWith("debug.min.js"))
          found(request.initialPriority);
      }),
    );
    await page.goto(site.url());
    assert.equal(await priority, "Low");
  });

  test("is fetched at once if a person requests debug", async (t) => {
    for (const [path, does] of [
      ["/?oaiq_debug=1", ""],
      ["/", "oaiq.debug()"],
    ]) {
      const site = await startSite(t, {
        "/": html(
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
          `<img src="/sdk/held.png" alt="">`,
        ),
      });
      site.holdResponses("held.png");
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url(path), "domcontentloaded");
      await tab.evaluate(does);
      await tab.waitForLog(/pixel "TEST-PIXEL" has started/);
      assert.equal(await tab.evaluate("document.readyState"), "interactive");
      site.releaseResponses();
    }
  });

  /**
   * A site without the file, and how often it was requested.
   *
   * @param {TestContext} t
   * @param {string[]} parts of its page
   */
  const withoutFile = async (t, ...parts) => {
    const site = await startSite(t, { "/": html(...parts) });
    site.files.delete("oaiq.debug.min.js");
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    await tab.waitForLog(/oaiq\.debug\.min\.js could not be loaded/);
    const requestCount = () =>
      tab.requests.filter((url) => url.endsWith("debug.min.js")).length;
    return { site, tab, requestCount };
  };

  test("is requested once per session if it is missing, and again if a person requests debug", async (t) => {
    const { site, tab, requestCount } = await withoutFile(
      t,
      QUEUE_STUB,
      inlineScript(DEBUG),
      sdkTag(),
    );
    tab.console.length = 0;
    for (let i = 0; i < 2; i += 1) {
      await tab.goto(site.url());
      await pause(1_500);
    }
    assert.equal(requestCount(), 1);
    // rejected calls are named in short again
    await tab.evaluate('oaiq("measure", "purchase")');
    await tab.waitForLog(/was not measured/);
    await tab.evaluate("oaiq.debug()");
    await tab.waitForLog(/oaiq\.debug\.min\.js could not be loaded/);
    assert.equal(requestCount(), 2);
  });

  test("stores nothing before consent or after a denial if it is missing", async (t) => {
    for (const denial of ["", 'oaiq("consent", false);']) {
      const { tab } = await withoutFile(
        t,
        QUEUE_STUB,
        inlineScript(`${DEBUG}${denial}`),
        sdkTag(denial ? undefined : PENDING),
      );
      assert.equal(await tab.evaluate("sessionStorage.length"), 0);
    }
  });
});

describe("before the visitor's answer, debug", () => {
  const browser = useBrowser();

  test("reads and writes nothing, and lasts for the tab once consent is granted", async (t) => {
    const site = await startSite(t, {
      "/": html(WATCHED, QUEUE_STUB, inlineScript(INIT), sdkTag(PENDING)),
      "/next": html(QUEUE_STUB, inlineScript(INIT), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oaiq_debug=1"));
    await tab.waitForLog(/"init" waits until consent is known/);
    await tab.evaluate(`${orderCall("held")} oaiq.debug()`);
    await tab.waitForLog(/events queued: none/);
    await pause(500);
    assert.deepEqual(await tab.evaluate("uses"), []);
    assert.equal(await tab.evaluate("window.name"), "");
    await tab.evaluate('oaiq("consent", true)');
    await site.waitForOrders("held");
    await tab.goto(site.url("/next"));
    await tab.waitForLog(/debug is on for this page/);
    assert.equal(await tab.evaluate("window.name"), "");
  });

  test("reads and writes nothing on the next page after a denial", async (t) => {
    const site = await startSite(t, {
      "/": html(WATCHED, QUEUE_STUB, inlineScript(INIT), sdkTag(PENDING)),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oaiq_debug=1"));
    await tab.waitForLog(/"init" waits until consent is known/);
    await tab.evaluate('oaiq("consent", false)');
    await tab.waitForLog(/consent is denied/);
    await tab.evaluate("oaiq.debug()");
    await pause(500);
    // the pixel stores the answer and deletes what it has; debug does nothing
    /** @type {string[]} */
    const uses = await tab.evaluate("uses");
    assert.ok(
      uses.every((use) => !/debug|sessionStorage/.test(use)),
      uses.join(),
    );
  });
});

describe("debug is switched on", () => {
  const browser = useBrowser();

  test("by the URL, for this tab only, whatever init says, and off again", async (t) => {
    const quiet = `oaiq("init", { pixelId: "${PIXEL_ID}", debug: false });`;
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(quiet), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oaiq_debug=1"));
    await tab.waitForLog(/has started/);
    const next = await visitor.openPage(site.url("/"));
    await site.waitFor("2 requests", () => site.requests.length >= 2);
    assert.deepEqual(next.oaiqLogs, []);
    tab.console.length = 0;
    await tab.goto(site.url("/"));
    await tab.waitForLog(/has started/);
    await tab.goto(site.url("/?oaiq_debug=0"));
    await tab.waitForFunction("!sessionStorage.oaiq_debug");
    tab.console.length = 0;
    await tab.goto(site.url("/"));
    await site.waitFor("4 requests", () => site.requests.length >= 4);
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("by oaiq.debug(true) on a running page, and reports what is queued", async (t) => {
    const { tab } = await openSite(t, browser);
    await tab.evaluate(`${orderCall("before")} oaiq.debug(true)`);
    await tab.waitForLog(/debug is on for this page/);
    // consoles hide what is only for debugging
    assert.ok(tab.console.every(({ type }) => type !== "debug"));
    await tab.waitForLog(
      /the outbox stores 1 event of pixel "TEST-PIXEL" until it is delivered/,
    );
    await tab.evaluate(`oaiq.debug(false); ${orderCall("after")}`);
    await pause(1_500);
    assert.doesNotMatch(tab.oaiqLogs.join("\n"), /"after"/);
  });

  test("by oaiq.debug(), which prints the state as tables", async (t) => {
    const { site, tab } = await debugged(
      t,
      browser,
      `${orderCall("o-1")} oaiq("measure", "purchase", {});`,
    );
    await site.waitForOrders("o-1");
    await tab.waitForLog(/request 1 was answered/);
    await tab.waitForLog(/pixel "TEST-PIXEL" exists/);
    const shown = await tables(tab);
    assert.equal(shown.pixels[0].pixel, PIXEL_ID);
    assert.equal(shown.pixels[0]["events delivered"], "1");
    const visitor = Object.fromEntries(
      shown.visitor.map((row) => [row.property, row.value]),
    );
    assert.match(visitor.consent, /^granted/);
    assert.equal(visitor["click ID"], "none in this page's URL or cookie");
    assert.match(visitor["browser ID"], /^[\da-f]{8}…$/);
    const [delivered] = shown["events delivered (last 50)"];
    assert.equal(delivered.event, "order_created");
    assert.equal(delivered.id, "o-1");
    assert.equal(delivered.data, "contents, EUR 25.99");
    const [rejected] = shown["calls rejected and events dropped (last 50)"];
    assert.equal(rejected.event, "purchase");
    assert.match(rejected["what to do"], /did you mean "order_created"/);
    assert.match(tab.oaiqLogs.join("\n"), /events queued: none/);
  });

  test("by oaiq.debug() on a page that has measured for a while, and reports what happened", async (t) => {
    const { site, tab } = await openSite(t, browser);
    await tab.evaluate(
      `${orderCall("o-1")} oaiq("measure", "purchase", {}); oaiq("track", "x");`,
    );
    await site.waitForResponses(tab, "o-1");
    site.holdResponses();
    await tab.evaluate(`${orderCall("o-2")} oaiq.debug()`);
    await tab.waitForLog(/calls rejected and events dropped/);
    await tab.waitForLog(/the outbox stores 1 event/);
    const state = await tab.evaluate("oaiq.debug()");
    assert.deepEqual(state.pixels, [
      {
        id: PIXEL_ID,
        config: "automatic advanced matching disabled",
        delivered: 1,
      },
    ]);
    assert.match(state.consent, /^granted/);
    assert.equal(state.clickId, "none in this page's URL or cookie");
    assert.match(state.browserId, /^[\da-f]{8}…$/);
    assert.equal(state.delivered, 1);
    assert.equal(state.rejected, 1);
    assert.equal(state.ignored, 1);
    assert.equal(state.queued + state.inFlight, 1);
    assert.match(state.notRecorded, /the arguments of init/);
    site.releaseResponses();
  });

  test("within a second of the load, and updates the state later", async (t) => {
    const site = await startSite(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(
          `${INIT} oaiq("measure", "a"); oaiq("measure", "b"); setTimeout(() => { window.state = oaiq.debug(); }, 200);`,
        ),
        sdkTag(),
      ),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    await tab.waitForLog(/pixel "TEST-PIXEL" exists/);
    const state = await tab.evaluate("state");
    assert.equal(state.rejected, 2);
    assert.match(state.pixels[0].config, /disabled/);
    assert.match(state.consent, /^granted/);
  });

  test("by oaiq.debug(), which returns the state if the page has replaced console.log", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(
        `console.log = console.debug = console.table = () => {}; ${INIT}${orderCall("o-1")}`,
      ),
      sdkTag(),
    );
    await site.waitForOrders("o-1");
    await tab.evaluate("window.state = oaiq.debug()");
    await tab.waitForFunction("state.delivered === 1");
    assert.equal(await tab.evaluate("oaiq.debug() === state"), true);
  });

  test("on a page that never called init, and says so", async (t) => {
    const { tab } = await openSite(t, browser, QUEUE_STUB, sdkTag());
    await tab.evaluate("oaiq.debug()");
    await tab.waitForLog(
      /no pixel has started: the page has not called oaiq\("init"/,
    );
  });

  test("with any argument, without throwing into the page", async (t) => {
    const { tab } = await openSite(t, browser);
    const given = [
      "null",
      "Symbol()",
      "{ get a() { throw 1; } }",
      "() => 1",
      "1n",
      '"yes"',
    ];
    for (const value of given) await tab.evaluate(`oaiq.debug(${value})`);
    await tab.waitForLog(/calls rejected and events dropped/);
    assert.deepEqual(tab.pageErrors, []);
  });
});

describe("without debug", () => {
  const browser = useBrowser();

  test("only a rejected call is reported, in one line", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(
        `${INIT} oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "EUR" });${orderCall("good")}`,
      ),
      sdkTag(),
    );
    await site.waitForOrders("good");
    assert.equal(tab.oaiqLogs.length, 1);
    assert.match(
      tab.oaiqLogs[0],
      /order_created was not measured: invalid_event_props \(add \?oaiq_debug=1 to see why\)/,
    );
    assert.ok(tab.requests.every((url) => !url.includes("debug")));
  });

  test("a missing debug file is reported in one line, and orders are measured", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(
        `const { append } = Element.prototype;
         document.head.append = function (element) { element.src = "/nothing-here.js"; return append.call(this, element); };
         ${DEBUG}${orderCall("good")}`,
      ),
      sdkTag(),
    );
    await site.waitForOrders("good");
    await tab.waitForLog(/oaiq\.debug\.min\.js could not be loaded/);
    assert.equal(tab.oaiqLogs.length, 1);
    assert.deepEqual(tab.pageErrors, []);
  });
});
