// Pages that have replaced what the pixel stands on: no exception of the pixel reaches them, and the orders arrive
// wherever the browser still has a way out.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser } from "../support/browser.mjs";
import {
  html,
  INIT,
  orderCall,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
  openSite,
} from "../support/site.mjs";

/** Words for the pages' scripts. */
const WORDS = `
  const boom = function () { throw new Error("boom"); };
  const { defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
  const put = (of, name, value) => defineProperty(of, name, { configurable: true, writable: true, value });
  const putGetter = (of, name, get) => defineProperty(of, name, { configurable: true, get, set: boom });
  const putAll = (of, value) => {
    const keys = ownKeys(of).filter((key) => key !== "constructor" && typeof getOwnPropertyDescriptor(of, key).value === "function");
    keys.forEach((key) => put(of, key, value));
  };
`;

/** What a page has done, and what of it may not keep the orders from arriving at once. */
const HOSTILE = {
  "Array.prototype's methods throw": `putAll(Array.prototype, boom);`,
  "Array.prototype's methods do nothing": `putAll(Array.prototype, () => {});`,
  "arrays cannot be iterated": `delete Array.prototype[Symbol.iterator];`,
  "an old library has put toJSON on arrays, strings and all objects": `
    for (const { prototype } of [Array, String, Number, Boolean, Object])
      prototype.toJSON = function () { return "[" + typeof this + "]"; };`,
  "an old library has put methods on all objects": `
    for (const name of ["each", "extend", "clone", "keys", "toQueryString"])
      Object.prototype[name] = function () { return name; };`,
  "Object.prototype has a getter's name": `Object.prototype.get = function () { return 1; };`,
  "Function.prototype's methods throw": `for (const name of ["bind", "call", "apply"]) put(Function.prototype, name, boom);`,
  "JSON throws": `put(JSON, "stringify", boom); put(JSON, "parse", boom);`,
  "JSON.stringify says something else": `put(JSON, "stringify", () => "{}");`,
  "there is no JSON": `put(window, "JSON", undefined);`,
  "fetch throws": `put(window, "fetch", boom);`,
  "fetch returns nothing": `put(window, "fetch", () => {});`,
  "there is no fetch": `put(window, "fetch", undefined);`,
  "fetch is wrapped, as monitors do": `
    const original = window.fetch;
    put(window, "fetch", async function (...args) { await null; return original.apply(this, args); });`,
  "Promise is replaced": `
    put(window, "Promise", class { constructor() { boom(); } static resolve() { boom(); } });`,
  "there is no Promise": `put(window, "Promise", undefined);`,
  "Date is replaced": `put(window, "Date", class { static now() { return "yesterday"; } getTime() { boom(); } });`,
  "Date.now throws": `put(Date, "now", boom);`,
  "the clock stands still": `put(Date, "now", () => 1_700_000_000_000); put(window, "Date", { now: () => 1_700_000_000_000 });`,
  "there is no Date": `put(window, "Date", undefined);`,
  "there is no performance": `put(window, "performance", undefined);`,
  "performance.now throws": `put(Performance.prototype, "now", boom);`,
  "there is no sendBeacon": `put(Navigator.prototype, "sendBeacon", undefined);`,
  "sendBeacon throws": `put(Navigator.prototype, "sendBeacon", boom);`,
  "there is no crypto": `put(window, "crypto", undefined);`,
  "crypto throws": `put(Crypto.prototype, "getRandomValues", boom); put(Crypto.prototype, "randomUUID", boom);`,
  "Math.random throws": `put(Math, "random", boom);`,
  "chance is always the same": `put(Math, "random", () => 0.5);`,
  "cookies throw": `putGetter(Document.prototype, "cookie", boom);`,
  "cookies are read as nothing": `putGetter(Document.prototype, "cookie", () => undefined);`,
  "storage throws": `putGetter(window, "localStorage", boom); putGetter(window, "sessionStorage", boom);`,
  "storage is full": `put(Storage.prototype, "setItem", boom);`,
  "there is no storage": `put(window, "localStorage", null); put(window, "sessionStorage", undefined);`,
  "the console throws": `putAll(console, boom);`,
  "there is no console": `put(window, "console", undefined);`,
  "listening throws": `put(EventTarget.prototype, "addEventListener", boom);`,
  "requestAnimationFrame throws": `put(window, "requestAnimationFrame", boom);`,
  "there is no AbortController": `put(window, "AbortController", undefined);`,
  "the referrer throws": `putGetter(Document.prototype, "referrer", boom);`,
  "the visibility throws": `putGetter(Document.prototype, "visibilityState", boom);`,
  "the stub is frozen": `Object.freeze(oaiq);`,
  "the waiting calls are frozen": `Object.freeze(oaiq.q);`,
};

