// What may differ from browser to browser, in WebKit: its cookies, its storage, its events on leaving, its tabs.
import assert from "node:assert/strict";
import { request as ask } from "node:http";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  EVENTS,
  html,
  INIT,
  openSite,
  order,
  pixelScript,
  script,
  SETTINGS,
  STUB,
} from "../support/site.mjs";
import { untilSeen } from "../support/browser.mjs";
import { launch } from "./webkit.mjs";

const PENDING = pixelScript(
  `data-endpoint="${EVENTS}" data-settings="${SETTINGS}" data-consent="pending"`,
);
const DEBUG = INIT.replace("}", ", debug: true }");
/** Longer than a batch waits, and than the page's own work after its paint. */
const A_WHILE = 2_500;

/** The orders' ids that a request brought. */
const ordersIn = ({ body }) =>
  body.events
    .filter(({ type }) => type === "order_created")
    .map(({ id }) => id);

/** A request by beacon: WebKit names the charset of a beacon's text, the pixel's `fetch` does not. */
const isBeacon = ({ headers }) =>
  headers["content-type"] === "text/plain;charset=UTF-8";

/** The proxy says itself where its answer ends. */
const withoutFraming = (headers) =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(transfer-encoding|content-length|connection)$/.test(name),
    ),
  );

/** Lets the site answer a request that has come to the proxy. */
const forward = (site) => async (route) => {
  const { url, method, allHeaders, postData } = route.request();
  const { pathname, search } = new URL(url());
  const { port } = new URL(site.url());
  const headers = await allHeaders();
  return new Promise((resolve) => {
    const sent = ask(
      {
        port,
        host: "127.0.0.1",
        path: pathname + search,
        method: method(),
        headers,
      },
      async (response) => {
        const parts = await response.toArray();
        resolve(
          route.fulfill({
            status: response.statusCode,
            headers: withoutFraming(response.headers),
            body: Buffer.concat(parts),
          }),
        );
      },
    );
    sent.on("error", () => resolve(route.abort()));
    sent.end(postData());
  });
};

