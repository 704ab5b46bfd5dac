// What the console says with debug, for whoever looks for an event that did not arrive.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { sharedBrowser } from "./browser.mjs";
import {
  html,
  INIT,
  openSite,
  order,
  PIXEL,
  pixelScript,
  script,
  STUB,
  visit,
} from "./site.mjs";
import { Visitor } from "./browser.mjs";

const DEBUG = `oaiq("init", { pixelId: "${PIXEL}", debug: true, user: { email_sha256: "me@shop.test" } });`;

/** A visit of a page that has started its pixel with debug, and has then made these calls. */
const debugged = (t, browser, calls = "") =>
  visit(t, browser, STUB, script(`${DEBUG}${calls}`), pixelScript());

/** What `console.table` has printed, by the line above each table. */
const tables = async (tab) => {
  const messages = [];
  tab.page.on("console", (message) => messages.push(message));
  await tab.does("oaiq.debug()");
  await tab.untilLine(/calls refused and events lost/);
  // the last table comes right behind its line
  await pause(200);
  const found = {};
  for (const [place, message] of messages.entries()) {
    if (message.type() !== "table") continue;
    const title = messages[place - 1].text().replace("[oaiq] ", "");
    found[title] = await message.args()[0].jsonValue();
  }
  return found;
};

