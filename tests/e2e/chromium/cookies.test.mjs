// Tests which cookies the pixel writes, for which domain, and which of several it reads, in a real browser's cookie jar.
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

/** Records in `window.accesses` each read of `document.cookie`, and what is written. */
const WATCH = inlineScript(`(() => {
  window.accesses = [];
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(Document.prototype, "cookie", {
    configurable: true,
    get() { accesses.push("read"); return get.call(this); },
    set(value) { accesses.push(value); set.call(this, value); },
  });
})();`);

const PARTS = [QUEUE_STUB, inlineScript(INIT + orderCall("order")), sdkTag()];

/**
 * The cookies in the browser's jar once it has those that this page has written. A domain with a leading dot includes its
 * subdomains.
 *
 * @param {Visitor} visitor
 * @param {import("../support/browser.mjs").Tab} tab
 */
const jar = async ({ context }, tab) => {
  await tab.waitForCookieWrites();
  return (await context.cookies())
    .map(({ name, value, domain }) => `${name}=${value} ${domain}`)
    .sort();
};

/** @param {{expires: number}} cookie */
const daysLeft = ({ expires }) => (expires - Date.now() / 1000) / DAY;

describe("cookies", { concurrency: 4 }, () => {
  // all hosts are this machine, not only .test: co.uk and github.io are in the browser's public suffix list
  const browser = useBrowser("--host-resolver-rules=MAP * 127.0.0.1");

  /**
   * @typedef {object} VisitOptions
   * @property {string} [host]
   * @property {string[]} [has] cookies that exist, in this order
   * @property {string} [path]
   * @property {string[]} [parts] of the page
   * @property {boolean} [isDenied] whether the cookies deny consent
   */

  /**
   * Opens a page that measures an order, as a visitor who has these cookies.
   *
   * @param {import("node:test").TestContext} t
   * @param {VisitOptions} options
   */
  const openPageWith = async (
    t,
    {
      host = HOST,
      has = [],
      path = "/",
      parts = [WATCH, ...PARTS],
      isDenied = false,
    },
  ) => {
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
    return { site, visitor, tab, body: site.firstRequest.body };
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
    test(`cookies of ${host} are set for ${domain}`, async (t) => {
      const { visitor, tab, body } = await openPageWith(t, {
        host,
        path: "/?oppref=c",
      });
      assert.deepEqual(await jar(visitor, tab), [
        `__obref=${body.obref} ${domain}`,
        `__oppref=c ${domain}`,
      ]);
      assert.equal(body.oppref, "c");
    });

  for (const scheme of ["http", "https"])
    test(`a new visitor's cookies are written once, for the domain that a probe cookie finds, on ${scheme}`, async (t) => {
      const site = await startSite(t, { "/": html(WATCH, ...PARTS) });
      const visitor = await Visitor.create(t, browser);
      await visitor.context.route(/^https:/, async (route) => {
        const { pathname, search } = new URL(route.request().url());
        const url = site.url(pathname + search, "127.0.0.1");
        await route.fulfill({ response: await route.fetch({ url }) });
      });
      const at = site.url("/?oppref=click-1", HOST);
      const tab = await visitor.openPage(at.replace("http", scheme));
      await site.waitForOrders("order");
      const { obref } = site.firstRequest.body;
      const secure = scheme === "https" ? "; Secure" : "";
      const life = (/** @type {number} */ days) =>
        `Path=/; Max-Age=${days * DAY}; SameSite=Lax`;
      /** @type {string[]} */
      const accesses = await tab.evaluate("accesses");
      /**
       * @param {number} seconds
       * @param {string} domain
       */
      const probe = (seconds, domain) =>
        `__oaiq_domain_probe; Path=/; Max-Age=${seconds}; SameSite=Lax; Domain=${domain}${secure}`;
      assert.deepEqual(
        accesses.slice(0, 11).map((what) => what.replace(/(probe)=\d+/, "$1")),
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
        accesses.slice(11).filter((what) => what !== "read"),
        [],
      );
    });

  test("a returning visitor's page writes no cookie and reads them at its start and once per request, never in a call", async (t) => {
    const { site, tab } = await openPageWith(t, {
      has: [KNOWN, "__oppref=click-1; Domain=example.co.uk"],
    });
    const ids = Array.from({ length: 10 }, (_, i) => `order-${i}`);
    const inCalls = await tab.evaluate(`(() => {
      const before = accesses.length;
      oaiq("init", { pixelId: "OTHER" }); ${INIT} ${ids.map(orderCall).join("")}
      return accesses.length - before;
    })()`);
    assert.equal(inCalls, 0);
    await site.waitFor(
      "both pixels",
      () => site.deliveryCounts["order-9"] === 2,
    );
    for (const { body } of site.requests)
      assert.deepEqual([body.obref, body.oppref], [UUID, "click-1"]);
    const accesses = await tab.evaluate("accesses");
    assert.deepEqual([...new Set(accesses)], ["read"]);
    // both pixels request their config
    const requests = site.requests.length + site.configRequests.length;
    assert.ok(accesses.length <= 1 + requests, `${accesses.length} reads`);
  });

  const SAME_CLICK = {
    "for the host alone": ["__oppref=click-1; Max-Age=60"],
    "for every domain": [
      "__oppref=click-1; Domain=example.co.uk; Max-Age=60",
      "__oppref=click-1; Domain=shop.example.co.uk; Max-Age=60",
      "__oppref=click-1; Max-Age=60",
    ],
    "for the widest domain, and a later one for the host": [
      "__oppref=click-1; Domain=example.co.uk; Max-Age=60",
      "__oppref=click-2; Max-Age=60",
    ],
  };
  for (const [where, has] of Object.entries(SAME_CLICK))
    test(`a click ID stored ${where} is stored for another 30 days when it arrives again`, async (t) => {
      const { visitor, body } = await openPageWith(t, {
        has: [KNOWN, ...has],
        path: "/?oppref=click-1",
      });
      assert.equal(body.oppref, "click-1");
      const stored = (await visitor.context.cookies()).filter(
        ({ name }) => name === "__oppref",
      );
      for (const { value } of stored) assert.equal(value, "click-1");
      const wide = stored.find(({ domain }) => domain === ".example.co.uk");
      assert.ok(wide);
      assert.ok(daysLeft(wide) > 29.9, `${daysLeft(wide)} days`);
    });

  test("a click ID that arrives again is stored once after a new visitor's cookie has shown the domain", async (t) => {
    const { visitor, tab, body } = await openPageWith(t, {
      has: [
        "__oppref=click-1; Domain=example.co.uk; Max-Age=60",
        "__oppref=click-2; Max-Age=60",
      ],
      path: "/?oppref=click-1",
    });
    assert.deepEqual(await jar(visitor, tab), [
      `__obref=${body.obref} .example.co.uk`,
      "__oppref=click-1 .example.co.uk",
    ]);
  });

  const SPECIAL_CLICKS = {
    "quotes and a backslash": `"a'b\\c"`,
    "escape sequences": "\\u0041\\n%41%",
    "line ends and tabs": "a\r\nb\tc\u0001d",
    "non-ASCII letters": "ü 漢 😀 \u2028",
    "cookie separators": "a; __obref=b, c=d; Domain=evil.test",
  };
  for (const [what, click] of Object.entries(SPECIAL_CLICKS))
    test(`a click ID of ${what} is unchanged on the next page`, async (t) => {
      const { site, visitor, tab, body } = await openPageWith(t, {
        path: `/?oppref=${encodeURIComponent(click)}`,
      });
      assert.equal(body.oppref, click);
      const { __oppref: stored } = await visitor.cookies();
      assert.equal(decodeURIComponent(String(stored)), click);
      await tab.goto(site.url("/shop", HOST));
      await site.waitFor(
        "the next page",
        () => site.deliveryCounts.order === 2,
      );
      assert.equal(site.lastRequest.body.oppref, click);
      assert.equal(site.lastRequest.body.obref, body.obref);
      assert.equal((await jar(visitor, tab)).length, 2);
    });

  const FOREIGN_VALUES = {
    "100%": "100%",
    "%E4%": "%E4%",
    'a"b\\c=d': 'a"b\\c=d',
    "\\u0041": "\\u0041",
    ü: "ü",
    "%22%5C%00%0A": '"\\\0\n',
  };
  for (const [stored, click] of Object.entries(FOREIGN_VALUES))
    test(`a click ID that the site stored as ${stored} is sent as ${JSON.stringify(click)}`, async (t) => {
      const { visitor, body } = await openPageWith(t, {
        has: [KNOWN, `__oppref=${stored}`],
      });
      assert.equal(body.oppref, click);
      assert.equal((await visitor.cookies()).__oppref, stored);
    });

  /** @type {Record<string, [string, string[]]>} */
  const UNSTORABLE = {
    "that is too long for a cookie": ["x".repeat(5000), []],
    "that the site stores itself for one path": [
      "click-1",
      ["__oppref=click-1; Path=/shop"],
    ],
  };
  for (const [which, [click, has]] of Object.entries(UNSTORABLE))
    test(`a click ID ${which} is sent, and a denial applies to all hosts of the site`, async (t) => {
      const { tab, visitor, body } = await openPageWith(t, {
        has: [KNOWN, ...has],
        path: `/shop?oppref=${click}`,
      });
      assert.equal(body.oppref, click);
      await tab.evaluate(`oaiq("consent", false)`);
      const cookies = await jar(visitor, tab);
      assert.deepEqual(
        cookies.filter((it) => !it.startsWith("__oppref=")),
        ["__oaiq_consent=false .example.co.uk"],
      );
    });

  test("a click ID that is too long for a cookie is unknown on the next page", async (t) => {
    const { site, visitor, tab, body } = await openPageWith(t, {
      path: `/?oppref=${"x".repeat(5000)}`,
    });
    assert.equal(body.oppref?.length, 5000);
    assert.equal((await visitor.cookies()).__oppref, undefined);
    await tab.goto(site.url("/shop", HOST));
    await site.waitFor("the next page", () => site.deliveryCounts.order === 2);
    assert.equal(site.lastRequest.body.oppref, undefined);
    assert.equal(site.lastRequest.body.obref, body.obref);
  });

  const SIMILAR_NAMES = [
    "x__oppref=wrong",
    "__oppref2=wrong",
    "_oppref=wrong",
    "x=__oppref=wrong",
    "x__obref=wrong",
    "x__oaiq_consent=false",
    "__oaiq_consent2=false",
    "__oaiq_consent=falsely",
  ];
  const SCOPES = {
    "for the host": "",
    "for the domain": "; Domain=example.co.uk",
  };
  for (const [where, domain] of Object.entries(SCOPES))
    test(`the cookie created last is read, here the one ${where}`, async (t) => {
      const [first] = Object.values(SCOPES).filter((it) => it !== domain);
      const other = UUID.replace("4e5e", "0000");
      const { body } = await openPageWith(t, {
        has: [
          `__obref=${other}${first}`,
          `__oppref=old${first}`,
          `__oppref=new${domain}`,
          `__obref=${UUID}${domain}`,
          ...SIMILAR_NAMES,
        ],
      });
      assert.deepEqual([body.obref, body.oppref], [UUID, "new"]);
    });

  test("cookies with similar names are ignored", async (t) => {
    const { tab, visitor, body } = await openPageWith(t, {
      has: SIMILAR_NAMES,
    });
    assert.equal(body.oppref, undefined);
    await tab.evaluate(`oaiq("consent", false)`);
    assert.deepEqual(
      await jar(visitor, tab),
      [
        ...SIMILAR_NAMES.map((it) => `${it} ${HOST}`),
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
    test(`a denial in ${which} of two consent cookies stops measurement until a grant replaces both`, async (t) => {
      const { site, visitor, tab, body } = await openPageWith(t, {
        has,
        path: "/?oppref=click-1",
        isDenied: true,
      });
      assert.deepEqual(Object.keys(body), ["events"]);
      await tab.evaluate(`oaiq("consent", true); ${orderCall("granted")}`);
      await site.waitForOrders("granted");
      assert.deepEqual(site.deliveryCounts, { granted: 1 });
      assert.deepEqual(await jar(visitor, tab), [
        "__oaiq_consent=true .example.co.uk",
        `__obref=${site.lastRequest.body.obref} .example.co.uk`,
        "__oppref=click-1 .example.co.uk",
      ]);
    });

  test("a denial deletes browser ID and click ID for the host and all its parent domains", async (t) => {
    const everywhere = ["", ".shop.example.co.uk", ".example.co.uk"];
    const has = [...everywhere, `.${HOST}`].flatMap((domain) => [
      `__obref=${UUID}${domain && "; Domain=" + domain}`,
      `__oppref=click-1${domain && "; Domain=" + domain}`,
    ]);
    const { visitor, tab } = await openPageWith(t, { has: ["cart=1", ...has] });
    assert.equal((await jar(visitor, tab)).length, 9);
    await tab.evaluate(`oaiq("consent", false)`);
    assert.deepEqual(await jar(visitor, tab), [
      "__oaiq_consent=false .example.co.uk",
      `cart=1 ${HOST}`,
    ]);
  });

  /** Accessors of `document.cookie` that a page may have defined. */
  const ACCESSORS = {
    throw: `get: fail, set: fail`,
    "are always empty": `get: () => "", set`,
    "are undefined": `get: () => undefined, set`,
    "are a number": `get: () => 7, set`,
    "are an object that throws": `get: () => ({ toString: fail }), set`,
    "ignore writes": `get, set: () => {}`,
    "throw on write": `get, set: fail`,
    "are read-only": `get, set: undefined`,
  };
  for (const [what, accessor] of Object.entries(ACCESSORS))
    test(`orders are delivered with the click ID and no browser ID where cookies ${what}`, async (t) => {
      const hostile = inlineScript(`(() => {
        const fail = () => { throw new Error("replaced by the page"); };
        const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
        Object.defineProperty(Document.prototype, "cookie", { configurable: true, ${accessor} });
      })();`);
      const { site, tab } = await openPageWith(t, {
        parts: [hostile, ...PARTS],
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

  test("cookies work where the page has replaced split, indexOf and push", async (t) => {
    const hostile = inlineScript(`
      String.prototype.split = Array.prototype.indexOf = Array.prototype.push = () => { throw new Error("replaced by the page"); };`);
    const { visitor, tab, body } = await openPageWith(t, {
      // broken arrays may break the snippet's stub
      parts: [...PARTS.slice(0, 2), hostile, ...PARTS.slice(2)],
      path: "/?oppref=click-1",
    });
    assert.deepEqual(await jar(visitor, tab), [
      `__obref=${body.obref} .example.co.uk`,
      "__oppref=click-1 .example.co.uk",
    ]);
  });
});
