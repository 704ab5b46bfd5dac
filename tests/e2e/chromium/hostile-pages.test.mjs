// Tests pages that have replaced built-ins and browser APIs: the pixel throws nothing into them, and orders are delivered
// wherever the browser still has a way to send them.
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

/** Helpers for the pages' scripts. */
const HELPERS = `
  const fail = function () { throw new Error("replaced by the page"); };
  const { defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
  const define = (of, name, value) => defineProperty(of, name, { configurable: true, writable: true, value });
  const defineGetter = (of, name, get) => defineProperty(of, name, { configurable: true, get, set: fail });
  const defineAll = (of, value) => {
    const keys = ownKeys(of).filter((key) => key !== "constructor" && typeof getOwnPropertyDescriptor(of, key).value === "function");
    keys.forEach((key) => define(of, key, value));
  };
`;

/** What a page may have done while orders must still be delivered at once. */
const HARMLESS = {
  "Array.prototype's methods throw": `defineAll(Array.prototype, fail);`,
  "Array.prototype's methods do nothing": `defineAll(Array.prototype, () => {});`,
  "arrays cannot be iterated": `delete Array.prototype[Symbol.iterator];`,
  "an old library defines toJSON on arrays, strings and all objects": `
    for (const { prototype } of [Array, String, Number, Boolean, Object])
      prototype.toJSON = function () { return "[" + typeof this + "]"; };`,
  "an old library defines methods on all objects": `
    for (const name of ["each", "extend", "clone", "keys", "toQueryString"])
      Object.prototype[name] = function () { return name; };`,
  "Object.prototype has a property named get": `Object.prototype.get = function () { return 1; };`,
  "Function.prototype's methods throw": `for (const name of ["bind", "call", "apply"]) define(Function.prototype, name, fail);`,
  "JSON throws": `define(JSON, "stringify", fail); define(JSON, "parse", fail);`,
  "JSON.stringify returns something else": `define(JSON, "stringify", () => "{}");`,
  "JSON is undefined": `define(window, "JSON", undefined);`,
  "fetch throws": `define(window, "fetch", fail);`,
  "fetch returns nothing": `define(window, "fetch", () => {});`,
  "fetch is undefined": `define(window, "fetch", undefined);`,
  "fetch is wrapped by a monitoring tool": `
    const original = window.fetch;
    define(window, "fetch", async function (...args) { await null; return original.apply(this, args); });`,
  "Promise is replaced": `
    define(window, "Promise", class { constructor() { fail(); } static resolve() { fail(); } });`,
  "Promise is undefined": `define(window, "Promise", undefined);`,
  "Date is replaced": `define(window, "Date", class { static now() { return "yesterday"; } getTime() { fail(); } });`,
  "Date.now throws": `define(Date, "now", fail);`,
  "the clock stands still": `define(Date, "now", () => 1_700_000_000_000); define(window, "Date", { now: () => 1_700_000_000_000 });`,
  "Date is undefined": `define(window, "Date", undefined);`,
  "performance is undefined": `define(window, "performance", undefined);`,
  "performance.now throws": `define(Performance.prototype, "now", fail);`,
  "sendBeacon is undefined": `define(Navigator.prototype, "sendBeacon", undefined);`,
  "sendBeacon throws": `define(Navigator.prototype, "sendBeacon", fail);`,
  "crypto is undefined": `define(window, "crypto", undefined);`,
  "crypto throws": `define(Crypto.prototype, "getRandomValues", fail); define(Crypto.prototype, "randomUUID", fail);`,
  "Math.random throws": `define(Math, "random", fail);`,
  "Math.random is constant": `define(Math, "random", () => 0.5);`,
  "cookies throw": `defineGetter(Document.prototype, "cookie", fail);`,
  "cookies are undefined": `defineGetter(Document.prototype, "cookie", () => undefined);`,
  "storage throws": `defineGetter(window, "localStorage", fail); defineGetter(window, "sessionStorage", fail);`,
  "storage is full": `define(Storage.prototype, "setItem", fail);`,
  "storage is undefined": `define(window, "localStorage", null); define(window, "sessionStorage", undefined);`,
  "the console throws": `defineAll(console, fail);`,
  "console is undefined": `define(window, "console", undefined);`,
  "addEventListener throws": `define(EventTarget.prototype, "addEventListener", fail);`,
  "requestAnimationFrame throws": `define(window, "requestAnimationFrame", fail);`,
  "AbortController is undefined": `define(window, "AbortController", undefined);`,
  "the referrer throws": `defineGetter(Document.prototype, "referrer", fail);`,
  "the visibility throws": `defineGetter(Document.prototype, "visibilityState", fail);`,
  "the stub is frozen": `Object.freeze(oaiq);`,
  "the call queue is frozen": `Object.freeze(oaiq.q);`,
};

