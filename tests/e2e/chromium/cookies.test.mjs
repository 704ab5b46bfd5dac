// The cookies of a visitor, in a real browser's jar: which are written, for which domain, and which of several counts.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  html,
  INIT,
  startSite,
  orderCall,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
} from "../support/site.mjs";

const HOST = "www.shop.example.co.uk";
const UUID = "4e5e4050-f8cb-416c-9078-534b39100342";
const KNOWN = `__obref=${UUID}; Domain=example.co.uk; Max-Age=3600`;
const DAY = 24 * 60 * 60;

/** Keeps an account of how often the page's cookies are read, and of what is written. */
const WATCH = inlineScript(`(() => {
  window.touched = [];
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", {
    configurable: true,
    get() { touched.push("read"); return get.call(this); },
    set(value) { touched.push(value); set.call(this, value); },
  });
})();`);

const PIXEL = [QUEUE_STUB, inlineScript(INIT + orderCall("order")), sdkTag()];

/** A cookie that the browser keeps: whose domain begins with a dot is for all hosts there. */
const jar = async ({ context }) =>
  (await context.cookies())
    .map(({ name, value, domain }) => `${name}=${value} ${domain}`)
    .sort();

const daysLeft = ({ expires }) => (expires - Date.now() / 1000) / DAY;

