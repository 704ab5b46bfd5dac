// What a page is left with goes by a courier, which outlives the page and knows what has arrived, where browsers have
// such; elsewhere by a beacon.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  AUTOMATED,
  ENABLE_BFCACHE,
  useBrowser,
  waitUntil,
  Visitor,
} from "../support/browser.mjs";
import {
  BFCACHE_PROBE,
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
} from "../support/site.mjs";

const PAGE = html(QUEUE_STUB, inlineScript(INIT), sdkTag());
const EMPTY = html("");

/** A page with the pixel, behind a script of its own, */
const behind = (text) =>
  html(inlineScript(text), QUEUE_STUB, inlineScript(INIT), sdkTag());
/** one whose visitor denies, */
const DENIES = html(
  QUEUE_STUB,
  inlineScript(INIT + `oaiq("consent", false);`),
  sdkTag(),
);
/** and the script of one that is left with an order just behind an answer, once that holds. */
const leavesBehindAnswer = (holds = "true") =>
  inlineScript(`new PerformanceObserver((list, observer) => {
    if (!list.getEntries().some(({ name }) => name.includes("${EVENTS_PATH}"))) return;
    if (!(${holds})) return;
    observer.disconnect();
    setTimeout(() => { ${orderCall("order")} ${LEAVE} }, 50);
  }).observe({ type: "resource" });`);

/** Before a box is that old no page takes it over, in milliseconds, and a page looks so often. */
const CLAIMED = 9_000;
/** So long after an answer the line is taken to be as it was, */
const FRESH = 1_250;
/** of which a busy page hears later; and it may have a diagnostic to send still. */
const SLOW = 3_000;

/** Everything that is kept in the outbox, as one text. */
const KEPT = `Object.entries(localStorage).filter(([key]) => key.startsWith("oaiq_outbox.1:")).map(([, box]) => box).join()`;

/** What a courier and its pages have left behind, when all has ended. */
const LEFT = `caches.keys().then((marks) => [...marks, ...Object.keys(localStorage).filter((key) => key.startsWith("oaiq_outbox"))])`;

const CUT = { disconnect: true };
const TAKEN = { status: 202 };

const LEAVE = `location.href = "/next";`;

/** Counts the workers that a page asks for, apart from the question whether the browser has lasting ones. */
const COUNT = inlineScript(`
  window.workers = 0;
  window.SharedWorker = class extends SharedWorker {
    constructor(...args) {
      super(...args);
      workers += 1;
    }
  };`);

/** The shared workers of the site that the visitor's browser runs. */
const workers = async (site, visitor) => {
  const devtools = await visitor.context.browser().newBrowserCDPSession();
  const { targetInfos } = await devtools.send("Target.getTargets");
  await devtools.detach();
  const { origin } = new URL(site.url("/", "localhost"));
  return targetInfos.filter(
    ({ type, url }) =>
      type === "shared_worker" && url.startsWith(`blob:${origin}/`),
  ).length;
};

/** Resolves once the page has had the time to look for a courier. */
const untilHired = (site, visitor) =>
  waitUntil("a courier", () => workers(site, visitor));

/** Resolves once the last answer to a request with events is so old that the page takes the line for unknown. */
const untilQuiet = (tab) =>
  waitUntil("a quiet page", () =>
    tab.evaluate(`(() => {
      const answers = performance.getEntriesByType("resource").filter(({ name }) => name.includes("${EVENTS_PATH}"));
      return answers.length > 0 && answers.every(({ responseEnd }) => performance.now() - responseEnd > ${FRESH + SLOW});
    })()`),
  );

/** By which ways an event has come to the site: in a beacon, from the tab's page itself, or from a courier. */
const ways = (site, tab, id) =>
  site.requests
    .filter(({ body }) => body.events.some((event) => event.id === id))
    .map(({ headers, query }) => {
      if (headers["content-type"] !== "text/plain") return "beacon";
      const isPage = tab.requests.some(
        (url) => new URL(url).searchParams.get("t") === query.t,
      );
      return isPage ? "page" : "courier";
    });

/** All events of that id that have come to the site, taken or not. */
const sent = (site, id) => site.events.filter((event) => event.id === id);