/** What delays orders until the page is left. */
const DELAYING = {
  "fetch rejects": `define(window, "fetch", () => Promise.reject(new Error("replaced by the page")));`,
  "fetch never resolves": `define(window, "fetch", () => new Promise(() => {}));`,
  "timers never fire": `define(window, "setTimeout", () => 1); define(window, "setInterval", () => 1); define(window, "requestAnimationFrame", () => 1);`,
  "timers throw": `define(window, "setTimeout", fail);`,
  "timers are undefined": `define(window, "setTimeout", undefined); define(window, "clearTimeout", undefined);`,
};

/** What the pixel cannot work without; the page must not notice. */
const FATAL = {
  "String.prototype's methods throw": `defineAll(String.prototype, fail);`,
  "Object's functions throw": `defineAll(Object, fail);`,
  "Math throws": `defineAll(Math, fail);`,
  "URL is undefined": `define(window, "URL", undefined); define(window, "URLSearchParams", undefined);`,
  "getAttribute throws": `define(Element.prototype, "getAttribute", fail);`,
  "the current script throws": `defineGetter(Document.prototype, "currentScript", fail);`,
  "Array.isArray throws": `define(Array, "isArray", fail);`,
  "TextEncoder and TextDecoder throw": `define(window, "TextEncoder", fail); define(window, "TextDecoder", fail);`,
  "TextDecoder is undefined": `define(window, "TextDecoder", undefined);`,
  "typed arrays throw": `defineAll(Object.getPrototypeOf(Uint8Array.prototype), fail);`,
  "fetch and sendBeacon are undefined": `define(window, "fetch", undefined); define(Navigator.prototype, "sendBeacon", undefined);`,
};