describe("debug tells", () => {
  const browser = sharedBrowser();

  test("each step of an event, from its call to its answer", async (t) => {
    const { tab } = await debugged(t, browser, order("o-1"));
    await tab.untilLine(/pixel "TEST-PIXEL" has started$/);
    await tab.untilLine(
      /consent is granted, because nobody has said otherwise/,
    );
    await tab.untilLine(/no click reference/);
    await tab.untilLine(
      /order_created "o-1" waits to be sent: contents, EUR 25\.99$/,
    );
    await tab.untilLine(/the outbox keeps 1 event of pixel "TEST-PIXEL"/);
    await tab.untilLine(
      /request 1 carries 3 events to pixel "TEST-PIXEL" \(\d+ bytes by fetch, without a click reference and hashed user data\): order_created "o-1", what the pixel tells of itself/,
    );
    await tab.untilLine(
      /request 1 was answered 202, it has arrived: order_created "o-1"/,
    );
    await tab.untilLine(/the outbox is empty/);
    await tab.untilLine(
      /pixel "TEST-PIXEL" exists: automatic advanced matching/,
    );
    assert.deepEqual(tab.pageErrors, []);
  });

  test("the ad click, and shortens its reference", async (t) => {
    const site = await openSite(t, {
      "/": html(STUB, script(DEBUG), pixelScript()),
    });
    const visitor = await Visitor.arrives(t, browser);
    const tab = await visitor.opens(site.url("/?oppref=click-reference-1"));
    await tab.untilLine(
      /click reference click-re… found in the page's address/,
    );
    await tab.untilLine(/with click reference click-re…/);
    await tab.goes(site.url("/"));
    await tab.untilLine(
      /click reference click-re… found in the cookie __oppref/,
    );
    assert.doesNotMatch(tab.pixelLines.join("\n"), /click-reference-1/);
  });

  test("of a wrong name which one was meant", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("measure", "Purchase", { type: "contents" });',
    );
    await tab.untilLine(
      /measure "Purchase" was refused.*\n.*did you mean "order_created"\?/,
    );
  });

  test("of an amount that is no whole number which one to send", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "USD" });',
    );
    await tab.untilLine(
      /data\.amount is 25\.99; it must be a whole number.*send 2599 for USD 25\.99/,
    );
  });

  test("of an amount without a currency what to add", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("measure", "order_created", { type: "contents", amount: 2599 });',
    );
    await tab.untilLine(/data\.currency is undefined.*add currency: "USD"/);
  });

  test("that consent is denied, by a call and as stored, and which events it blocked", async (t) => {
    const { tab } = await debugged(t, browser);
    await tab.untilLine(/has started/);
    await tab.does(order("dropped"));
    await tab.does('oaiq("consent", false)');
    await tab.untilLine(
      /consent is denied: nothing is measured until oaiq\("consent", true\), and what was waiting has been dropped \(1 event\)/,
    );
    await tab.does(order("blocked"));
    await tab.untilLine(
      /order_created was not measured, because consent is denied/,
    );
    await tab.goes(tab.page.url());
    await tab.untilLine(/consent is denied, as answered \(cookie/);
  });

  test("that calls wait for an answer about consent", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      STUB,
      script(`${DEBUG}${order("held")}`),
      pixelScript(
        'data-endpoint="/v1/sdk/events" data-settings="/pixel-config/v1" data-consent="pending"',
      ),
    );
    await tab.untilLine(/"init" waits until consent is known/);
    await tab.untilLine(/"order_created" waits until consent is known/);
    await tab.does("oaiq.debug()");
    await tab.untilLine(/consent is pending: calls wait until oaiq\("consent"/);
    await tab.does('oaiq("consent", true)');
    await site.untilOrders("held");
    await tab.untilLine(/consent is granted, by a call of the page/);
    await tab.untilLine(/order_created "held" waits to be sent/);
  });

  test("that the endpoint is down, and when it is tried again", async (t) => {
    const { tab } = await visit(
      t,
      browser,
      STUB,
      script(`${DEBUG}${order("o-1")}`),
      pixelScript('data-endpoint="http://localhost:9/v1/sdk/events"').replace(
        "http://localhost:9",
        "https://events.example.test:9",
      ),
    );
    await tab.untilLine(
      /request 1 had no answer: the network or the endpoint https:\/\/events\.example\.test:9\/v1\/sdk\/events is down, or a blocker/,
    );
    await tab.untilLine(
      /sent again in 5 s, or as soon as the browser is online/,
    );
  });

  test("that the page's policy forbids the endpoint, and what to add to it", async (t) => {
    const site = await openSite(t, {
      "/": {
        html: html(
          STUB,
          script(`${DEBUG}${order("o-1")}`),
          pixelScript('data-endpoint="https://events.example.test/v1"'),
        ),
        headers: {
          "content-security-policy":
            "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; connect-src 'self'",
        },
      },
    });
    const visitor = await Visitor.arrives(t, browser);
    const tab = await visitor.opens(site.url());
    await tab.untilLine(
      /Content-Security-Policy keeps requests from https:\/\/events\.example\.test: add https:\/\/events\.example\.test to its connect-src/,
    );
  });

  test("that no settings are there for a pixel whose id is mistyped", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      'oaiq("init", { pixelId: "MISTYPED" });',
    );
    await tab.untilLine(/pixel "TEST-PIXEL" exists/);
    await tab.page.route("**/pixel-config/v1/OTHER.json", (route) =>
      route.fulfill({ status: 404 }),
    );
    await tab.does('oaiq("init", { pixelId: "OTHER" });');
    await tab.untilLine(
      /there are no settings for pixel "OTHER" \(404\): compare the id with the one in the ads manager/,
    );
  });

  test("that an order has been measured before, on this page and on an earlier one of the tab", async (t) => {
    const { site, tab } = await debugged(t, browser, order("o-1"));
    await site.untilOrders("o-1");
    await tab.does(order("o-1"));
    await tab.untilLine(
      /"o-1" waits to be sent.*but this page has measured it before, with the same id, so OpenAI counts it once/,
    );
    await tab.goes(tab.page.url());
    await tab.untilLine(
      /but an earlier page of this tab has measured it before/,
    );
  });

  test("of an init what it does not know, and what it lacks", async (t) => {
    const { tab } = await debugged(
      t,
      browser,
      `oaiq("init", { pixelId: "${PIXEL}", autoPageView: true }); oaiq("init", { pixelId: 5 }); oaiq("init", { pixelId: "${PIXEL}" });`,
    );
    await tab.untilLine(
      /init does not know autoPageView; it knows pixelId, debug, user and consent/,
    );
    await tab.untilLine(
      /init was given 5 as pixelId; it must be the id from the ads manager, in quotes/,
    );
    await tab.untilLine(
      /pixel "TEST-PIXEL" was there already and has been updated/,
    );
  });

  test("nobody's email address and phone number, wherever the page has put them", async (t) => {
    const { site, tab } = await debugged(
      t,
      browser,
      `oaiq("measure", "lead_created", { type: "customer_action", email: "me@shop.test", currency: "me@shop.test" });
       oaiq("measure", "me@shop.test", {});
       oaiq("init", { pixelId: "${PIXEL}", "me@shop.test": 1 });
       oaiq("init", "me@shop.test");
       oaiq("measureSingle", "me@shop.test", "lead_created", {});
       oaiq("measure", "custom", { type: "custom", plan_id: "+15551234567" }, { custom_event_name: "x", event_id: "me@shop.test" });
       ${order("last")}`,
    );
    await site.untilOrders("last");
    await tab.does("oaiq.debug()");
    await tab.untilLine(/calls refused and events lost/);
    await pause(200);
    const all = tab.console.map(({ text }) => text).join("\n");
    assert.doesNotMatch(all, /me@shop|5551234567/);
    assert.match(all, /\(an email address\)/);
  });
});