describe("the courier", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /** A visitor's first page with the pixel, on localhost, where browsers have couriers. */
  const visit = async (
    t,
    {
      pages,
      path = "/",
      host = "localhost",
      line = TAKEN,
      answerTo = () => line,
    } = {},
  ) => {
    const site = await startSite(t, {
      "/": PAGE,
      "/next": PAGE,
      "/empty": EMPTY,
      ...pages,
    });
    site.respond = answerTo;
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url(path, host));
    const next = site.url("/next", host);
    return { site, visitor, tab, next };
  };

  /** The same, once the page has been quiet for so long that a beacon is not believed in. */
  const visitAWhile = async (t, options) => {
    const visited = await visit(t, options);
    await untilQuiet(visited.tab);
    return visited;
  };

  /** The same, once the courier is there. */
  const visitWithCourier = async (t, options) => {
    const visited = await visitAWhile(t, options);
    await untilHired(visited.site, visited.visitor);
    return visited;
  };

  const WAYS = {
    "by a link": async ({ tab }) => {
      await tab.evaluate(orderCall("order") + LEAVE);
      await tab.page.waitForURL("**/next");
      return tab;
    },
    "by closing the tab": async ({ tab, visitor, next }) => {
      await tab.evaluate(orderCall("order"));
      await tab.page.close({ runBeforeUnload: true });
      return visitor.openPage(next);
    },
  };
  const BEFORE = {
    "a line that has never been up": async (t) => {
      const visited = await visit(t, { line: CUT });
      await untilHired(visited.site, visited.visitor);
      return visited;
    },
    "a line that has gone down": async (t) => {
      const visited = await visitWithCourier(t);
      visited.site.respond = () => CUT;
      return visited;
    },
  };
  for (const [line, arrive] of Object.entries(BEFORE))
    for (const [what, leave] of Object.entries(WAYS))
      test(`${line} when the page is left ${what}: the next page delivers, once, the same event`, async (t) => {
        const visited = await arrive(t);
        const { site } = visited;
        const from = Date.now();
        const tab = await leave(visited);
        const to = Date.now();
        await site.waitFor("the try", () => sent(site, "order").length);
        // browsers try again themselves
        await pause(500);
        site.respond = () => TAKEN;
        await site.waitForOrders("order");
        await tab.page.waitForFunction(`!${KEPT}`);
        const [first, ...again] = sent(site, "order");
        assert.equal(first.source_url, site.url("/", "localhost"));
        assert.ok(first.timestamp_ms >= from && first.timestamp_ms <= to);
        for (const event of again) assert.deepEqual(event, first);
        assert.deepEqual(site.deliveryCounts, { order: 1 });
        assert.deepEqual(await tab.evaluate(LEFT), []);
        assert.deepEqual(tab.pageErrors, []);
      });

  test("what a page is left with arrives at once and once, and nothing is left behind", async (t) => {
    const { site, visitor, tab } = await visitWithCourier(t);
    const from = Date.now();
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    const ms = Date.now() - from;
    assert.ok(ms < CLAIMED / 2, `${ms} ms`);
    await tab.page.waitForURL("**/next");
    assert.deepEqual(ways(site, tab, "order"), ["courier"]);
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(await tab.evaluate(LEFT), []);
    // nor does a further page have anything to send
    const other = await visitor.openPage(site.url("/", "localhost"));
    await other.evaluate(orderCall("other"));
    await site.waitForOrders("other");
    assert.deepEqual(site.deliveryCounts, { order: 1, other: 1 });
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.console, []);
  });

  test("a tab that is closed right after a call: the order arrives, though no page comes after", async (t) => {
    const { site, tab } = await visit(t);
    await tab.page.waitForFunction("window.oaiq.loaded");
    await pause(300);
    await tab.evaluate(orderCall("order"));
    await tab.page.close({ runBeforeUnload: true });
    await site.waitForOrders("order");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  });

  test("400 orders that a page is left with arrive once, without another page", async (t) => {
    const ids = Array.from({ length: 400 }, (_, i) => `order-${i}`);
    const orders = ids.map(orderCall).join("\n");
    const { site, tab } = await visitWithCourier(t, {
      pages: {
        "/": html(
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
          inlineScript(`addEventListener("pagehide", () => { ${orders} });`),
        ),
      },
    });
    await tab.goto(site.url("/empty", "localhost"));
    await site.waitForOrders(...ids);
    assert.deepEqual(
      site.deliveryCounts,
      Object.fromEntries(ids.map((id) => [id, 1])),
    );
    for (const { text } of site.requests)
      assert.ok(text.length <= 60_000, `${text.length} bytes`);
  });

  test("where the visitor arrives, within a second after an answer a beacon goes, as ever", async (t) => {
    const { site, tab } = await visit(t, {
      pages: {
        "/": html(
          COUNT,
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
          leavesBehindAnswer("workers"),
        ),
      },
    });
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    assert.deepEqual(ways(site, tab, "order"), ["beacon"]);
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  });

  test("a later page that is left over a line that has broken just after an answer, and is whole again: the order arrives, once", async (t) => {
    const { site, tab } = await visitWithCourier(t, {
      pages: {
        "/later": html(
          QUEUE_STUB,
          inlineScript(INIT),
          sdkTag(),
          leavesBehindAnswer(),
        ),
      },
    });
    let isBroken = true;
    site.respond = ({ events }) =>
      isBroken && events.some(({ id }) => id === "order") ? CUT : TAKEN;
    await tab.evaluate(`location.href = "/later";`);
    await tab.page.waitForURL("**/next");
    await site.waitFor("the try", () => sent(site, "order").length);
    // browsers try again themselves
    await pause(500);
    isBroken = false;
    await site.waitForOrders("order");
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.equal(ways(site, tab, "order")[0], "courier");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFT), []);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("a request that nobody has answered when the page is left is broken off, and goes by the courier: the order arrives at once and once", async (t) => {
    const { site, tab } = await visitWithCourier(t);
    site.respond = () => ({ hang: true });
    await tab.evaluate(orderCall("order"));
    await site.waitFor("the try", () => sent(site, "order").length);
    site.respond = () => TAKEN;
    await tab.evaluate(LEAVE);
    await site.waitForOrders("order");
    const [broken] = site.requests.filter(({ text }) => text.includes("order"));
    await site.waitFor("its end", () => broken.aborted);
    await tab.page.waitForURL("**/next");
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(ways(site, tab, "order"), ["page", "courier"]);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFT), []);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("a page that is left while it looks whether the courier's request has arrived: nothing goes twice", async (t) => {
    const { site, tab, next } = await visitWithCourier(t, {
      pages: {
        "/next": behind(`for (const name of ["has", "delete"]) {
          const own = CacheStorage.prototype[name];
          CacheStorage.prototype[name] = function (...args) {
            own.apply(this, args);
            window.hasLooked = true;
            return new Promise(() => {});
          };
        }`),
      },
    });
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    await tab.page.waitForFunction("window.hasLooked");
    await pause(500);
    site.pages["/next"] = PAGE;
    await tab.goto(next);
    await tab.page.waitForFunction(`!${KEPT}`);
    await pause(1_500);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFT), []);
  });

  test("a browser without locks: what a courier could not deliver the next page does, once", async (t) => {
    const page = behind(
      `Object.defineProperty(navigator, "locks", { value: undefined });`,
    );
    const { site, tab } = await visitWithCourier(t, {
      pages: { "/": page, "/next": page },
    });
    site.respond = () => CUT;
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitFor("the try", () => sent(site, "order").length);
    await pause(500);
    site.respond = () => TAKEN;
    await site.waitForOrders("order");
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(await tab.evaluate(LEFT), []);
  });

  for (const [line, status] of Object.entries({ up: TAKEN, down: CUT }))
    test(`a page that is hidden and stays, with the line ${line} then: the order arrives once, and the page goes on`, async (t) => {
      const { site, tab } = await visitWithCourier(t);
      site.respond = () => status;
      await tab.evaluate(`
        ${orderCall("order")}
        Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
        document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));`);
      await site.waitFor("the try", () => sent(site, "order").length);
      // browsers try again themselves
      await pause(500);
      site.respond = () => TAKEN;
      await tab.evaluate(
        `delete document.visibilityState; ${orderCall("later")} document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));`,
      );
      await site.waitForOrders("order", "later");
      await tab.page.waitForFunction(`!${KEPT}`);
      assert.deepEqual(site.deliveryCounts, { order: 1, later: 1 });
      assert.deepEqual(await tab.evaluate(LEFT), []);
      assert.deepEqual(tab.pageErrors, []);
    });

  test("a line that is down when five tabs are left at once: five other tabs deliver all orders, once", async (t) => {
    const { site, visitor, tab, next } = await visitWithCourier(t);
    const url = site.url("/", "localhost");
    const tabs = [tab];
    while (tabs.length < 5) tabs.push(await visitor.openPage(url));
    await site.waitFor(
      "the tabs' first events",
      () => site.startedPixels === 5,
    );
    await Promise.all(tabs.map(untilQuiet));
    site.respond = () => CUT;
    const ids = tabs.map((_, i) => `order-${i}`);
    await Promise.all(
      tabs.map((one, i) => one.evaluate(orderCall(ids[i]) + LEAVE)),
    );
    await site.waitFor("the tries", () =>
      ids.every((id) => sent(site, id).length),
    );
    await pause(500);
    site.respond = () => TAKEN;
    await Promise.all(tabs.map((one) => one.page.waitForURL("**/next")));
    await Promise.all(tabs.map((one) => one.goto(next)));
    await site.waitForOrders(...ids);
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(
      site.deliveryCounts,
      Object.fromEntries(ids.map((id) => [id, 1])),
    );
    assert.deepEqual(await tab.evaluate(LEFT), []);
  });

  test("an endpoint that has answered with 500: the next page sends the order again", async (t) => {
    const { site, tab } = await visitWithCourier(t);
    site.respond = () => ({ status: 500 });
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitFor("the refusal", () => sent(site, "order").length);
    site.respond = () => TAKEN;
    await site.waitForOrders("order");
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(ways(site, tab, "order"), ["courier", "page"]);
    assert.deepEqual(await tab.evaluate(LEFT), []);
  });

  test("an endpoint that has refused a batch for one bad order: the others arrive once, and the bad one is counted", async (t) => {
    const { site, tab } = await visitWithCourier(t);
    site.respond = ({ events }) => ({
      status: events.some(({ id }) => id === "bad") ? 400 : 202,
    });
    const ids = ["a", "b", "bad", "c", "d"];
    await tab.evaluate(ids.map(orderCall).join("") + LEAVE);
    await site.waitForOrders("a", "b", "c", "d");
    await site.waitFor(
      "the count",
      () => site.rejectedCalls.refused_by_endpoint === 1,
    );
    assert.deepEqual(site.deliveryCounts, { a: 1, b: 1, c: 1, d: 1 });
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(await tab.evaluate(LEFT), []);
  });

  test("neither box nor request has query or fragment, and no box has the user", async (t) => {
    const user = INIT.replace(
      "}",
      `, user: { email_sha256: "jane@example.com" } }`,
    );
    const { site, tab } = await visitWithCourier(t, {
      pages: { "/": html(QUEUE_STUB, inlineScript(user), sdkTag()) },
      path: "/?mail=jane@example.com&secret=42#top",
    });
    site.respond = () => CUT;
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitFor("the try", () => sent(site, "order").length);
    await tab.page.waitForURL("**/next");
    const kept = await tab.evaluate(KEPT);
    assert.match(kept, /"order"/);
    const { headers, text, body } = site.requests.find(({ text }) =>
      text.includes('"order"'),
    );
    // so it could have been in the box
    const { em } = body.user.in;
    assert.doesNotMatch(kept, /user|email|jane|secret|\?|#/);
    assert.ok(!kept.includes(em), kept);
    assert.doesNotMatch(text, /jane|secret|\?|#/);
    assert.equal(headers.referer, site.url("/", "localhost"));
  });

  for (const [answer, status] of [
    ["denied", CUT],
    ["denied when the order has arrived", TAKEN],
  ])
    test(`consent that the next page finds ${answer}: nothing stays`, async (t) => {
      const { site, tab } = await visitWithCourier(t, {
        pages: { "/next": DENIES },
      });
      site.respond = () => status;
      await tab.evaluate(orderCall("order") + LEAVE);
      await site.waitFor("the try", () => sent(site, "order").length);
      await tab.page.waitForURL("**/next");
      await tab.page.waitForFunction(`!${KEPT}`);
      const before = sent(site, "order").length;
      site.respond = () => TAKEN;
      await pause(CLAIMED + 2_000);
      assert.equal(sent(site, "order").length, before);
      assert.deepEqual(await tab.evaluate(LEFT), []);
    });

  test("consent that the next page finds denied while the request waits for its answer: the page after that leaves nothing", async (t) => {
    const { site, tab, next } = await visitWithCourier(t, {
      pages: { "/next": DENIES },
    });
    site.holdResponses();
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    await tab.page.waitForFunction(`!${KEPT}`);
    site.releaseResponses();
    await tab.page.waitForFunction(
      "caches.keys().then(({ length }) => length)",
    );
    await tab.goto(next);
    await tab.page.waitForFunction("window.oaiq.loaded");
    await pause(1_000);
    assert.deepEqual(await tab.evaluate(LEFT), []);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  });

  const SILENT = {
    "consent is still to be asked for": [
      INIT.replace("}", `, consent: "pending" }`),
      {},
    ],
    "a cookie denies": [INIT, { __oaiq_consent: "false" }],
  };
  for (const [when, [init, cookies]] of Object.entries(SILENT))
    test(`there is no courier where ${when}`, async (t) => {
      const set = Object.entries(cookies)
        .map(([name, value]) => `document.cookie = "${name}=${value}";`)
        .join("");
      const { site, visitor, tab } = await visit(t, {
        pages: {
          "/": html(
            inlineScript(set),
            COUNT,
            QUEUE_STUB,
            inlineScript(init + orderCall("order")),
            sdkTag(),
          ),
        },
      });
      await tab.page.waitForFunction("window.oaiq.loaded");
      await pause(1_500);
      assert.equal(await tab.evaluate("workers"), 0);
      assert.equal(await workers(site, visitor), 0);
      assert.deepEqual(await tab.evaluate("Object.keys(localStorage)"), []);
      await tab.goto(site.url("/empty", "localhost"));
      assert.deepEqual(await tab.evaluate("Object.keys(localStorage)"), []);
      assert.deepEqual(site.measured, []);
    });

  test("there is a courier, one, once consent is given", async (t) => {
    const { site, visitor, tab } = await visit(t, {
      pages: {
        "/": html(
          COUNT,
          QUEUE_STUB,
          inlineScript(INIT.replace("}", `, consent: "pending" }`)),
          sdkTag(),
        ),
      },
    });
    await tab.page.waitForFunction("window.oaiq.loaded");
    await pause(500);
    assert.equal(await tab.evaluate("workers"), 0);
    await tab.evaluate(`oaiq("consent", true)`);
    await untilHired(site, visitor);
    assert.equal(await tab.evaluate("workers"), 1);
  });

  test("a Content-Security-Policy that forbids couriers: beacons go, and the browser complains once for all pages", async (t) => {
    const page = {
      html: PAGE,
      headers: {
        "content-security-policy":
          "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; img-src data:; worker-src 'self'",
      },
    };
    const { site, visitor, tab, next } = await visit(t, {
      pages: { "/": page, "/next": page },
    });
    await waitUntil("the complaint", () =>
      tab.evaluate(`localStorage["oaiq_outbox.no_courier"]`),
    );
    assert.equal(tab.console.length, 1, JSON.stringify(tab.console));
    assert.match(tab.console[0].text, /worker-src/);
    await tab.evaluate(orderCall("first") + LEAVE);
    await tab.page.waitForURL("**/next");
    await site.waitForOrders("first");
    await waitUntil("the pixel", () => tab.evaluate("window.oaiq.loaded"));
    await pause(500);
    await tab.evaluate(orderCall("second") + `location.href = "/empty";`);
    await site.waitForOrders("second");
    assert.deepEqual(ways(site, tab, "first"), ["beacon"]);
    assert.deepEqual(ways(site, tab, "second"), ["beacon"]);
    const other = await visitor.openPage(next);
    await other.evaluate(orderCall("third"));
    await site.waitForOrders("third");
    assert.deepEqual([...tab.console.slice(1), ...other.console], []);
    assert.deepEqual([tab.pageErrors, other.pageErrors], [[], []]);
  });

  test("a Content-Security-Policy that allows no policy for script addresses: the browser complains of couriers on one page at most", async (t) => {
    const page = {
      html: PAGE,
      headers: {
        "content-security-policy":
          "require-trusted-types-for 'script'; trusted-types 'none'",
      },
    };
    const { site, tab } = await visitAWhile(t, {
      pages: { "/": page, "/next": page },
    });
    await tab.evaluate(orderCall("first") + LEAVE);
    await tab.page.waitForURL("**/next");
    await site.waitForOrders("first");
    const complaints = tab.console.length;
    assert.ok(complaints <= 1, JSON.stringify(tab.console));
    await waitUntil("the pixel", () => tab.evaluate("window.oaiq.loaded"));
    await pause(500);
    await tab.evaluate(orderCall("second") + `location.href = "/empty";`);
    await site.waitForOrders("second");
    assert.equal(tab.console.length, complaints, JSON.stringify(tab.console));
    assert.deepEqual(ways(site, tab, "first"), ["beacon"]);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("a Content-Security-Policy that wants the pixel's policy for script addresses, and allows it: a courier goes, and the browser has nothing to say", async (t) => {
    const page = {
      html: PAGE,
      headers: {
        "content-security-policy":
          "require-trusted-types-for 'script'; trusted-types oaiq",
      },
    };
    const { site, tab } = await visitWithCourier(t, { pages: { "/": page } });
    await tab.evaluate(orderCall("order") + LEAVE);
    await site.waitForOrders("order");
    await tab.page.waitForURL("**/next");
    assert.deepEqual(ways(site, tab, "order"), ["courier"]);
    assert.deepEqual([tab.console, tab.pageErrors], [[], []]);
  });

  for (const [age, hires] of [
    [1_000, false],
    [90_000_000, true],
  ])
    test(`a courier that was forbidden ${hires ? "more than a day ago is looked for again" : "a moment ago is not looked for"}`, async (t) => {
      const then = `localStorage["oaiq_outbox.no_courier"] = Date.now() - ${age};`;
      const { site, visitor, tab } = await visit(t, {
        pages: {
          "/": html(
            inlineScript(then),
            COUNT,
            QUEUE_STUB,
            inlineScript(INIT),
            sdkTag(),
          ),
        },
      });
      if (hires) return untilHired(site, visitor);
      await site.waitFor(
        "the page's own first event",
        () => site.events.length,
      );
      await pause(1_000);
      assert.equal(await tab.evaluate("workers"), 0);
    });

  test("plain http: beacons go, and the browser has nothing to say", async (t) => {
    const { site, visitor, tab, next } = await visitAWhile(t, {
      host: "shop.example.test",
    });
    assert.equal(await workers(site, visitor), 0);
    await tab.evaluate(orderCall("order") + LEAVE);
    await tab.page.waitForURL(next);
    await site.waitForOrders("order");
    assert.deepEqual(ways(site, tab, "order"), ["beacon"]);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual([tab.console, tab.pageErrors], [[], []]);
  });

  test("pages that are left before their courier has come do not keep the visitor from having one", async (t) => {
    const { site, visitor, tab, next } = await visit(t, {
      pages: {
        "/": html(
          COUNT,
          QUEUE_STUB,
          inlineScript(
            INIT +
              orderCall("order") +
              `const timer = setInterval(() => {
                   if (!workers) return;
                   clearInterval(timer);
                   ${LEAVE}
                 }, 1);`,
          ),
          sdkTag(),
        ),
        "/next": EMPTY,
      },
    });
    for (let i = 0; i < 10; i += 1) {
      await tab.page.waitForURL("**/next");
      await tab.goto(site.url("/", "localhost"), "commit");
    }
    await tab.page.waitForURL("**/next");
    assert.equal(
      await tab.evaluate(`localStorage["oaiq_outbox.no_courier"]`),
      undefined,
    );
    site.pages["/next"] = PAGE;
    await tab.goto(next);
    await untilHired(site, visitor);
  });

  const WORDS = `
      const boom = function () { throw new Error("boom"); };
      const put = (of, name, value) => Object.defineProperty(of, name, { configurable: true, writable: true, value });`;
  const HOSTILE = {
    "SharedWorker throws": `put(window, "SharedWorker", boom);`,
    "there is no SharedWorker": `put(window, "SharedWorker", undefined);`,
    "SharedWorker is one whose ports take nothing": `
        put(window, "SharedWorker", class { constructor(_, options) { options?.extendedLifetime; this.port = {}; } });`,
    "SharedWorker is one without ports": `
        put(window, "SharedWorker", class { constructor(_, options) { options?.extendedLifetime; } });`,
    "SharedWorker reads no options": `
        put(window, "SharedWorker", class { port = { postMessage() {} }; });`,
    "createObjectURL throws": `put(URL, "createObjectURL", boom);`,
    "Blob throws": `put(window, "Blob", boom);`,
    "Blob is something else": `put(window, "Blob", class {});`,
    "there is no Blob": `put(window, "Blob", undefined);`,
    "caches throws": `Object.defineProperty(window, "caches", { configurable: true, get: boom });`,
    "there is no caches": `put(window, "caches", undefined);`,
    "postMessage throws": `put(MessagePort.prototype, "postMessage", boom);`,
  };
  /** The order arrives once, from that page or the next, and nothing is kept. */
  const leavesAnOrder = async (site, tab, next) => {
    // in one breath: a busy machine may take long from one command to the next
    await tab.evaluate(orderCall("order") + LEAVE);
    await tab.page.waitForURL(next);
    await site.waitForOrders("order");
    await tab.page.waitForFunction(`!${KEPT}`);
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  };

  for (const [what, text] of Object.entries(HOSTILE))
    test(`${what}: the order arrives by beacon, once, and the page notices nothing`, async (t) => {
      const { site, tab, next } = await visitAWhile(t, {
        pages: { "/": behind(`(() => { ${WORDS} ${text} })();`) },
      });
      await leavesAnOrder(site, tab, next);
      assert.deepEqual(ways(site, tab, "order"), ["beacon"]);
      assert.deepEqual([tab.console, tab.pageErrors], [[], []]);
    });

  /** What a page has believed in is known by the first answer of the next. */
  const HOSTS = {
    "with couriers": "localhost",
    "on plain http": "shop.example.test",
  };
  for (const [what, host] of Object.entries(HOSTS)) {
    /** The line breaks with the order that the page is left with, which goes by a beacon. */
    const leavesByBeacon = async (t, next = PAGE) => {
      let line = TAKEN;
      const answerTo = ({ events }) => {
        if (events.some(({ id }) => id === "order")) line = CUT;
        return line;
      };
      const { site, tab } = await visit(t, {
        host,
        answerTo,
        pages: {
          "/": html(
            QUEUE_STUB,
            inlineScript(INIT),
            sdkTag(),
            leavesBehindAnswer(),
          ),
          "/next": next,
        },
      });
      await tab.page.waitForURL("**/next");
      await site.waitFor("the try", () => sent(site, "order").length);
      assert.equal(ways(site, tab, "order")[0], "beacon");
      return { site, tab };
    };

    test(`a line that breaks just before the page is left, and is still down on the next page, ${what}: the order arrives, once`, async (t) => {
      const { site, tab } = await leavesByBeacon(t);
      await site.waitFor("the next page's try", () => site.startedPixels === 2);
      // browsers try again themselves, so the page hears later that it is in vain
      await tab.page.waitForFunction(
        `${KEPT}.includes("order") && !${KEPT}.startsWith("?")`,
      );
      site.respond = () => TAKEN;
      await site.waitForOrders("order");
      await tab.page.waitForFunction(`!${KEPT}`);
      assert.deepEqual(ways(site, tab, "order").at(-1), "page");
      assert.deepEqual(site.deliveryCounts, { order: 1 });
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`consent that is denied after a line has broken just before the page was left, ${what}: nothing stays`, async (t) => {
      const { site, tab } = await leavesByBeacon(t, DENIES);
      await tab.page.waitForFunction(`!${KEPT}`);
      site.respond = () => TAKEN;
      await pause(2_000);
      assert.deepEqual(site.deliveryCounts, {});
      assert.deepEqual(
        await tab.evaluate(
          "Object.keys(localStorage).filter((key) => key.startsWith('oaiq_outbox'))",
        ),
        [],
      );
    });
  }

  test("postMessage does nothing: the next page delivers the order, once", async (t) => {
    const { site, tab, next } = await visitWithCourier(t, {
      pages: {
        "/": behind(`MessagePort.prototype.postMessage = () => {};`),
      },
    });
    await leavesAnOrder(site, tab, next);
  });
});

describe(
  "a page with a courier that sleeps in the back/forward cache",
  { concurrency: 4 },
  () => {
    const browser = useBrowser(ENABLE_BFCACHE);

    for (const [line, status] of Object.entries({ up: TAKEN, down: CUT }))
      test(`comes back and goes on, and what it was left with arrives once, with the line ${line} then`, async (t) => {
        const site = await startSite(t, {
          "/": html(BFCACHE_PROBE, QUEUE_STUB, inlineScript(INIT), sdkTag()),
          "/next": EMPTY,
        });
        const visitor = await Visitor.create(t, browser);
        const tab = await visitor.openPage(site.url("/", "localhost"));
        await untilHired(site, visitor);
        site.respond = () => status;
        // in one evaluation: a request in flight would be aborted and sent again
        await tab.evaluate(orderCall("before") + LEAVE);
        await tab.page.waitForURL("**/next");
        await site.waitFor("the try", () => sent(site, "before").length);
        await pause(500);
        site.respond = () => TAKEN;
        await tab.restoreFromBfcache(site.url("/", "localhost"));
        assert.equal(await tab.evaluate("isRestored"), true);
        await tab.evaluate(orderCall("after"));
        await site.waitForOrders("before", "after");
        await tab.page.waitForFunction(`!${KEPT}`);
        assert.deepEqual(site.deliveryCounts, { before: 1, after: 1 });
        assert.deepEqual(await tab.evaluate(LEFT), []);
        assert.deepEqual(tab.pageErrors, []);
      });
  },
);

describe("a browser that a tool drives", { concurrency: 4 }, () => {
  const browser = useBrowser(AUTOMATED);

  test("has no worker, so a site's own tests see every request", async (t) => {
    const site = await startSite(t, { "/": PAGE, "/b": PAGE, "/c": EMPTY });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    assert.equal(await tab.evaluate("navigator.webdriver"), true);
    const seen = [];
    await tab.page.route(`**${EVENTS_PATH}*`, (route) => {
      seen.push(route.request().postData() ?? "");
      return route.fulfill({ status: 202 });
    });
    await tab.goto(site.url("/b", "localhost"));
    await untilQuiet(tab).catch(() => {});
    assert.equal(await workers(site, visitor), 0);
    await tab.evaluate(orderCall("order") + `location.href = "/c";`);
    await tab.page.waitForURL("**/c");
    await pause(1_000);
    assert.equal(seen.filter((body) => body.includes('"order"')).length, 1);
    assert.equal(site.deliveryCounts.order, undefined);
  });
});

describe("a visitor who denies", () => {
  const browser = useBrowser();

  test("has no worker started", async (t) => {
    const site = await startSite(t, {
      "/": html(COUNT, QUEUE_STUB, inlineScript(INIT), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage("about:blank");
    await tab.page.addInitScript(() => {
      // as soon as consent has let the outbox be looked at, the visitor denies
      const { getItem } = Storage.prototype;
      Storage.prototype.getItem = function (key) {
        if (key === "oaiq_outbox.damaged")
          queueMicrotask(() => window.oaiq("consent", false));
        return getItem.call(this, key);
      };
    });
    await tab.goto(site.url("/", "localhost"));
    await tab.page.waitForFunction(
      `document.cookie.includes("q_consent=false")`,
    );
    await pause(1_500);
    assert.equal(await tab.evaluate("workers"), 0);
  });
});