/** What keeps the orders until the page is left. */
const UNTIL_LEFT = {
  "fetch rejects": `put(window, "fetch", () => Promise.reject(new Error("boom")));`,
  "fetch never answers": `put(window, "fetch", () => new Promise(() => {}));`,
  "timers never fire": `put(window, "setTimeout", () => 1); put(window, "setInterval", () => 1); put(window, "requestAnimationFrame", () => 1);`,
  "timers throw": `put(window, "setTimeout", boom);`,
  "there are no timers": `put(window, "setTimeout", undefined); put(window, "clearTimeout", undefined);`,
};

/** What the pixel cannot do without; the page must not notice. */
const UNMEASURED = {
  "String.prototype's methods throw": `putAll(String.prototype, boom);`,
  "Object's functions throw": `putAll(Object, boom);`,
  "Math throws": `putAll(Math, boom);`,
  "there is no URL": `put(window, "URL", undefined); put(window, "URLSearchParams", undefined);`,
  "elements cannot be asked": `put(Element.prototype, "getAttribute", boom);`,
  "the current script throws": `putGetter(Document.prototype, "currentScript", boom);`,
  "Array.isArray throws": `put(Array, "isArray", boom);`,
  "TextEncoder and TextDecoder throw": `put(window, "TextEncoder", boom); put(window, "TextDecoder", boom);`,
  "there is no TextDecoder": `put(window, "TextDecoder", undefined);`,
  "typed arrays throw": `putAll(Object.getPrototypeOf(Uint8Array.prototype), boom);`,
  "neither fetch nor sendBeacon is there": `put(window, "fetch", undefined); put(Navigator.prototype, "sendBeacon", undefined);`,
};

