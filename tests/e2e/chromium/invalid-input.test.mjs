// Tests arbitrary arguments: what the protocol allows is sent, everything else is rejected and counted, the page continues to
// work, and the next valid call is delivered.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser } from "../support/browser.mjs";
import {
  INIT,
  orderCall,
  PIXEL_ID,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
  openSite,
} from "../support/site.mjs";

const PROPS = "invalid_event_props";
const OPTIONS = "invalid_event_options";
const NO_PROPS = "missing_event_props";
const NAME = "unsupported_event_name";

/** Helpers for the pages' scripts. */
const HELPERS = `
  const valid = () => ({ type: "contents", amount: 2599, currency: "EUR", contents: [{ id: "mug", quantity: 1 }] });
  const fail = () => { throw new Error("from the page"); };
  const revoked = (of) => { const { proxy, revoke } = Proxy.revocable(of, {}); revoke(); return proxy; };
  const throwing = (of) => new Proxy(of, { get: fail, ownKeys: fail, has: fail, getOwnPropertyDescriptor: fail, getPrototypeOf: fail });
  const measure = (data, options) => oaiq("measure", "order_created", data, options);
`;
const VALID = {
  type: "contents",
  amount: 2599,
  currency: "EUR",
  contents: [{ id: "mug", quantity: 1 }],
};

/**
 * Invalid calls, with the reason they are counted under.
 *
 * @type {Record<string, [string, string]>}
 */
