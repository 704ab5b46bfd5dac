// A visitor who has not been asked yet: calls wait, and nothing is stored, read back or sent, until there is an answer.
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

const ADDRESSES = `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}"`;
const pixel = (attributes) => sdkTag(`${ADDRESSES} ${attributes}`);
const PENDING = pixel('data-consent="pending"');

const GTAG = inlineScript(`window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments); }`);
const gtag = (kind, given) =>
  `gtag("consent", ${JSON.stringify(kind)}, ${JSON.stringify(given)});`;
const DENIED = { ad_storage: "denied", ad_user_data: "denied" };
const GRANTED = { ad_storage: "granted", ad_user_data: "granted" };

/** Keeps an account of what a page writes and reads of its cookies and stores, before any script of its own. */
const WATCH = `(() => {
  window.touched = [];
  const told = (what) => touched.push(String(what));
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", {
    configurable: true,
    get() { told("reads cookies"); return get.call(this); },
    set(value) { told("writes " + value); set.call(this, value); },
  });
  for (const name of ["getItem", "setItem", "removeItem", "key"]) {
    const own = Storage.prototype[name];
    Storage.prototype[name] = function () { told(name + " " + arguments[0]); return own.apply(this, arguments); };
  }
})();`;

/** The same for all places in which a browser keeps something for a page. */
const WATCH_ALL = `(() => {
  window.touched = [];
  const watch = (object, name) => {
    const property = Object.getOwnPropertyDescriptor(object, name);
    if (!property?.configurable) throw new Error("cannot watch " + name);
    for (const part of ["get", "set", "value"]) {
      const own = property[part];
      if (typeof own !== "function") continue;
      property[part] = new Proxy(own, {
        apply(target, self, args) { touched.push([part, name, ...args.map(String)].join(" ")); return Reflect.apply(target, self, args); },
        construct(target, args) { touched.push("new " + name); return Reflect.construct(target, args); },
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

/** The name of a tab's window, which the next site can read. */
const WATCH_NAME = `(() => {
  window.touched = [];
  const { get, set } = Object.getOwnPropertyDescriptor(window, "name");
  Object.defineProperty(window, "name", {
    configurable: true,
    get() { touched.push("reads the name"); return get.call(this); },
    set(value) { touched.push("names " + value); set.call(this, value); },
  });
})();`;

/** Nothing was stored, read or sent. */
const nothingHappened = async (site, visitor, tab) => {
  assert.deepEqual(await tab.evaluate("touched"), []);
  assert.deepEqual(await visitor.cookies(), {});
  assert.deepEqual(await tab.evaluate("Object.keys(localStorage)"), []);
  assert.deepEqual(await tab.evaluate("Object.keys(sessionStorage)"), []);
  assert.deepEqual(site.requests, []);
  assert.deepEqual(site.configRequests, []);
};

const state = (tab) => tab.evaluate("({...oaiq.consentState})");
const isPending = (tab) =>
  tab.page.waitForFunction("oaiq.consentState?.state === 'pending'");
const becomes = (tab, state) =>
  tab.page.waitForFunction(`oaiq.consentState.state === "${state}"`);

/** Longer than a batch waits, and than the page's own work after its paint. */
const A_WHILE = 2_500;

describe("a visitor who has not been asked", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /** Someone on a page with these parts, whose cookies and stores are watched. */
  const arrives = async (t, pages, path = "/") => {
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
    "an init that comes later": [
      QUEUE_STUB,
      sdkTag(),
      inlineScript(
        'oaiq("init", { pixelId: "TEST-PIXEL", consent: "pending" });',
      ),
    ],
  }))
    test(`is left alone by ${way}, and then loses nothing by having taken time`, async (t) => {
      const { site, visitor, tab } = await arrives(
        t,
        { "/": html(...parts) },
        "/?oppref=click-1",
      );
      await tab.evaluate(orderCall("first"));
      const first = await tab.evaluate("Date.now()");
      await tab.evaluate("history.pushState(null, '', '/second?x=1')");
      await tab.evaluate(orderCall("second"));
      await pause(A_WHILE);
      await nothingHappened(site, visitor, tab);
      assert.deepEqual(await state(tab), { state: "pending", source: "call" });

      await tab.evaluate("oaiq('consent', true)");
      await site.waitForOrders("first", "second");
      assert.deepEqual(site.deliveryCounts, { first: 1, second: 1 });
      const [one, two] = site.measured;
      assert.equal(one.source_url, site.url("/"));
      assert.equal(two.source_url, site.url("/second"));
      assert.ok(Math.abs(one.timestamp_ms - first) < 1_500);
      assert.ok(
        site.requests.some(({ body }) => body.oppref === "click-1"),
        "the click went with it",
      );
      assert.deepEqual(await state(tab), { state: "granted", source: "call" });
      assert.equal((await visitor.cookies()).__oppref, "click-1");
      assert.deepEqual(tab.pageErrors, []);
    });

  test("and then says no has measured nothing, and may change their mind", async (t) => {
    const { site, visitor, tab } = await arrives(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), PENDING),
    });
    await tab.evaluate(orderCall("waiting"));
    await tab.evaluate("oaiq('consent', false)");
    await tab.evaluate(orderCall("denied"));
    await pause(A_WHILE);
    assert.deepEqual(site.requests, []);
    assert.deepEqual(site.configRequests, []);
    assert.deepEqual(Object.keys(await visitor.cookies()), ["__oaiq_consent"]);
    assert.deepEqual(await state(tab), { state: "denied", source: "call" });

    await tab.evaluate("oaiq('consent', true)");
    await tab.evaluate(orderCall("granted"));
    await site.waitForOrders("granted");
    await tab.evaluate("oaiq('consent', false)");
    await tab.evaluate(orderCall("withdrawn"));
    assert.equal((await state(tab)).state, "denied");
    await tab.leaveAfterResponses(site).catch(() => {});
    assert.deepEqual(site.deliveryCounts, { granted: 1 });
    assert.deepEqual(tab.pageErrors, []);
  });

  test("is measured in 200 events at most, the oldest views of which go first", async (t) => {
    const { site, tab } = await arrives(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), PENDING),
    });
    await tab.evaluate(`
      ${orderCall("kept")}
      for (let i = 0; i < 150; i += 1)
        oaiq("measure", "page_viewed", { type: "contents" }, { event_id: "view " + i });
      for (let i = 0; i < 150; i += 1)
        oaiq("measure", "order_created", { type: "contents", amount: 1, currency: "EUR" }, { event_id: "order " + i });
      oaiq("consent", true);`);
    await site.waitForOrders("kept", "order 149", "view 149");
    const ids = site.measured.map(({ id }) => id);
    // the init and the paint wait among them
    assert.equal(ids.length, 198);
    assert.equal(ids.filter((id) => id.startsWith("order")).length, 150);
    assert.ok(!ids.includes("view 102") && ids.includes("view 103"));
  });

  test("waits for a source's file, and is told where that is missing", async (t) => {
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
      tab.oaiqLogs[0],
      /nothing is measured before oaiq\("consent", true\)/,
    );
    await tab.evaluate(orderCall("waiting"));
    await tab.evaluate("oaiq('consent', true)");
    await site.waitForOrders("waiting");
  });

  test("loses nothing on a page that has broken arrays", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${INIT}${orderCall("waiting")}`),
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
          // the test's own tool needs them
          for (let i = 0; i < methods.length; i += 1) Array.prototype[methods[i]] = before[i];
          Array.prototype[Symbol.iterator] = iterate;
        }, 2000);`,
      ),
      PENDING,
    );
    await site.waitForOrders("waiting", "later");
    assert.deepEqual(tab.pageErrors, []);
  });

  test("whose page names nothing downloads nothing more", async (t) => {
    const { site, tab } = await openSite(t, browser);
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    assert.ok(!tab.hasRequested("oaiq.consent.min.js"));
    assert.equal(await tab.evaluate("oaiq.consentState"), undefined);
  });

  test("whose page has the script inline is not taken for one who must be asked", async (t) => {
    const site = await startSite(t, { "/": html() });
    const text = site.files.get("oaiq.min.js").toString();
    site.pages["/"] = html(
      QUEUE_STUB,
      inlineScript(INIT),
      `<script ${ADDRESSES}>${text}</script>`,
    );
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
    assert.equal(await tab.evaluate("oaiq.consentState"), undefined);
  });

  test("is asked by Google Consent Mode, before and after the script", async (t) => {
    const pages = (...first) => ({
      "/": html(
        GTAG,
        inlineScript(first.join("")),
        QUEUE_STUB,
        inlineScript(INIT),
        pixel('data-consent-source="google"'),
      ),
    });
    const before = await arrives(t, pages(gtag("default", DENIED)));
    await isPending(before.tab);
    await before.tab.evaluate(orderCall("waiting"));
    await before.tab.page.waitForFunction(
      "oaiq.consentState.source === 'google'",
    );
    await pause(A_WHILE);
    await nothingHappened(before.site, before.visitor, before.tab);
    await before.tab.evaluate(gtag("update", GRANTED));
    await before.site.waitForOrders("waiting");
    assert.deepEqual(await state(before.tab), {
      state: "granted",
      source: "google",
    });
    await before.tab.evaluate(gtag("update", DENIED));
    await becomes(before.tab, "denied");
    await before.tab.evaluate(orderCall("withdrawn"));
    await before.tab.leaveAfterResponses(before.site).catch(() => {});
    assert.deepEqual(before.site.deliveryCounts, { waiting: 1 });

    const known = await arrives(
      t,
      pages(gtag("default", DENIED), gtag("update", GRANTED)),
    );
    await known.tab.evaluate(orderCall("known"));
    await known.site.waitForOrders("known");

    const late = await arrives(
      t,
      pages(gtag("default", { ...GRANTED, wait_for_update: 1_500 })),
    );
    await late.tab.evaluate(orderCall("late"));
    await late.site.waitForOrders("late");
  });

  for (const [where, attributes] of [
    ["in the region that it denies", 'data-region="DE"'],
    ["nobody knows where", ""],
  ])
    test(`and is ${where}, is not measured by a grant for everybody that stands before it`, async (t) => {
      const site = await startSite(t, {
        "/": html(
          GTAG,
          QUEUE_STUB,
          inlineScript(INIT + orderCall("first")),
          pixel(`data-consent-source="google" ${attributes}`),
          inlineScript(gtag("default", GRANTED) + orderCall("second")),
          // scripts behind it wait, and the page's other tasks do not
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
      await tab.page.waitForFunction(
        "window.oaiq?.consentState?.source === 'google'",
      );
      await pause(A_WHILE);
      await nothingHappened(site, visitor, tab);
      site.releaseResponses();
      await tab.page.waitForFunction("dataLayer.length === 2");
      await pause(A_WHILE);
      await nothingHappened(site, visitor, tab);
      assert.deepEqual(await state(tab), {
        state: "pending",
        source: "google",
      });

      await tab.evaluate(gtag("update", GRANTED));
      await site.waitForOrders("first", "second", "third");
      assert.deepEqual(tab.pageErrors, []);
    });

  test("is asked by who is named in the script's own attribute, and not by the config", async (t) => {
    const { site, tab } = await arrives(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(`oaiq.config = { consentSource: "tcf" }; ${INIT}`),
        pixel('data-oaiq-consent-source="gpc"'),
      ),
    });
    await becomes(tab, "granted");
    assert.deepEqual(await state(tab), { state: "granted", source: "gpc" });
    await tab.evaluate(orderCall("a"));
    await site.waitForOrders("a");
  });

  test("who is not to be named is not, until they may be", async (t) => {
    const { site, tab } = await arrives(t, {
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
    await tab.evaluate(orderCall("unnamed"));
    await site.waitForOrders("unnamed");
    assert.ok(site.requests.every(({ body }) => !("user" in body)));
    await tab.evaluate(gtag("update", { ad_user_data: "granted" }));
    await tab.evaluate(orderCall("named"));
    await site.waitForOrders("named");
    assert.deepEqual(site.requests.at(-1).body.user, { in: { co: "DE" } });
    await tab.evaluate(gtag("update", { ad_user_data: "denied" }));
    await tab.evaluate(orderCall("unnamed again"));
    await site.waitForOrders("unnamed again");
    assert.ok(!("user" in site.requests.at(-1).body));
  });

  test("who withdraws in one tab has withdrawn in all, until they are asked again", async (t) => {
    const { site, visitor, tab } = await arrives(t, {
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
    await becomes(other, "denied");
    assert.equal((await state(other)).source, "another tab");
    await other.evaluate(orderCall("withdrawn"));
    await other.evaluate(gtag("update", GRANTED));
    await becomes(other, "granted");
    await other.evaluate(orderCall("asked again"));
    await site.waitForOrders("asked again");
    assert.equal(site.deliveryCounts.withdrawn, undefined);
  });

  test("who withdraws in one tab has withdrawn in all, also where the page itself asks", async (t) => {
    const { site, visitor, tab } = await arrives(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT), PENDING),
    });
    const other = await visitor.openPage(site.url());
    const third = await visitor.openPage(site.url());
    for (const it of [tab, other]) await it.evaluate("oaiq('consent', true)");
    await other.evaluate(orderCall("allowed"));
    await site.waitForOrders("allowed");
    await third.evaluate(orderCall("waiting"));
    await tab.evaluate("oaiq('consent', false)");
    for (const it of [other, third]) {
      await becomes(it, "denied");
      assert.equal((await state(it)).source, "another tab");
      await it.evaluate(orderCall("withdrawn"));
    }

    // what happens there then is no answer here, where nothing is measured before the next
    await tab.evaluate("oaiq('consent', true)");
    await tab.evaluate("localStorage.clear()");
    await tab.evaluate(orderCall("granted again"));
    await site.waitForOrders("granted again");
    assert.deepEqual(await state(other), {
      state: "denied",
      source: "another tab",
    });
    await other.evaluate(orderCall("still withdrawn"));
    for (const it of [other, third]) {
      await it.evaluate("oaiq('consent', true)");
      await it.evaluate(orderCall("asked again"));
      assert.deepEqual(await state(it), { state: "granted", source: "call" });
    }
    await site.waitFor(
      "both orders",
      () => site.deliveryCounts["asked again"] === 2,
    );
    assert.deepEqual(site.deliveryCounts, {
      allowed: 1,
      "granted again": 1,
      "asked again": 2,
    });
  });

  for (const [what, first] of [
    ["has started a pixel", INIT],
    ["has the answer", `oaiq("consent", true);`],
  ])
    test(`is measured where the page ${what} before an init that would wait`, async (t) => {
      const { site, tab } = await arrives(t, {
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

  test("is left alone by an init that comes behind calls that say nothing of consent", async (t) => {
    const { site, visitor, tab } = await arrives(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript(`${orderCall("a")} oaiq("consent", "granted"); oaiq("initialise", {}); oaiq("init");
          oaiq("init", { pixelId: "TEST-PIXEL", consent: "pending" });`),
        sdkTag(),
      ),
    });
    await pause(A_WHILE);
    assert.deepEqual(await state(tab), { state: "pending", source: "call" });
    await nothingHappened(site, visitor, tab);
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
    /** With debug on by the page, by a link from anywhere, and by hand. */
    const lookedAt = async (t, watched) => {
      const site = await startSite(t, pages);
      const visitor = await Visitor.create(t, browser);
      await visitor.context.addInitScript(watched);
      // where a page has caches and workers
      const url = site.url("/?oaiq_debug=1&oppref=click-1", "localhost");
      const tab = await visitor.openPage(url);
      await tab.evaluate(orderCall("a"));
      await tab.waitForLog(/pending/);
      await tab.evaluate("oaiq.debug()");
      await pause(A_WHILE);
      assert.deepEqual(await tab.evaluate("touched"), []);
      assert.deepEqual(site.requests, []);
      assert.deepEqual(await visitor.cookies(), {});
      assert.deepEqual(tab.pageErrors, []);
    };

    test(`has no store of theirs touched by ${way} with debug on`, (t) =>
      lookedAt(t, WATCH_ALL));

    test(`has no window's name touched by ${way} with debug on`, (t) =>
      lookedAt(t, WATCH_NAME));
  }

  test("needs all sources to allow, and one to deny", async (t) => {
    const parts = (...first) => ({
      "/": html(
        GTAG,
        ...first,
        QUEUE_STUB,
        inlineScript(INIT),
        pixel('data-consent-source="google gpc"'),
      ),
    });
    const one = await arrives(t, parts(inlineScript(gtag("update", GRANTED))));
    await becomes(one.tab, "granted");
    assert.equal((await state(one.tab)).source, "google gpc");

    const private_ = inlineScript(
      'Object.defineProperty(navigator, "globalPrivacyControl", { value: true });',
    );
    const other = await arrives(
      t,
      parts(private_, inlineScript(gtag("update", GRANTED))),
    );
    await becomes(other.tab, "denied");
    assert.equal((await state(other.tab)).source, "gpc");
    await other.tab.evaluate("oaiq('consent', true)");
    await other.tab.evaluate(orderCall("after all"));
    await other.site.waitForOrders("after all");
  });

  test("whose browser objects is opted out where the site says so", async (t) => {
    const { site, tab } = await arrives(t, {
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

  test("of a source that there is not is not measured, and the console says why", async (t) => {
    const { site, tab } = await arrives(t, {
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
    await pause(A_WHILE);
    assert.deepEqual(site.requests, []);
  });

  test("who never answers is told of with debug after a while", async (t) => {
    const { tab } = await arrives(t, {
      "/": html(
        QUEUE_STUB,
        inlineScript('oaiq("init", { pixelId: "TEST-PIXEL", debug: true });'),
        pixel('data-consent-source="tcf google"'),
      ),
    });
    await tab.waitForLog(/no answer about consent after 5 s, from tcf google/);
  });
});

describe("a click that waits for consent", { concurrency: 4 }, () => {
  const browser = useBrowser();
  const PASSING = pixel('data-consent="pending" data-click-passthrough');
  const page = (body) =>
    html(QUEUE_STUB, inlineScript(INIT), PASSING).replace(
      "<body></body>",
      `<body>${body}</body>`,
    );

  const arrives = async (t, body) => {
    const site = await startSite(t, { "/": page(body), "/next": page("") });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oppref=click-1"));
    return { site, visitor, tab };
  };

  const ways = {
    "a link": ['<a href="/next?a=1#there">go</a>', "text=go"],
    "a link that was added later": [
      `<script>setTimeout(() => document.body.insertAdjacentHTML("beforeend", '<a href="/next"><b>go</b></a>'))</script>`,
      "b",
    ],
    "a form": ['<form action="/next?a=1"><button>go</button></form>', "button"],
    "a button with an address of its own": [
      '<form action="/"><button formaction="/next">go</button></form>',
      "button",
    ],
  };
  for (const [way, [body, selector]] of Object.entries(ways))
    test(`is carried to the next page by ${way}`, async (t) => {
      const { site, tab } = await arrives(t, body);
      assert.equal(await tab.evaluate("location.search"), "?oppref=click-1");
      await tab.page.click(selector);
      await tab.page.waitForURL((url) => url.pathname === "/next");
      await tab.evaluate(orderCall("bought"));
      await tab.evaluate("oaiq('consent', true)");
      await site.waitForOrders("bought");
      assert.equal(site.requests.at(-1).body.oppref, "click-1");
    });

  test("is carried in the address of a form that posts", async (t) => {
    const { tab } = await arrives(
      t,
      '<form action="/next" method="post"><button>go</button><input name="action"></form>',
    );
    const posted = tab.page.waitForRequest((it) => it.method() === "POST");
    await tab.page.click("button", { noWaitAfter: true });
    assert.match((await posted).url(), /\/next\?oppref=click-1$/);
  });

  test("stays where it is on links elsewhere, on downloads, within the page, and where the page goes by itself", async (t) => {
    const { tab } = await arrives(
      t,
      `<a id="elsewhere" href="http://other.example.test/x">1</a>
       <a id="download" href="/file" download>2</a>
       <a id="within" href="#part">3</a>
       <a id="routed" href="/next">4</a>
       <a id="mail" href="mailto:a@b.c">5</a>
       <script>
         window.followed = [];
         routed.addEventListener("click", (event) => event.preventDefault());
         // behind the pixel's listener, when the browser would go
         addEventListener("load", () => setTimeout(() => addEventListener("click", (event) => {
           const link = event.target.closest("a");
           followed.push(link.id + " " + link.getAttribute("href"));
           event.preventDefault();
         }), 1000));
       </script>`,
    );
    await pause(1_500);
    for (const id of ["elsewhere", "download", "within", "routed", "mail"])
      await tab.evaluate(`document.getElementById("${id}").click()`);
    assert.deepEqual(await tab.evaluate("followed"), [
      "elsewhere http://other.example.test/x",
      "download /file",
      "within #part",
      "routed /next",
      "mail mailto:a@b.c",
    ]);
  });

  test("is carried no further once there is an answer", async (t) => {
    const { tab } = await arrives(t, '<a href="/next">go</a>');
    await tab.evaluate("oaiq('consent', false)");
    await tab.page.click("a");
    await tab.page.waitForURL((url) => url.pathname === "/next");
    assert.equal(await tab.evaluate("location.search"), "");
  });
});