describe("in WebKit", { concurrency: 2 }, () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  /** A visitor of a site with these pages, which is on https. Its `lines` are what the pixel says in any tab. */
  const arrives = async (t, pages) => {
    const site = await openSite(t, { "/": html(), "/next": html(), ...pages });
    const visitor = await browser.newContext();
    t.after(() => visitor.close());
    await visitor.route("**/*", forward(site));
    const url = (path = "/") => site.url(path).replace("http:", "https:");
    const lines = [];
    const errors = [];
    const opens = async (path) => {
      const tab = await visitor.newPage();
      await tab.goto(url(path));
      return tab;
    };
    const tab = await visitor.newPage();
    tab.on("pageerror", (error) => errors.push(error));
    tab.on(
      "console",
      (line) => line.text().startsWith("[oaiq]") && lines.push(line.text()),
    );
    const jar = async () =>
      Object.fromEntries(
        (await visitor.cookies()).map((cookie) => [cookie.name, cookie]),
      );
    return { site, visitor, tab, url, opens, jar, lines, errors };
  };

  test("the browser ID and the click ID are cookies of the registrable domain, and the same on the next page", async (t) => {
    const { site, tab, url, jar, errors } = await arrives(t);
    await tab.goto(url("/?oppref=click-1"));
    await tab.evaluate(order("first"));
    await site.untilOrders("first");
    const { __obref, __oppref } = await jar();
    for (const cookie of [__obref, __oppref]) {
      assert.equal(cookie.domain, ".example.test");
      assert.equal(cookie.path, "/");
      assert.equal(cookie.secure, true);
      assert.equal(cookie.sameSite, "Lax");
    }
    const days = ({ expires }) =>
      Math.round((expires - Date.now() / 1000) / 86_400);
    assert.equal(days(__obref), 365);
    assert.equal(days(__oppref), 30);
    await tab.goto(url("/next"));
    await tab.evaluate(order("second"));
    await site.untilOrders("second");
    for (const { body } of site.requests) {
      assert.equal(body.obref, __obref.value);
      assert.equal(body.oppref, "click-1");
    }
    assert.deepEqual(errors, []);
  });

  test("a denial deletes the cookies and stops events, and a grant allows the next ones", async (t) => {
    const { site, tab, url, jar, errors } = await arrives(t);
    await tab.goto(url("/?oppref=click-1"));
    await tab.evaluate(order("before"));
    await site.untilOrders("before");
    await tab.evaluate(`oaiq("consent", false); ${order("denied")}`);
    assert.deepEqual(Object.keys(await jar()), ["__oaiq_consent"]);
    await tab.goto(url("/next"));
    await tab.evaluate(order("still denied"));
    await pause(A_WHILE);
    await tab.evaluate(`oaiq("consent", true); ${order("granted")}`);
    await site.untilOrders("granted");
    assert.deepEqual(site.arrivals, { before: 1, granted: 1 });
    const { __oaiq_consent, __obref } = await jar();
    assert.equal(__oaiq_consent.value, "true");
    assert.equal(__obref.value, site.requests.at(-1).body.obref);
    assert.deepEqual(errors, []);
  });

  test("while consent is pending nothing is stored or sent, and a grant sends what was measured", async (t) => {
    const { site, tab, url, jar, errors } = await arrives(t, {
      "/": html(STUB, script(INIT), PENDING),
    });
    await tab.goto(url("/?oppref=click-1"));
    await tab.evaluate(order("waiting"));
    await pause(A_WHILE);
    assert.deepEqual(await jar(), {});
    assert.deepEqual(
      await tab.evaluate(
        "[...Object.keys(localStorage), ...Object.keys(sessionStorage)]",
      ),
      [],
    );
    assert.deepEqual([site.requests, site.settingsAsked], [[], []]);
    await tab.evaluate(`oaiq("consent", true)`);
    await site.untilOrders("waiting");
    const sent = site.requests.find((it) => ordersIn(it).length > 0);
    assert.equal(sent.body.oppref, "click-1");
    assert.equal(sent.body.events[0].source_url, url("/"));
    assert.deepEqual(errors, []);
  });

  const LEAVING = {
    "right after the call": `${order("last")} location.href = "/next";`,
    "whose pagehide listener measures": `addEventListener("pagehide", () => { ${order("last")} }); location.href = "/next";`,
  };
  for (const [what, leave] of Object.entries(LEAVING))
    test(`a page that is left ${what} sends the order once, by beacon`, async (t) => {
      const { site, tab, url, errors } = await arrives(t);
      await tab.goto(url());
      await tab.evaluate(order("first"));
      await site.untilAnswered(tab, "first");
      await tab.leaves(leave);
      await site.untilOrders("last");
      await tab.evaluate(order("next page"));
      await site.untilOrders("next page");
      assert.deepEqual(site.arrivals, { first: 1, last: 1, "next page": 1 });
      assert.ok(
        isBeacon(site.requests.find((it) => ordersIn(it).includes("last"))),
      );
      assert.deepEqual(errors, []);
    });

  test("a page that is hidden sends its events at once by beacon", async (t) => {
    const { site, tab, url } = await arrives(t);
    await tab.goto(url());
    await tab.evaluate(order("first"));
    await site.untilAnswered(tab, "first");
    await tab.evaluate(`
      ${order("hidden")}
      Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));`);
    await site.untilOrders("hidden");
    assert.ok(
      isBeacon(site.requests.find((it) => ordersIn(it).includes("hidden"))),
    );
    assert.equal(site.arrivals.hidden, 1);
  });

  const STORED = `Object.keys(localStorage).filter((key) => key.startsWith("oaiq_outbox.1:")).length`;

  /** A visitor of a page whose order could not be delivered, neither by fetch nor by the beacon on leaving. */
  const leavesUndelivered = async (t) => {
    const visit = await arrives(t, {
      "/": html(STUB, script(DEBUG), pixelScript()),
      "/empty": html(""),
    });
    const { site, tab, url, lines } = visit;
    site.answerTo = () => ({ status: 503 });
    await tab.goto(url());
    await tab.evaluate(order("undelivered"));
    await site.until("the request", () =>
      site.requests.some((it) => ordersIn(it).includes("undelivered")),
    );
    // what is in flight when a page is left does not go by beacon as well
    await untilSeen(
      "its failure",
      () =>
        lines.filter((line) => /answered 503/.test(line)).length ===
        site.requests.length,
    );
    await tab.goto(url("/empty"));
    await site.until("the beacon", () =>
      site.requests.some(
        (it) => isBeacon(it) && ordersIn(it).includes("undelivered"),
      ),
    );
    assert.equal(await tab.evaluate(STORED), 1);
    site.answerTo = () => ({ status: 202 });
    return visit;
  };

  test("undelivered events are stored and sent by the next page, once", async (t) => {
    const { site, tab, url, errors } = await leavesUndelivered(t);
    await tab.goto(url("/next"));
    await site.untilOrders("undelivered");
    const event = site.measured.find(({ id }) => id === "undelivered");
    assert.equal(event.source_url, url("/"));
    await tab.waitForFunction(`${STORED} === 0`);
    assert.equal(site.arrivals.undelivered, 1);
    assert.deepEqual(errors, []);
  });

  test("undelivered events are sent by one of two tabs", async (t) => {
    const { site, opens, errors } = await leavesUndelivered(t);
    const tabs = [await opens("/next"), await opens("/next")];
    await site.untilOrders("undelivered");
    for (const [at, tab] of tabs.entries())
      await tab.evaluate(order(`own ${at}`));
    await site.untilOrders("own 0", "own 1");
    assert.deepEqual(site.arrivals, { undelivered: 1, "own 0": 1, "own 1": 1 });
    assert.deepEqual(errors, []);
  });

  test("a denial in one tab stops the other", async (t) => {
    const { site, tab, url, opens, jar, errors } = await arrives(t);
    await tab.goto(url());
    const other = await opens("/next");
    await tab.evaluate(order("one"));
    await other.evaluate(order("other"));
    await site.untilOrders("one", "other");
    await tab.evaluate(`oaiq("consent", false)`);
    await other.waitForFunction(
      `localStorage.getItem("oaiq_consent") === "false"`,
    );
    await other.evaluate(order("denied"));
    await other.goto(url("/"));
    await pause(A_WHILE);
    assert.deepEqual(site.arrivals, { one: 1, other: 1 });
    assert.deepEqual(Object.keys(await jar()), ["__oaiq_consent"]);
    assert.deepEqual(errors, []);
  });

  test("debug tells the steps of an event and why a call is refused", async (t) => {
    const { site, tab, url, lines, errors } = await arrives(t, {
      "/": html(
        STUB,
        script(
          DEBUG +
            order("o-1") +
            `oaiq("measure", "Purchase", { type: "contents" });`,
        ),
        pixelScript(),
      ),
    });
    await tab.goto(url());
    await site.untilOrders("o-1");
    for (const line of [
      /pixel "TEST-PIXEL" has started/,
      /order_created "o-1"/,
      /"Purchase"[^]*order_created/,
      /request \d+ was answered 202/,
    ])
      await untilSeen(`${line} in ${lines.join("\n")}`, () =>
        lines.some((it) => line.test(it)),
      );
    assert.deepEqual(errors, []);
  });
});