const REJECTED = {
  "null in place of the data": [NO_PROPS, `measure(null)`],
  "no data": [NO_PROPS, `measure()`],
  "a string in place of the data": [PROPS, `measure("contents")`],
  "a number in place of the data": [PROPS, `measure(2599)`],
  "a boolean in place of the data": [PROPS, `measure(true)`],
  "a symbol in place of the data": [PROPS, `measure(Symbol("data"))`],
  "a BigInt in place of the data": [PROPS, `measure(2599n)`],
  "a function in place of the data": [PROPS, `measure(() => valid())`],
  "a Date in place of the data": [PROPS, `measure(new Date())`],
  "an array in place of the data": [PROPS, `measure([valid()])`],
  "a Map in place of the data": [
    PROPS,
    `measure(new Map(Object.entries(valid())))`,
  ],
  "an object in place of the contents": [
    PROPS,
    `measure({ ...valid(), contents: { 0: { id: "mug" }, length: 1 } })`,
  ],
  "a string in place of the contents": [
    PROPS,
    `measure({ ...valid(), contents: "mug" })`,
  ],
  "an array in place of an item": [
    PROPS,
    `measure({ ...valid(), contents: [["mug"]] })`,
  ],
  "null in place of an item": [
    PROPS,
    `measure({ ...valid(), contents: [null] })`,
  ],
  "null in place of an amount": [
    PROPS,
    `measure({ ...valid(), amount: null })`,
  ],
  "an amount that is NaN": [PROPS, `measure({ ...valid(), amount: NaN })`],
  "an amount that is Infinity": [
    PROPS,
    `measure({ ...valid(), amount: -Infinity })`,
  ],
  "an amount that is a BigInt": [
    PROPS,
    `measure({ ...valid(), amount: 2599n })`,
  ],
  "an amount that is a Number object": [
    PROPS,
    `measure({ ...valid(), amount: new Number(2599) })`,
  ],
  "a currency that is a symbol": [
    PROPS,
    `measure({ ...valid(), currency: Symbol("EUR") })`,
  ],
  "a type that is a String object": [
    PROPS,
    `measure({ ...valid(), type: new String("contents") })`,
  ],
  "an item id that is a function": [
    PROPS,
    `measure({ ...valid(), contents: [{ id: () => "mug" }] })`,
  ],
  "an item name that is a Date": [
    PROPS,
    `measure({ ...valid(), contents: [{ name: new Date() }] })`,
  ],
  "a getter that throws": [
    PROPS,
    `measure(Object.defineProperty(valid(), "amount", { get: fail }))`,
  ],
  "a getter that throws inside an item": [
    PROPS,
    `measure({ ...valid(), contents: [Object.defineProperty({ id: "mug" }, "quantity", { get: fail, enumerable: true })] })`,
  ],
  "a proxy that was revoked": [PROPS, `measure(revoked(valid()))`],
  "a proxy that was revoked, inside": [
    PROPS,
    `measure({ ...valid(), contents: [revoked({ id: "mug" })] })`,
  ],
  "a proxy whose traps throw": [PROPS, `measure(throwing(valid()))`],
  "a proxy whose traps throw, inside": [
    PROPS,
    `measure({ ...valid(), contents: throwing([{ id: "mug" }]) })`,
  ],
  "an array of infinite length": [
    PROPS,
    `measure({ ...valid(), contents: new Proxy([], { get: (of, key) => (key === "length" ? Infinity : {}) }) })`,
  ],
  "an array whose length is a symbol": [
    PROPS,
    `measure({ ...valid(), contents: new Proxy([], { get: () => Symbol("length") }) })`,
  ],
  "a cycle through the data": [
    PROPS,
    `const cyclic = valid(); cyclic.again = cyclic; measure(cyclic)`,
  ],
  "a cycle through the contents": [
    PROPS,
    `const contents = []; contents.push(contents); measure({ ...valid(), contents })`,
  ],
  "an object 100,000 levels deep": [
    PROPS,
    `let deep = {}; for (let i = 0; i < 100_000; i += 1) deep = { deep }; measure({ ...valid(), deep })`,
  ],
  "a field that is 10 MB long": [
    PROPS,
    `measure({ ...valid(), contents: [{ id: "x".repeat(10_000_000) }] })`,
  ],
  "data that is a string of 10 MB": [PROPS, `measure("x".repeat(10_000_000))`],
  "100,000 items with ids": [
    PROPS,
    `measure({ ...valid(), contents: Array.from({ length: 100_000 }, (_, i) => ({ id: "item-" + i })) })`,
  ],
  "an array of four billion holes": [
    PROPS,
    `measure({ ...valid(), contents: new Array(4_000_000_000) })`,
  ],
  "a million fields": [
    PROPS,
    `const wide = valid(); for (let i = 0; i < 1_000_000; i += 1) wide["field" + i] = i; measure(wide)`,
  ],
  "a field named __proto__": [
    PROPS,
    `measure(JSON.parse('{"type":"contents","__proto__":{"amount":1}}'))`,
  ],
  "a field named __proto__ in an item": [
    PROPS,
    `measure(JSON.parse('{"type":"contents","contents":[{"__proto__":{"id":"mug"}}]}'))`,
  ],
  "a field named constructor": [
    PROPS,
    `measure({ ...valid(), constructor: "contents" })`,
  ],
  "a field named toJSON": [
    PROPS,
    `measure({ ...valid(), toJSON: () => ({ type: "contents" }) })`,
  ],
  "options that are a string": [OPTIONS, `measure(valid(), "order-1")`],
  "options that are an array": [OPTIONS, `measure(valid(), ["order-1"])`],
  "options that are a function": [OPTIONS, `measure(valid(), fail)`],
  "options that are a revoked proxy": [
    OPTIONS,
    `measure(valid(), revoked({}))`,
  ],
  "an event id that is a number": [
    OPTIONS,
    `measure(valid(), { event_id: 7 })`,
  ],
  "an event id that is a symbol": [
    OPTIONS,
    `measure(valid(), { event_id: Symbol("order-1") })`,
  ],
  "an event id of 10 MB": [
    OPTIONS,
    `measure(valid(), { event_id: "x".repeat(10_000_000) })`,
  ],
  "options with a getter that throws": [
    OPTIONS,
    `measure(valid(), { get opt_out() { throw null; } })`,
  ],
  "options with a field named __proto__": [
    OPTIONS,
    `measure(valid(), JSON.parse('{"__proto__":{"opt_out":true}}'))`,
  ],
  "no event name": [NAME, `oaiq("measure")`],
  "an event name that is null": [NAME, `oaiq("measure", null, valid())`],
  "an event name that is a symbol": [
    NAME,
    `oaiq("measure", Symbol("order_created"), valid())`,
  ],
  "an event name that is a String object": [
    NAME,
    `oaiq("measure", new String("order_created"), valid())`,
  ],
  "an event name that is an object with a hostile toString": [
    NAME,
    `oaiq("measure", { toString: fail, valueOf: fail, [Symbol.toPrimitive]: fail }, valid())`,
  ],
  "an event name that is a revoked proxy": [
    NAME,
    `oaiq("measure", revoked({}), valid())`,
  ],
  "an event name of 10 MB": [
    NAME,
    `oaiq("measure", "x".repeat(10_000_000), valid())`,
  ],
  "an event name from Object.prototype": [
    NAME,
    `oaiq("measure", "constructor", valid())`,
  ],
};

/**
 * Unusual but valid calls, with the data that is sent.
 *
 * @type {Record<string, [call: string, data?: object]>}
 */