describe("hostile pages", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /** The page turns hostile before the pixel is there, or after. */
  const visitHostile = (t, text, when) => {
    const hostility = inlineScript(`(() => { ${WORDS} ${text} })();`);
    const parts = [QUEUE_STUB, inlineScript(INIT + orderCall("waiting"))];
    if (when === "before") parts.push(hostility, sdkTag());
    else parts.push(sdkTag(), hostility);
    // the snippet's own function may be broken by what was done to arrays
    parts.push(
      inlineScript(
        `try { ${orderCall("late")} } catch (error) { if (oaiq.loaded) throw error; }`,
      ),
    );
    return openSite(t, browser, ...parts);
  };

  for (const when of ["before", "after"]) {
    const name = (what) => `${what}, since ${when} the pixel has loaded`;

    for (const [what, text] of Object.entries(HOSTILE))
      test(`${name(what)}: orders arrive`, async (t) => {
        const { site, tab } = await visitHostile(t, text, when);
        await site.waitForOrders("waiting", "late");
        await tab.leaveAfterResponses(site);
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(site.deliveryCounts, { waiting: 1, late: 1 });
      });

    for (const [what, text] of Object.entries(UNTIL_LEFT))
      test(`${name(what)}: orders arrive when the page is left`, async (t) => {
        const { site, tab } = await visitHostile(t, text, when);
        // what was on its way already, on a slow machine, goes again from there
        site.pages["/next"] = html(QUEUE_STUB, inlineScript(INIT), sdkTag());
        await tab.goto(site.url("/next"));
        await site.waitForOrders("waiting", "late");
        assert.deepEqual(tab.pageErrors, []);
      });

    for (const [what, text] of Object.entries(UNMEASURED))
      test(`${name(what)}: the page goes on`, async (t) => {
        const { site, tab } = await visitHostile(t, text, when);
        site.pages["/next"] = html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("next page")),
          sdkTag(),
        );
        await tab.goto(site.url("/next"));
        await site.waitForOrders("next page");
        assert.deepEqual(tab.pageErrors, []);
        assert.ok(tab.oaiqLogs.length <= 3, tab.oaiqLogs.join("\n"));
      });
  }

  /** What a function of the page's returns where the pixel expects something else. */
  const ANSWERS = {
    "a text": `() => "false"`,
    "an object": `() => ({ then: 7, toString() { throw new Error("boom"); }, valueOf() { throw new Error("boom"); } })`,
    "a promise": `() => Promise.resolve("false")`,
    "a big integer": `() => 7n`,
    "a symbol": `() => Symbol("false")`,
    nothing: `() => {}`,
    "no value, but throws": `() => { throw new Error("boom"); }`,
  };
  const ASKED = {
    "console.warn": ["console", "warn"],
    "localStorage.getItem": ["Storage.prototype", "getItem"],
    "localStorage.setItem": ["Storage.prototype", "setItem"],
    "localStorage.removeItem": ["Storage.prototype", "removeItem"],
    "localStorage.key": ["Storage.prototype", "key"],
    fetch: ["window", "fetch"],
    sendBeacon: ["Navigator.prototype", "sendBeacon"],
    postMessage: ["MessagePort.prototype", "postMessage"],
    setTimeout: ["window", "setTimeout"],
    clearTimeout: ["window", "clearTimeout"],
    requestAnimationFrame: ["window", "requestAnimationFrame"],
    "Date.now": ["Date", "now"],
    "performance.now": ["Performance.prototype", "now"],
    "crypto.getRandomValues": ["Crypto.prototype", "getRandomValues"],
    "performance.getEntriesByType": [
      "Performance.prototype",
      "getEntriesByType",
    ],
  };
  for (const [what, [of, name]] of Object.entries(ASKED))
    for (const [returned, answer] of Object.entries(ANSWERS))
      test(`${what} returns ${returned}: consent stays granted, and nothing is thrown`, async (t) => {
        const { site, visitor, tab } = await openSite(
          t,
          browser,
          QUEUE_STUB,
          // a call that the pixel warns of, and then looks at what the browser has stored
          inlineScript(
            `(() => { ${WORDS} put(${of}, "${name}", ${answer}); })(); oaiq("init", {}); ${INIT} ${orderCall("order")}`,
          ),
          sdkTag(),
        );
        site.pages["/next"] = html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("next page")),
          sdkTag(),
        );
        await tab.page.waitForFunction("window.oaiq.loaded");
        await tab.evaluate("new Promise((go) => requestIdleCallback(go))");
        await tab.goto(site.url("/next"));
        await site.waitForOrders("next page");
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(
          tab.oaiqLogs.filter((line) => line.includes("internal error")),
          [],
        );
        const { __oaiq_consent: consent, __obref: reference } =
          await visitor.cookies();
        assert.equal(consent, undefined);
        assert.match(reference, /^[\da-f-]{36}$/);
        const all = site.requests.filter(({ body }) => body.obref);
        assert.ok(all.length > 0);
      });

  test("window.oaiq cannot be replaced: the waiting calls, and those of the snippet's function, are measured", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`Object.defineProperty(window, "oaiq", { value: oaiq, writable: false, configurable: false });
        ${INIT}${orderCall("waiting")}`),
      sdkTag(),
      inlineScript(orderCall("late")),
    );
    await site.waitForOrders("waiting", "late");
    assert.deepEqual(tab.pageErrors, []);
  });

  test("promises' then is replaced: orders arrive, a repeat has the same id", async (t) => {
    const { site, tab } = await visitHostile(
      t,
      `put(Promise.prototype, "then", boom);`,
      "before",
    );
    await site.waitForOrders("waiting", "late");
    await tab.leaveAfterResponses(site);
    assert.deepEqual(Object.keys(site.deliveryCounts), ["waiting", "late"]);
    assert.deepEqual(tab.pageErrors, []);
  });
});