describe("cookies", { concurrency: 4 }, () => {
  // all names are this machine, also those that are no .test: co.uk and github.io are in the browser's list of suffixes
  const browser = useBrowser("--host-resolver-rules=MAP * 127.0.0.1");

  /** A visitor who has these cookies already, made in this order, looks at a page that measures an order. */
  const visit = async (t, { host = HOST, has = [], path = "/", ...more }) => {
    const { parts = [WATCH, ...PIXEL], isDenied } = more;
    const page = html(...parts);
    const site = await startSite(t, {
      "/": page,
      "/shop": page,
      "/empty": html(""),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/empty", host));
    for (const cookie of has)
      await tab.evaluate(`document.cookie = ${JSON.stringify(cookie)}`);
    await tab.goto(site.url(path, host));
    if (isDenied)
      await site.waitFor("the diagnostic", () => site.requests.length);
    else await site.waitForOrders("order");
    assert.deepEqual(tab.pageErrors, []);
    return { site, visitor, tab, body: site.requests[0].body };
  };

  const DOMAINS = {
    "example.test": ".example.test",
    "shop.example.test": ".example.test",
    "a.b.shop.example.test": ".example.test",
    [HOST]: ".example.co.uk",
    "shop.github.io": ".shop.github.io",
    "co.uk": "co.uk",
    localhost: "localhost",
    shop: "shop",
    "127.0.0.1": "127.0.0.1",
    "[::1]": "[::1]",
  };
  for (const [host, domain] of Object.entries(DOMAINS))
    test(`a visitor of ${host} is known on ${domain}`, async (t) => {
      const { visitor, body } = await visit(t, { host, path: "/?oppref=c" });
      assert.deepEqual(await jar(visitor), [
        `__obref=${body.obref} ${domain}`,
        `__oppref=c ${domain}`,
      ]);
      assert.equal(body.oppref, "c");
    });

  for (const scheme of ["http", "https"])
    test(`on ${scheme}, a new visitor's cookies are written once, for a domain that a short-lived probe has found`, async (t) => {
      const site = await startSite(t, { "/": html(WATCH, ...PIXEL) });
      const visitor = await Visitor.create(t, browser);
      await visitor.context.route(/^https:/, async (route) => {
        const { pathname, search } = new URL(route.request().url());
        const url = site.url(pathname + search, "127.0.0.1");
        await route.fulfill({ response: await route.fetch({ url }) });
      });
      const at = site.url("/?oppref=click-1", HOST);
      const tab = await visitor.openPage(at.replace("http", scheme));
      await site.waitForOrders("order");
      const { obref } = site.requests[0].body;
      const secure = scheme === "https" ? "; Secure" : "";
      const life = (days) => `Path=/; Max-Age=${days * DAY}; SameSite=Lax`;
      const touched = await tab.evaluate("touched");
      const probe = (seconds, domain) =>
        `__oaiq_domain_probe; Path=/; Max-Age=${seconds}; SameSite=Lax; Domain=${domain}${secure}`;
      assert.deepEqual(
        touched.slice(0, 11).map((what) => what.replace(/(probe)=\d+/, "$1")),
        [
          "read",
          probe(60, "co.uk"),
          "read",
          probe(0, "co.uk"),
          probe(60, "example.co.uk"),
          "read",
          probe(0, "example.co.uk"),
          `__obref=${obref}; ${life(365)}; Domain=example.co.uk${secure}`,
          "read",
          `__oppref=click-1; ${life(30)}; Domain=example.co.uk${secure}`,
          "read",
        ],
      );
      assert.deepEqual(
        touched.slice(11).filter((what) => what !== "read"),
        [],
      );
    });

  test("a page that knows the visitor writes no cookie, and reads them at its start and once for each request, never in a call", async (t) => {
    const { site, tab } = await visit(t, {
      has: [KNOWN, "__oppref=click-1; Domain=example.co.uk"],
    });
    const ids = Array.from({ length: 10 }, (_, i) => `order-${i}`);
    const inCalls = await tab.evaluate(`(() => {
      const before = touched.length;
      oaiq("init", { pixelId: "OTHER" }); ${INIT} ${ids.map(orderCall).join("")}
      return touched.length - before;
    })()`);
    assert.equal(inCalls, 0);
    await site.waitFor(
      "both pixels",
      () => site.deliveryCounts["order-9"] === 2,
    );
    for (const { body } of site.requests)
      assert.deepEqual([body.obref, body.oppref], [UUID, "click-1"]);
    const touched = await tab.evaluate("touched");
    assert.deepEqual([...new Set(touched)], ["read"]);
    // each of both pixels' settings is a request
    const requests = site.requests.length + site.configRequests.length;
    assert.ok(touched.length <= 1 + requests, `${touched.length} reads`);
  });

  const AGAIN = {
    "for the host alone": ["__oppref=click-1; Max-Age=60"],
    "for all of them": [
      "__oppref=click-1; Domain=example.co.uk; Max-Age=60",
      "__oppref=click-1; Domain=shop.example.co.uk; Max-Age=60",
      "__oppref=click-1; Max-Age=60",
    ],
    "for the widest domain, and a later one for the host": [
      "__oppref=click-1; Domain=example.co.uk; Max-Age=60",
      "__oppref=click-2; Max-Age=60",
    ],
  };
  for (const [where, has] of Object.entries(AGAIN))
    test(`a click that comes again, kept ${where}, is kept for another 30 days`, async (t) => {
      const { visitor, body } = await visit(t, {
        has: [KNOWN, ...has],
        path: "/?oppref=click-1",
      });
      assert.equal(body.oppref, "click-1");
      const kept = (await visitor.context.cookies()).filter(
        ({ name }) => name === "__oppref",
      );
      for (const { value } of kept) assert.equal(value, "click-1");
      const wide = kept.find(({ domain }) => domain === ".example.co.uk");
      assert.ok(daysLeft(wide) > 29.9, `${daysLeft(wide)} days`);
    });

  test("a click that comes again is kept once where a new visitor's cookie has shown the domain", async (t) => {
    const { visitor, body } = await visit(t, {
      has: [
        "__oppref=click-1; Domain=example.co.uk; Max-Age=60",
        "__oppref=click-2; Max-Age=60",
      ],
      path: "/?oppref=click-1",
    });
    assert.deepEqual(await jar(visitor), [
      `__obref=${body.obref} .example.co.uk`,
      "__oppref=click-1 .example.co.uk",
    ]);
  });

  const ODD = {
    "quotes and a backslash": `"a'b\\c"`,
    "what looks escaped": "\\u0041\\n%41%",
    "line ends and tabs": "a\r\nb\tc\u0001d",
    "letters of the world": "ü 漢 😀 \u2028",
    "what ends cookies": "a; __obref=b, c=d; Domain=evil.test",
  };
  for (const [what, click] of Object.entries(ODD))
    test(`a click of ${what} is the same on the next page`, async (t) => {
      const { site, visitor, tab, body } = await visit(t, {
        path: `/?oppref=${encodeURIComponent(click)}`,
      });
      assert.equal(body.oppref, click);
      const { __oppref: kept } = await visitor.cookies();
      assert.equal(decodeURIComponent(kept), click);
      await tab.goto(site.url("/shop", HOST));
      await site.waitFor(
        "the next page",
        () => site.deliveryCounts.order === 2,
      );
      assert.equal(site.requests.at(-1).body.oppref, click);
      assert.equal(site.requests.at(-1).body.obref, body.obref);
      assert.equal((await jar(visitor)).length, 2);
    });

  const FOREIGN = {
    "100%": "100%",
    "%E4%": "%E4%",
    'a"b\\c=d': 'a"b\\c=d',
    "\\u0041": "\\u0041",
    ü: "ü",
    "%22%5C%00%0A": '"\\\0\n',
  };
  for (const [kept, click] of Object.entries(FOREIGN))
    test(`a click kept by somebody else as ${kept} is sent as ${JSON.stringify(click)}`, async (t) => {
      const { visitor, body } = await visit(t, {
        has: [KNOWN, `__oppref=${kept}`],
      });
      assert.equal(body.oppref, click);
      assert.equal((await visitor.cookies()).__oppref, kept);
    });

  const UNKEPT = {
    "that is too long for a cookie": ["x".repeat(5000), []],
    "that the site keeps itself, for one folder": [
      "click-1",
      ["__oppref=click-1; Path=/shop"],
    ],
  };
  for (const [which, [click, has]] of Object.entries(UNKEPT))
    test(`a click ${which} is sent, and a denial holds on all hosts of the site`, async (t) => {
      const { tab, visitor, body } = await visit(t, {
        has: [KNOWN, ...has],
        path: `/shop?oppref=${click}`,
      });
      assert.equal(body.oppref, click);
      // the page's own look waits until the browser has taken what was written before
      await tab.evaluate(`oaiq("consent", false); document.cookie`);
      const kept = await jar(visitor);
      assert.deepEqual(
        kept.filter((it) => !it.startsWith("__oppref=")),
        ["__oaiq_consent=false .example.co.uk"],
      );
    });

  const ALIKE = [
    "x__oppref=wrong",
    "__oppref2=wrong",
    "_oppref=wrong",
    "x=__oppref=wrong",
    "x__obref=wrong",
    "x__oaiq_consent=false",
    "__oaiq_consent2=false",
    "__oaiq_consent=falsely",
  ];
  const LAST = {
    "for the host": "",
    "for the domain": "; Domain=example.co.uk",
  };
  for (const [where, domain] of Object.entries(LAST))
    test(`of two cookies the one made last counts, here ${where}, and none with a name that is alike`, async (t) => {
      const [first] = Object.values(LAST).filter((it) => it !== domain);
      const other = UUID.replace("4e5e", "0000");
      const { body } = await visit(t, {
        has: [
          `__obref=${other}${first}`,
          `__oppref=old${first}`,
          `__oppref=new${domain}`,
          `__obref=${UUID}${domain}`,
          ...ALIKE,
        ],
      });
      assert.deepEqual([body.obref, body.oppref], [UUID, "new"]);
    });

  test("names that are alike are no visitor, no click and no denial", async (t) => {
    const { tab, visitor, body } = await visit(t, { has: ALIKE });
    assert.equal(body.oppref, undefined);
    await tab.evaluate(`oaiq("consent", false)`);
    assert.deepEqual(
      await jar(visitor),
      [
        ...ALIKE.map((it) => `${it} ${HOST}`),
        "__oaiq_consent=false .example.co.uk",
      ].sort(),
    );
  });

  const DENIED = {
    "the older": [
      "__oaiq_consent=false",
      "__oaiq_consent=true; Domain=example.co.uk",
    ],
    "the newer": [
      "__oaiq_consent=true",
      "__oaiq_consent=false; Domain=shop.example.co.uk",
    ],
  };
  for (const [which, has] of Object.entries(DENIED))
    test(`of two answers ${which} denies: nothing is measured, and a grant leaves nothing but itself`, async (t) => {
      const { site, visitor, tab, body } = await visit(t, {
        has,
        path: "/?oppref=click-1",
        isDenied: true,
      });
      assert.deepEqual(Object.keys(body), ["events"]);
      await tab.evaluate(`oaiq("consent", true); ${orderCall("granted")}`);
      await site.waitForOrders("granted");
      assert.deepEqual(site.deliveryCounts, { granted: 1 });
      assert.deepEqual(await jar(visitor), [
        "__oaiq_consent=true .example.co.uk",
        `__obref=${site.requests.at(-1).body.obref} .example.co.uk`,
        "__oppref=click-1 .example.co.uk",
      ]);
    });

  test("a denial deletes the visitor and the click for the host and every domain above it", async (t) => {
    const everywhere = ["", ".shop.example.co.uk", ".example.co.uk"];
    const has = [...everywhere, `.${HOST}`].flatMap((domain) => [
      `__obref=${UUID}${domain && "; Domain=" + domain}`,
      `__oppref=click-1${domain && "; Domain=" + domain}`,
    ]);
    const { visitor, tab } = await visit(t, { has: ["cart=1", ...has] });
    assert.equal((await jar(visitor)).length, 9);
    await tab.evaluate(`oaiq("consent", false)`);
    assert.deepEqual(await jar(visitor), [
      "__oaiq_consent=false .example.co.uk",
      `cart=1 ${HOST}`,
    ]);
  });

  /** What a page has put in the place of reading and writing cookies. */
  const ACCESSORS = {
    throw: `get: boom, set: boom`,
    "are read as nothing": `get: () => "", set`,
    "are undefined": `get: () => undefined, set`,
    "are a number": `get: () => 7, set`,
    "are an object that throws": `get: () => ({ toString: boom }), set`,
    "cannot be written": `get, set: () => {}`,
    "throw at writing": `get, set: boom`,
    "can only be read": `get, set: undefined`,
  };
  for (const [what, accessor] of Object.entries(ACCESSORS))
    test(`where cookies ${what}, orders arrive and name no visitor, but the click`, async (t) => {
      const hostile = inlineScript(`(() => {
        const boom = () => { throw new Error("boom"); };
        const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
        Object.defineProperty(Document.prototype, "cookie", { configurable: true, ${accessor} });
      })();`);
      const { site, tab } = await visit(t, {
        parts: [hostile, ...PIXEL],
        path: "/?oppref=click-1",
      });
      await tab.evaluate(orderCall("late"));
      await site.waitForOrders("late");
      for (const { body } of site.requests)
        assert.deepEqual([body.obref, body.oppref], [undefined, "click-1"]);
      await tab.evaluate(`oaiq("consent", false); ${orderCall("denied")}`);
      await tab.goto(site.url("/empty", HOST));
      assert.deepEqual(site.deliveryCounts, { order: 1, late: 1 });
      assert.deepEqual(tab.pageErrors, []);
    });

  test("where a page has its own split, indexOf and push, its visitors are known all the same", async (t) => {
    const hostile = inlineScript(`
      String.prototype.split = Array.prototype.indexOf = Array.prototype.push = () => { throw new Error("boom"); };`);
    const { visitor, body } = await visit(t, {
      // the snippet's own function may be broken by what was done to arrays
      parts: [...PIXEL.slice(0, 2), hostile, PIXEL[2]],
      path: "/?oppref=click-1",
    });
    assert.deepEqual(await jar(visitor), [
      `__obref=${body.obref} .example.co.uk`,
      "__oppref=click-1 .example.co.uk",
    ]);
  });
});
