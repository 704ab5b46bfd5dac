// What could not be sent is sent by the next page. How much of it survives which fault is measured in tests/soak.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../../scripts/snippets.mjs";
import { ENABLE_BFCACHE, useBrowser, Visitor } from "../support/browser.mjs";
import {
  BFCACHE_PROBE,
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

const BOX = "oaiq_outbox.1:";
const PIXEL = html(QUEUE_STUB, inlineScript(INIT), sdkTag());
const EMPTY = html("");

/** Everything that is kept in the outbox, as one text. */
const KEPT = `Object.entries(localStorage).filter(([key]) => key.startsWith("${BOX}")).map(([, box]) => box).join()`;

/** A box of an order, as a page that has died leaves it. */
const box = (id, more = {}) =>
  JSON.stringify({
    pixel: "TEST-PIXEL",
    events: [
      {
        type: "order_created",
        timestamp_ms: Date.now() - 60_000,
        id,
        source_url: "https://shop.example.test/earlier",
        data: { type: "contents", amount: 2599, currency: "EUR" },
      },
    ],
    ...more,
  });

/** The project's own snippet, whose script is this site's. `attributes` is what the page then does to its element `s`. */
const snippet = async (attributes = "") => {
  const text = await readFile(join(root, "www/snippet/snippet.html"), "utf8");
  assert.ok(text.includes(PLACEHOLDER));
  return (
    text.replace(PLACEHOLDER, "/sdk/oaiq.min.js") +
    inlineScript(`{
      const s = document.querySelector("script[src]");
      s.dataset.endpoint = "${EVENTS_PATH}"; s.dataset.settings = "${CONFIG_PATH}";
      ${attributes}
    }`)
  );
};

describe("the outbox", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /** A visitor on an empty page of a site on localhost, where browsers have locks. */
  const visit = async (t, pages, host = "localhost") => {
    const site = await startSite(t, { "/": EMPTY, "/next": PIXEL, ...pages });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", host));
    const leave = (text) =>
      tab.page.evaluate(
        ([key, text]) => localStorage.setItem(key, text),
        [`${BOX}left`, text],
      );
    return { site, visitor, tab, leave, next: site.url("/next", host) };
  };

  for (const host of ["localhost", "shop.example.test"])
    test(`what a page on ${host} has left goes once, from whichever of ten tabs`, async (t) => {
      const { site, visitor, tab, leave, next } = await visit(t, {}, host);
      await leave(box("left"));
      await Promise.all(
        Array.from({ length: 10 }, () => visitor.openPage(next)),
      );
      await site.waitForOrders("left");
      const [event] = site.measured;
      assert.equal(event.source_url, "https://shop.example.test/earlier");
      await site.waitFor(
        "each tab's own first event",
        () => site.startedPixels === 10,
      );
      assert.deepEqual(site.deliveryCounts, { left: 1 });
      await tab.page.waitForFunction(`!${KEPT}`);
    });

  test("without locks, what one tab has taken over is left alone by those that come after it", async (t) => {
    const host = "shop.example.test";
    const { site, visitor, tab, leave, next } = await visit(t, {}, host);
    await leave(box("left"));
    site.holdResponses();
    await visitor.openPage(next);
    await site.waitForOrders("left");
    await Promise.all(Array.from({ length: 3 }, () => visitor.openPage(next)));
    await site.waitFor(
      "each tab's own first event",
      () => site.startedPixels === 4,
    );
    site.releaseResponses();
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(site.deliveryCounts, { left: 1 });
  });

  test("without locks two boxes are renewed each every 4 s, for as long as they are kept", async (t) => {
    const { site, tab } = await visit(
      t,
      {
        "/two": html(
          QUEUE_STUB,
          inlineScript(`
            const { setItem } = Storage.prototype;
            window.writes = 0;
            Storage.prototype.setItem = function (key, text) {
              if (key.startsWith("${BOX}")) writes += 1;
              return setItem.call(this, key, text);
            };
            ${INIT} oaiq("init", { pixelId: "SECOND-PIXEL" }); ${orderCall("kept")}`),
          sdkTag(),
        ),
      },
      "shop.example.test",
    );
    site.respond = () => ({ status: 500 });
    await tab.goto(site.url("/two", "shop.example.test"));
    await tab.page.waitForFunction(`performance.now() > 20000`);
    const writes = await tab.evaluate(`writes`);
    // each as it was measured, twice as it was refused, and five times since
    assert.ok(writes >= 8 && writes <= 24, `${writes} writes`);
    const boxes = await tab.evaluate(
      `Object.keys(localStorage).filter((key) => key.startsWith("${BOX}")).length`,
    );
    assert.equal(boxes, 2);
  });

  test("what is under way in one tab is left alone by another", async (t) => {
    const { site, visitor, tab, next } = await visit(t, { "/other": PIXEL });
    await tab.goto(next);
    site.holdResponses();
    await tab.evaluate(orderCall("under way"));
    await site.waitForOrders("under way");
    const other = await visitor.openPage(site.url("/other", "localhost"));
    await other.evaluate(orderCall("other"));
    await site.waitForOrders("other");
    site.releaseResponses();
    await tab.page.waitForFunction(`!${KEPT}`);
    // on a busy machine the first tab may have given up its first request
    const from = (id) =>
      site.requests
        .filter(({ text }) => text.includes(id))
        .map(({ headers }) => new URL(headers.referer).pathname);
    assert.deepEqual([...new Set(from("under way"))], ["/next"]);
    assert.deepEqual([...new Set(from('"other"'))], ["/other"]);
  });

  test("a box that cannot be read is set aside, and the page's own events go", async (t) => {
    const { site, tab, leave, next } = await visit(t);
    await leave('{"pixel":"TEST-PIXEL","events":[{"type":');
    await tab.goto(next);
    await tab.evaluate(`oaiq("init", { debug: true }); ${orderCall("own")}`);
    await site.waitForOrders("own");
    assert.match(
      await tab.evaluate(`localStorage["oaiq_outbox.damaged"]`),
      /^\d{13} \{"pixel/,
    );
    assert.equal(await tab.evaluate(KEPT), "");
    assert.deepEqual(tab.pageErrors, []);
  });

  test("a record is resent where the browser refuses caches", async (t) => {
    const { site, tab, leave, next } = await visit(t);
    await leave(
      JSON.stringify({
        pixel: "TEST-PIXEL",
        events: [
          {
            type: "order_created",
            timestamp_ms: Date.now(),
            id: "left",
            source_url: "https://shop.example.test/",
            data: { type: "contents" },
          },
        ],
      }),
    );
    await tab.page.addInitScript(() => {
      const has = () => Promise.reject(new DOMException("no", "SecurityError"));
      Object.defineProperty(window, "caches", { value: { has } });
    });
    await tab.goto(next);
    await site.waitForOrders("left");
    assert.deepEqual(tab.pageErrors, []);
  });

  for (const [what, age, stays] of [
    ["less than seven days", 6.9, true],
    ["more than seven days", 7.1, false],
  ])
    test(`a record that was set aside ${what} ago ${stays ? "stays" : "is deleted"}`, async (t) => {
      const { tab, next } = await visit(t);
      await tab.evaluate(
        `localStorage["oaiq_outbox.damaged"] = (Date.now() - ${age * 86_400_000}) + " {"`,
      );
      await tab.goto(next);
      await tab.evaluate("new Promise((go) => setTimeout(go, 1000))");
      const kept = await tab.evaluate(`"oaiq_outbox.damaged" in localStorage`);
      assert.equal(kept, stays);
    });

  test("a record that was set aside by an older version, without a time, is deleted", async (t) => {
    const { tab, next } = await visit(t);
    await tab.evaluate(`localStorage["oaiq_outbox.damaged"] = "{"`);
    await tab.goto(next);
    await tab.page.waitForFunction(`!("oaiq_outbox.damaged" in localStorage)`);
  });

  test("a denial deletes what was set aside and what is known of workers", async (t) => {
    const { tab, next } = await visit(t);
    await tab.goto(next);
    await tab.evaluate(
      `localStorage["oaiq_outbox.damaged"] = Date.now() + " {"; localStorage["oaiq_outbox.no_courier"] = Date.now(); oaiq("consent", false)`,
    );
    const keys = await tab.evaluate("Object.keys(localStorage)");
    assert.deepEqual(
      keys.filter((key) => key.startsWith("oaiq_outbox")),
      [],
    );
  });

  const STORES = {
    "is full": `localStorage.setItem("full", "x".repeat(5 * 1024 * 1024 - 10))`,
    "throws at every touch": `Object.defineProperty(window, "localStorage", { get() { throw new Error("no"); } })`,
    "is cleared by the page all the time": `setInterval(() => localStorage.clear(), 5)`,
  };
  for (const [what, code] of Object.entries(STORES))
    test(`where localStorage ${what}, events go as ever`, async (t) => {
      const { site, tab } = await visit(t, {
        "/full": html(
          inlineScript(code),
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
        ),
      });
      await tab.goto(site.url("/full", "localhost"));
      await tab.evaluate(orderCall("a"));
      await tab.evaluate(orderCall("b"));
      await site.waitForOrders("a", "b");
      assert.deepEqual(site.deliveryCounts, { a: 1, b: 1 });
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

  test("with debug, a store that takes nothing is told of", async (t) => {
    const { site, tab } = await visit(t, {
      "/full": html(
        inlineScript(STORES["is full"]),
        QUEUE_STUB,
        inlineScript(INIT.replace("}", ", debug: true }")),
        sdkTag(),
      ),
    });
    await tab.goto(site.url("/full", "localhost"));
    await tab.evaluate(orderCall("a"));
    await tab.evaluate(orderCall("b"));
    await site.waitForOrders("a", "b");
    await tab.evaluate(orderCall("c"));
    await tab.waitForLog(/localStorage is full or blocked/);
  });

  test("an endpoint that refuses one of many orders gets all the others, and the refused one is counted", async (t) => {
    const { site, tab, next } = await visit(t);
    site.respond = ({ events }) => ({
      status: events.some(({ id }) => id === "order-13") ? 422 : 202,
    });
    await tab.goto(next);
    const ids = Array.from({ length: 40 }, (_, i) => `order-${i}`);
    await tab.evaluate(ids.map(orderCall).join("\n"));
    const good = ids.filter((id) => id !== "order-13");
    await site.waitForOrders(...good);
    await site.waitFor(
      "the count",
      () => site.rejectedCalls.refused_by_endpoint === 1,
    );
    assert.deepEqual(
      site.deliveryCounts,
      Object.fromEntries(good.map((id) => [id, 1])),
    );
    await tab.page.waitForFunction(`!${KEPT}`);
  });

  test("an endpoint that is too busy is left alone for as long as it asks", async (t) => {
    const { site, tab, next } = await visit(t);
    await tab.goto(next);
    let times = 0;
    site.respond = ({ events }) => {
      if (!events.some(({ id }) => id === "order")) return { status: 202 };
      times += 1;
      return times === 1
        ? { status: 429, headers: { "retry-after": "7" } }
        : { status: 202 };
    };
    await tab.evaluate(orderCall("order"));
    await site.waitForOrders("order");
    const [first, second] = site.requests
      .filter(({ body }) => body.events.some(({ id }) => id === "order"))
      .map(({ query }) => Number(query.t));
    assert.ok(second - first >= 7000, `${second - first} ms`);
  });

  test("what was measured before a page is frozen goes at once", async (t) => {
    const { site, tab, next } = await visit(t);
    await tab.goto(next);
    await tab.evaluate(orderCall("order"));
    const devtools = await tab.page.context().newCDPSession(tab.page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await site.waitForOrders("order");
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    assert.equal(site.deliveryCounts.order, 1);
  });

  describe("the install snippet", () => {
    const LANDING = "/landing?oppref=click-1&email=jane@example.com#top";

    /** Leaves a landing page before the script has come, and goes to the next. */
    const leaveEarly = async (t, { attributes, before = "", calls }) => {
      const parts = [
        inlineScript(before),
        await snippet(attributes),
        inlineScript(calls),
      ];
      const pages = { "/landing": html(...parts) };
      const { site, tab, next } = await visit(t, pages);
      site.holdResponses("oaiq.min.js");
      await tab.goto(site.url(LANDING, "localhost"), "commit");
      await tab.page.waitForFunction("window.oaiq?.q.length");
      await tab.page.evaluate(`location.href = "/"`);
      await tab.page.waitForURL(site.url("/", "localhost"));
      const kept = await tab.evaluate(KEPT);
      site.releaseResponses();
      await tab.goto(next);
      return { site, tab, kept };
    };
    const USER = INIT.replace(
      "}",
      `, user: { email_sha256: "jane@example.com" } }`,
    );

    test("saves what was measured before the script had come, with its time, its address and its click", async (t) => {
      const from = Date.now();
      const { site, tab, kept } = await leaveEarly(t, {
        calls: USER + orderCall("early"),
      });
      const to = Date.now();
      assert.doesNotMatch(kept, /jane|@|#top/);
      await site.waitForOrders("early");
      const sent = site.requests.find(({ text }) => text.includes("early"));
      const event = sent.body.events.find(({ id }) => id === "early");
      assert.equal(event.source_url, site.url("/landing", "localhost"));
      assert.ok(event.timestamp_ms >= from && event.timestamp_ms <= to);
      assert.equal(sent.body.oppref, "click-1");
      assert.equal(sent.body.user, undefined);
      await tab.page.waitForFunction(`!${KEPT}`);
      assert.deepEqual(site.deliveryCounts, { early: 1 });
    });

    const SILENT = {
      "consent is denied by a call": {
        calls: INIT + `oaiq("consent", false);` + orderCall("early"),
      },
      "a denial is stored": {
        before: `localStorage.oaiq_consent = "false";`,
        calls: INIT + orderCall("early"),
      },
      "a cookie denies": {
        before: `document.cookie = "__oaiq_consent=false";`,
        calls: INIT + orderCall("early"),
      },
      "consent is still to be asked for, says init": {
        calls: INIT.replace("}", `, consent: "pending" }`) + orderCall("early"),
      },
      "consent is still to be asked for, says the config": {
        calls:
          `oaiq.config = { consent: "pending" };` + INIT + orderCall("early"),
      },
      "a consent manager is named": {
        calls:
          `oaiq.config = { consentSource: "google" };` +
          INIT +
          orderCall("early"),
      },
      "the browser may object": {
        calls: `oaiq.config = { gpc: "opt-out" };` + INIT + orderCall("early"),
      },
      "the pixel is switched off": {
        calls: `oaiq.config = { off: true };` + INIT + orderCall("early"),
      },
      ...Object.fromEntries(
        [
          `consent="pending"`,
          `consentSource="tcf"`,
          `consentSource="google gpp"`,
          `gpc="opt-out"`,
          `oaiqConsent="pending"`,
          `oaiqConsentSource="google"`,
          `oaiqGpc="opt-out"`,
        ].map((attribute) => [
          `the script element has ${attribute}`,
          {
            attributes: `s.dataset.${attribute};`,
            calls: INIT + orderCall("early"),
          },
        ]),
      ),
    };
    for (const [when, visitor] of Object.entries(SILENT))
      test(`saves nothing where ${when}`, async (t) => {
        const { kept } = await leaveEarly(t, visitor);
        assert.equal(kept, "");
      });

    /** What a page must not do before its visitor has agreed: the names of what it has read and written. */
    const WATCH = `
      window.looks = [];
      const watch = (object, name) => {
        const { get, set, ...rest } = Object.getOwnPropertyDescriptor(object, name);
        Object.defineProperty(object, name, { ...rest,
          get() { looks.push(name); return get.call(this); },
          set(value) { looks.push(name); set.call(this, value); } });
      };
      watch(Document.prototype, "cookie");
      watch(window, "localStorage");`;

    for (const [what, { attributes, calls, looks }] of Object.entries({
      "no cookie and no store where consent is pending": {
        calls: `oaiq.config = { consent: "pending" };`,
        looks: [],
      },
      "no cookie and no store where a consent source is named": {
        attributes: `s.dataset.oaiqConsentSource = "google";`,
        calls: "",
        looks: [],
      },
      "the stored answer where nobody is to be asked": {
        calls: "",
        // the answer, and then the outbox
        looks: ["cookie", "localStorage", "localStorage"],
      },
    }))
      test(`reads ${what}`, async (t) => {
        const site = await startSite(t, {
          "/": html(
            inlineScript(WATCH),
            await snippet(attributes),
            inlineScript(calls + INIT + orderCall("early")),
          ),
        });
        site.holdResponses("oaiq.min.js");
        const visitor = await Visitor.create(t, browser);
        const tab = await visitor.openPage(
          site.url("/", "localhost"),
          "domcontentloaded",
        );
        await tab.evaluate(`dispatchEvent(new Event("pagehide"))`);
        assert.deepEqual(await tab.evaluate("looks"), looks);
      });

    /** Calls of a page that is left early, and which of its orders arrive. */
    const SAVED = {
      "a consent manager has put marks of its own on the script": {
        attributes: `s.dataset.consent="marketing"; s.dataset.consentCategory="marketing"; s.id="consent-x";`,
        calls: INIT + orderCall("early"),
      },
      "a denial was taken back": {
        calls:
          INIT +
          orderCall("before") +
          `oaiq("consent", false);` +
          orderCall("between") +
          `oaiq("consent", true);` +
          orderCall("early"),
      },
      "the visitor was asked, and has agreed": {
        calls:
          `oaiq.config = { consent: "pending" };` +
          INIT +
          orderCall("early") +
          `oaiq("consent", true);`,
      },
    };
    for (const [when, visitor] of Object.entries(SAVED))
      test(`saves what may be sent where ${when}`, async (t) => {
        const { site, kept } = await leaveEarly(t, visitor);
        assert.doesNotMatch(kept, /"(before|between)"/);
        await site.waitForOrders("early");
        assert.deepEqual(site.deliveryCounts, { early: 1 });
      });

    test("saves the click of the address that the visitor came to, if the page has changed it", async (t) => {
      const { site } = await leaveEarly(t, {
        calls: `${INIT}${orderCall("early")} history.replaceState(null, "", "/landing");`,
      });
      await site.waitForOrders("early");
      const sent = site.requests.find(({ text }) => text.includes("early"));
      assert.equal(sent.body.oppref, "click-1");
    });

    test("sends nothing twice where the page comes back", async (t) => {
      const site = await startSite(t, {
        "/": html(await snippet(), inlineScript(INIT + orderCall("early"))),
      });
      site.holdResponses("oaiq.min.js");
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(
        site.url("/", "localhost"),
        "domcontentloaded",
      );
      await tab.evaluate(`dispatchEvent(new Event("pagehide"))`);
      assert.equal(await tab.evaluate("oaiq.q.length"), 1);
      await tab.evaluate(`dispatchEvent(new Event("pagehide"))`);
      assert.equal(await tab.evaluate("localStorage.length"), 1);
      site.releaseResponses();
      await site.waitForOrders("early");
      await tab.leaveAfterResponses(site);
      assert.deepEqual(site.deliveryCounts, { early: 1 });
    });

    test("loads the script and hands its calls over", async (t) => {
      const parts = [await snippet(), inlineScript(INIT + orderCall("order"))];
      const { site, tab } = await visit(t, { "/landing": html(...parts) });
      await tab.goto(site.url(LANDING, "localhost"));
      await site.waitForOrders("order");
      assert.deepEqual(site.deliveryCounts, { order: 1 });
      assert.deepEqual(tab.pageErrors, []);
    });
  });
});

describe("a page that sleeps in the back/forward cache", () => {
  const browser = useBrowser(ENABLE_BFCACHE);

  const leaveAndComeBack = async (t, prepare) => {
    const site = await startSite(t, {
      "/": html(BFCACHE_PROBE, QUEUE_STUB, inlineScript(INIT), sdkTag()),
      "/next": PIXEL,
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    await tab.evaluate(orderCall("before"));
    await prepare(site, tab);
    await tab.goto(site.url("/next", "localhost"));
    await site.waitFor("the next page", () => site.configRequests.length > 1);
    await tab.restoreFromBfcache(site.url("/", "localhost"));
    return { site, tab };
  };

  test("goes on as before when the visitor comes back", async (t) => {
    const { site, tab } = await leaveAndComeBack(t, (site, tab) =>
      site.waitForResponses(tab, "before"),
    );
    assert.equal(await tab.evaluate("isRestored"), true);
    await tab.evaluate(orderCall("after"));
    await site.waitForOrders("before", "after");
    assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
  });

  test("loses nothing where its requests have failed", async (t) => {
    const { site, tab } = await leaveAndComeBack(t, async (site, tab) => {
      site.respond = () => ({ status: 503 });
      await site.waitForResponses(tab, "before");
    });
    site.respond = () => ({ status: 202 });
    await tab.evaluate(orderCall("after"));
    await site.waitForOrders("before", "after");
    assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
  });
});

describe("pages that nobody has seen yet", () => {
  const browser = useBrowser();

  // a browser that is watched prerenders no page, so the page says of itself what the browser would
  test("a prerendered page measures nothing until somebody goes there", async (t) => {
    const site = await startSite(t, {
      "/": html(
        inlineScript(
          `Object.defineProperty(document, "prerendering", { configurable: true, value: true });`,
        ),
        QUEUE_STUB,
        inlineScript(INIT + orderCall("seen")),
        sdkTag(),
      ),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    // longer than a batch waits
    await tab.page.waitForTimeout(2_500);
    assert.deepEqual([site.requests, site.configRequests], [[], []]);
    assert.deepEqual(await visitor.cookies(), {});
    await tab.evaluate(
      `delete document.prerendering; document.dispatchEvent(new Event("prerenderingchange"));`,
    );
    await site.waitForOrders("seen");
    assert.deepEqual(site.deliveryCounts, { seen: 1 });
  });
});