const ACCEPTED = {
  "an empty order": [`measure({ type: "contents" })`, { type: "contents" }],
  "a frozen object": [
    `const frozen = valid(); frozen.contents.forEach(Object.freeze); Object.freeze(frozen.contents); measure(Object.freeze(frozen), Object.freeze({}))`,
  ],
  "an object without a prototype": [
    `measure(Object.assign(Object.create(null), valid()), Object.create(null))`,
  ],
  "an instance of a class": [
    `class Order { constructor() { Object.assign(this, valid()); } total() {} }; measure(new Order())`,
  ],
  "a class with a hostile toJSON": [
    `class Order { constructor() { Object.assign(this, valid()); } toJSON() { throw new Error("from the page"); } }; measure(new Order())`,
  ],
  "a transparent proxy": [`measure(new Proxy(valid(), {}), new Proxy({}, {}))`],
  "a getter": [`measure({ ...valid(), get amount() { return 2599; } })`],
  "symbols as keys": [`measure({ ...valid(), [Symbol("more")]: 1 })`],
  "fields that are undefined": [
    `measure({ ...valid(), amount: 2599, contents: [{ id: "mug", name: undefined, quantity: 1 }] }, { event_id: undefined })`,
  ],
  "an object of a removed frame": [
    `const frame = document.createElement("iframe"); document.head.append(frame);
     const data = frame.contentWindow.JSON.parse(JSON.stringify(valid())); frame.remove(); measure(data)`,
  ],
  "100,000 items without a field": [
    `measure({ type: "contents", contents: Array.from({ length: 100_000 }, () => ({})) })`,
    { type: "contents", contents: Array.from({ length: 100_000 }, () => ({})) },
  ],
  "quotes, line breaks and other special characters": [
    `measure({ type: "contents", contents: [{ id: "\\"\\\\\\n\\u0000\\u2028</script\\x3e😀" }] })`,
    {
      type: "contents",
      contents: [{ id: '"\\\n\u0000\u2028</script>😀' }],
    },
  ],
  "a lone surrogate, which UTF-8 cannot encode": [
    `measure({ type: "contents", contents: [{ id: "half \\ud83d of a character" }] })`,
    { type: "contents", contents: [{ id: "half \ufffd of a character" }] },
  ],
  "surplus arguments": [
    `oaiq("measure", "order_created", valid(), {}, revoked({}), fail, 7)`,
  ],
  "minus zero": [
    `measure({ ...valid(), amount: -0 })`,
    { ...VALID, amount: 0 },
  ],
};

/** Calls that have no effect and are not counted. */
const IGNORED = {
  "no argument at all": `oaiq()`,
  "a command that is null": `oaiq(null, "order_created", valid())`,
  "a command that is a symbol": `oaiq(Symbol("measure"), "order_created", valid())`,
  "a command that is a revoked proxy": `oaiq(revoked({}), "order_created", valid())`,
  "a command from Object.prototype": `oaiq("__proto__"); oaiq("constructor", valid()); oaiq("toString")`,
  "consent that is not a boolean": `oaiq("consent", "false"); oaiq("consent", 0); oaiq("consent", null); oaiq("consent", new Boolean(false)); oaiq("consent", revoked({}))`,
  "a pixel ID that is not a string": `oaiq("init", { pixelId: 7 }); oaiq("init", { pixelId: Symbol("p") }); oaiq("init", { pixelId: { toString: fail } })`,
  "init without an object": `oaiq("init", null); oaiq("init", "pixel"); oaiq("init", [{ pixelId: "OTHER" }]); oaiq("init", () => {}); oaiq("init", 7n)`,
  "init with proxies that throw": `oaiq("init", revoked({ pixelId: "OTHER" })); oaiq("init", throwing({ pixelId: "OTHER" }))`,
  "init with a getter that throws": `oaiq("init", { get pixelId() { return fail(); } })`,
  "an invalid single pixel ID": `for (const id of [null, 7, Symbol("p"), {}, revoked({}), ""]) oaiq("measureSingle", id, "order_created", valid())`,
  "a user that is not an object": `for (const user of [null, 7, "jane@example.com", [], Symbol("u"), fail, revoked({}), throwing({})]) oaiq("init", { user })`,
  "a user of unusable values": `oaiq("init", { user: JSON.parse('{"__proto__":{"country":"DE"},"city":7}') });
    const cyclic = {}; cyclic.city = cyclic; oaiq("init", { user: cyclic });
    oaiq("init", { user: { get country() { return fail(); }, city: 7n, region: Symbol("r"), email_sha256: [], first_name_sha256: "x".repeat(10_000_000) } })`,
};