describe("debug is switched on", () => {
  const browser = sharedBrowser();

  test("by the address, for this tab and no other, against what init says, and off again", async (t) => {
    const quiet = `oaiq("init", { pixelId: "${PIXEL}", debug: false });`;
    const site = await openSite(t, {
      "/": html(STUB, script(quiet), pixelScript()),
    });
    const visitor = await Visitor.arrives(t, browser);
    const tab = await visitor.opens(site.url("/?oaiq_debug=1"));
    await tab.untilLine(/has started/);
    const next = await visitor.opens(site.url("/"));
    await site.until("2 requests", () => site.requests.length >= 2);
    assert.deepEqual(next.pixelLines, []);
    tab.console.length = 0;
    await tab.goes(site.url("/"));
    await tab.untilLine(/has started/);
    await tab.goes(site.url("/?oaiq_debug=0"));
    await tab.page.waitForFunction("!window.name");
    tab.console.length = 0;
    await tab.goes(site.url("/"));
    await site.until("4 requests", () => site.requests.length >= 4);
    assert.deepEqual(tab.pixelLines, []);
  });

  test("by oaiq.debug(true) on a page that runs already, which then tells what waits", async (t) => {
    const { tab } = await visit(t, browser);
    await tab.does(`${order("before")} oaiq.debug(true)`);
    await tab.untilLine(/debug is on for this page/);
    // consoles hide what is only for debugging
    assert.ok(tab.console.every(({ type }) => type !== "debug"));
    await tab.untilLine(/the outbox keeps 1 event of pixel "TEST-PIXEL"/);
    await tab.does(`oaiq.debug(false); ${order("after")}`);
    await pause(1_500);
    assert.doesNotMatch(tab.pixelLines.join("\n"), /"after"/);
  });

  test("by oaiq.debug(), which shows where things stand as tables", async (t) => {
    const { site, tab } = await debugged(
      t,
      browser,
      `${order("o-1")} oaiq("measure", "purchase", {});`,
    );
    await site.untilOrders("o-1");
    await tab.untilLine(/request 1 was answered/);
    await tab.untilLine(/pixel "TEST-PIXEL" exists/);
    const shown = await tables(tab);
    assert.equal(shown.pixels[0].pixel, PIXEL);
    assert.equal(shown.pixels[0]["events delivered"], "1");
    const visitor = Object.fromEntries(
      shown["the visitor"].map((row) => [row.what, row.is]),
    );
    assert.match(visitor.consent, /^granted/);
    assert.equal(visitor["click reference"], "none");
    assert.match(visitor["browser reference"], /^[\da-f]{8}…$/);
    const [delivered] = shown["events delivered, the last 50"];
    assert.equal(delivered.event, "order_created");
    assert.equal(delivered.id, "o-1");
    assert.equal(delivered.data, "contents, EUR 25.99");
    const [refused] = shown["calls refused and events lost, the last 50"];
    assert.equal(refused.event, "purchase");
    assert.match(refused["what to do"], /did you mean "order_created"/);
    assert.match(tab.pixelLines.join("\n"), /events that wait: none/);
  });

  test("on a page that never called init, which is told so", async (t) => {
    const { tab } = await visit(t, browser, STUB, pixelScript());
    await tab.does("oaiq.debug()");
    await tab.untilLine(
      /no pixel has started: the page has not called oaiq\("init"/,
    );
  });

  test("with whatever a page may pass, and nothing is thrown into it", async (t) => {
    const { tab } = await visit(t, browser);
    const given = [
      "null",
      "Symbol()",
      "{ get a() { throw 1; } }",
      "() => 1",
      "1n",
      '"yes"',
    ];
    for (const value of given) await tab.does(`oaiq.debug(${value})`);
    await tab.untilLine(/calls refused and events lost/);
    assert.deepEqual(tab.pageErrors, []);
  });
});

describe("without debug", () => {
  const browser = sharedBrowser();

  test("a refused call is told in one line, and nothing else is", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      STUB,
      script(
        `${INIT} oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "EUR" });${order("good")}`,
      ),
      pixelScript(),
    );
    await site.untilOrders("good");
    assert.equal(tab.pixelLines.length, 1);
    assert.match(
      tab.pixelLines[0],
      /order_created was not measured: invalid_event_props \(init with debug: true says why\)/,
    );
    assert.ok(tab.requests.every((url) => !url.includes("debug")));
  });

  test("where the file that explains is missing, one line says so and orders are measured", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      STUB,
      script(
        `const { append } = Element.prototype;
         document.head.append = function (element) { element.src = "/nothing-here.js"; return append.call(this, element); };
         ${DEBUG}${order("good")}`,
      ),
      pixelScript(),
    );
    await site.untilOrders("good");
    await tab.untilLine(/oaiq\.debug\.min\.js could not be loaded/);
    assert.equal(tab.pixelLines.length, 1);
    assert.deepEqual(tab.pageErrors, []);
  });
});