describe("hostile pages", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /**
   * Opens a page that runs a script before or after the pixel.
   *
   * @param {import("node:test").TestContext} t
   * @param {string} text
   * @param {"before" | "after"} when
   */
  const openHostilePage = (t, text, when) => {
    const hostile = inlineScript(`(() => { ${HELPERS} ${text} })();`);
    const parts = [QUEUE_STUB, inlineScript(INIT + orderCall("queued"))];
    if (when === "before") parts.push(hostile, sdkTag());
    else parts.push(sdkTag(), hostile);
    // broken arrays may break the snippet's stub
    parts.push(
      inlineScript(
        `try { ${orderCall("late")} } catch (error) { if (oaiq.loaded) throw error; }`,
      ),
    );
    return openSite(t, browser, ...parts);
  };

  for (const when of /** @type {const} */ (["before", "after"])) {
    const where = (/** @type {string} */ what) =>
      `where ${what}, ${when} the pixel loads`;

    for (const [what, text] of Object.entries(HARMLESS))
      test(`orders are delivered ${where(what)}`, async (t) => {
        const { site, tab } = await openHostilePage(t, text, when);
        await site.waitForOrders("queued", "late");
        await tab.leaveAfterResponses(site);
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(site.deliveryCounts, { queued: 1, late: 1 });
      });

    for (const [what, text] of Object.entries(DELAYING))
      test(`orders are delivered on page hide ${where(what)}`, async (t) => {
        const { site, tab } = await openHostilePage(t, text, when);
        // the next page sends again what was in flight, on a slow machine
        site.pages["/next"] = html(QUEUE_STUB, inlineScript(INIT), sdkTag());
        await tab.goto(site.url("/next"));
        await site.waitForOrders("queued", "late");
        assert.deepEqual(tab.pageErrors, []);
      });

    for (const [what, text] of Object.entries(FATAL))
      test(`the page continues to work ${where(what)}`, async (t) => {
        const { site, tab } = await openHostilePage(t, text, when);
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

  /** Functions with unexpected results. */
  const FUNCTIONS = {
    "a string": `() => "false"`,
    "an object": `() => ({ then: 7, toString() { throw new Error("replaced by the page"); }, valueOf() { throw new Error("replaced by the page"); } })`,
    "a promise": `() => Promise.resolve("false")`,
    "a BigInt": `() => 7n`,
    "a symbol": `() => Symbol("false")`,
    undefined: `() => {}`,
    "nothing but throws": `() => { throw new Error("replaced by the page"); }`,
  };
  const REPLACED = {
    "console.warn": ["console", "warn"],
    "localStorage.getItem": ["Storage.prototype", "getItem"],
    "localStorage.setItem": ["Storage.prototype", "setItem"],
    "localStorage.removeItem": ["Storage.prototype", "removeItem"],
    "localStorage.key": ["Storage.prototype", "key"],
    fetch: ["window", "fetch"],
    sendBeacon: ["Navigator.prototype", "sendBeacon"],
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
  for (const [what, [of, name]] of Object.entries(REPLACED))
    for (const [result, text] of Object.entries(FUNCTIONS))
      test(`consent stays granted and nothing is thrown where ${what} returns ${result}`, async (t) => {
        const { site, visitor, tab } = await openSite(
          t,
          browser,
          QUEUE_STUB,
          // a call that the pixel warns about before it reads the storage
          inlineScript(
            `(() => { ${HELPERS} define(${of}, "${name}", ${text}); })(); oaiq("init", {}); ${INIT} ${orderCall("order")}`,
          ),
          sdkTag(),
        );
        site.pages["/next"] = html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("next page")),
          sdkTag(),
        );
        await tab.waitForFunction("window.oaiq.loaded");
        await tab.evaluate(
          "new Promise((resolve) => requestIdleCallback(resolve))",
        );
        await tab.goto(site.url("/next"));
        await site.waitForOrders("next page");
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(
          tab.oaiqLogs.filter((line) => line.includes("internal error")),
          [],
        );
        const { __oaiq_consent: consent, __obref: browserId } =
          await visitor.cookies();
        assert.equal(consent, undefined);
        assert.match(String(browserId), /^[\da-f-]{36}$/);
        assert.ok(site.requests.some(({ body }) => body.obref));
      });

  test("queued calls and later ones are measured where window.oaiq cannot be replaced", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`Object.defineProperty(window, "oaiq", { value: oaiq, writable: false, configurable: false });
        ${INIT}${orderCall("queued")}`),
      sdkTag(),
      inlineScript(orderCall("late")),
    );
    await site.waitForOrders("queued", "late");
    assert.deepEqual(tab.pageErrors, []);
  });

  test("repeated orders have the same ID where Promise.prototype.then throws", async (t) => {
    const { site, tab } = await openHostilePage(
      t,
      `define(Promise.prototype, "then", fail);`,
      "before",
    );
    await site.waitForOrders("queued", "late");
    await tab.leaveAfterResponses(site);
    assert.deepEqual(Object.keys(site.deliveryCounts), ["queued", "late"]);
    assert.deepEqual(tab.pageErrors, []);
  });
});