describe("invalid input", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /**
   * Opens a page that makes the call twice: before the pixel loads, when it is queued, and after.
   *
   * @param {import("node:test").TestContext} t
   * @param {string} call
   */
  const openPageWith = async (t, call) => {
    const calls = inlineScript(`{ ${HELPERS} ${call}; }`);
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(INIT),
      calls,
      sdkTag(),
      calls,
      inlineScript(orderCall("valid")),
    );
    return { site, tab };
  };

  /**
   * Asserts that the valid order is delivered and the page has no error.
   *
   * @param {{site: import("../support/site.mjs").Site, tab: import("../support/browser.mjs").Tab}} opened
   */
  const expectValidOrder = async ({ site, tab }) => {
    await site.waitForOrders("valid");
    // remaining diagnostics are sent now
    await tab.leaveAfterResponses(site);
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(site.deliveryCounts.valid, 1);
    assert.ok(
      site.requests.every(({ query }) => query.pid === PIXEL_ID),
      "another pixel has started",
    );
  };

  for (const [what, [reason, call]] of Object.entries(REJECTED))
    test(`${what}: rejected as ${reason}`, async (t) => {
      const { site, tab } = await openPageWith(t, call);
      await site.waitFor(
        "the diagnostic",
        () => Number(site.rejectedCalls[reason]) >= 2,
      );
      await expectValidOrder({ site, tab });
      assert.deepEqual(site.deliveryCounts, { valid: 1 });
      assert.deepEqual(site.rejectedCalls, { [reason]: 2 });
      assert.equal(tab.oaiqLogs.length, 2, tab.oaiqLogs.join("\n"));
      assert.match(String(tab.oaiqLogs[0]), /was not measured/);
    });

  for (const [what, [call, data = VALID]] of Object.entries(ACCEPTED))
    test(`${what}: sent`, async (t) => {
      const { site, tab } = await openPageWith(t, call);
      await site.waitFor("both events", () => site.measured.length >= 3);
      await expectValidOrder({ site, tab });
      assert.deepEqual(
        site.measured
          .filter(({ id }) => id !== "valid")
          .map(({ data }) => data),
        [data, data],
      );
      assert.deepEqual(site.rejectedCalls, {});
      assert.deepEqual(tab.oaiqLogs, []);
    });

  for (const [what, call] of Object.entries(IGNORED))
    test(`${what}: ignored`, async (t) => {
      const { site, tab } = await openPageWith(t, call);
      await expectValidOrder({ site, tab });
      assert.deepEqual(site.deliveryCounts, { valid: 1 });
      assert.deepEqual(site.rejectedCalls, {});
      assert.ok(site.requests.every(({ body }) => body.user === undefined));
      assert.equal(
        await tab.evaluate("localStorage.getItem('oaiq_consent')"),
        null,
      );
    });

  test("valid calls among junk in the queue are measured", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${HELPERS}
        oaiq.q.push(null, undefined, 7, "measure", {}, { length: 3 }, fail, Symbol("call"), revoked([]), throwing([]), { length: Infinity, 0: "measure" });
        ${INIT}${orderCall("valid")}
        oaiq.q.push(null);`),
      sdkTag(),
    );
    await expectValidOrder({ site, tab });
    assert.deepEqual(site.deliveryCounts, { valid: 1 });
  });

  test("a call in a getter of another call's argument is measured too", async (t) => {
    const { site, tab } = await openPageWith(
      t,
      `measure({ type: "contents", get contents() { measure({ type: "contents", contents: [{ id: "inner" }] }); return [{ id: "outer" }]; } })`,
    );
    await site.waitFor("four events", () => site.measured.length >= 5);
    await expectValidOrder({ site, tab });
    const items = site.measured.flatMap(({ data }) => data.contents ?? []);
    assert.deepEqual(items.map(({ id }) => id).sort(), [
      "inner",
      "inner",
      "outer",
      "outer",
    ]);
  });

  test("calls with new, another this or an array-like are measured", async (t) => {
    const { site, tab } = await openPageWith(
      t,
      `new oaiq("measure", "order_created", valid());
       oaiq.call(null, "measure", "order_created", valid());
       Reflect.apply(oaiq, 7, { length: 3, 0: "measure", 1: "order_created", 2: valid() })`,
    );
    await site.waitFor("six events", () => site.measured.length >= 7);
    await expectValidOrder({ site, tab });
    assert.equal(site.measured.length, 7);
  });
});
