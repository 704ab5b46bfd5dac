// Whatever a page hands to the pixel: what the protocol allows is sent, all else is refused and counted, the page goes
// on, and the next good call arrives.
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

/** Words for the pages' scripts. */
const WORDS = `
  const good = () => ({ type: "contents", amount: 2599, currency: "EUR", contents: [{ id: "mug", quantity: 1 }] });
  const boom = () => { throw new Error("boom"); };
  const revoked = (of) => { const { proxy, revoke } = Proxy.revocable(of, {}); revoke(); return proxy; };
  const throwing = (of) => new Proxy(of, { get: boom, ownKeys: boom, has: boom, getOwnPropertyDescriptor: boom, getPrototypeOf: boom });
  const measure = (data, options) => oaiq("measure", "order_created", data, options);
`;
const GOOD = {
  type: "contents",
  amount: 2599,
  currency: "EUR",
  contents: [{ id: "mug", quantity: 1 }],
};

/** Calls that break a rule, and the reason they are counted under. */
const REFUSED = {
  "null in place of the data": [NO_PROPS, `measure(null)`],
  "no data": [NO_PROPS, `measure()`],
  "a string in place of the data": [PROPS, `measure("contents")`],
  "a number in place of the data": [PROPS, `measure(2599)`],
  "a boolean in place of the data": [PROPS, `measure(true)`],
  "a symbol in place of the data": [PROPS, `measure(Symbol("data"))`],
  "a BigInt in place of the data": [PROPS, `measure(2599n)`],
  "a function in place of the data": [PROPS, `measure(() => good())`],
  "a Date in place of the data": [PROPS, `measure(new Date())`],
  "an array in place of the data": [PROPS, `measure([good()])`],
  "a Map in place of the data": [
    PROPS,
    `measure(new Map(Object.entries(good())))`,
  ],
  "an object in place of the contents": [
    PROPS,
    `measure({ ...good(), contents: { 0: { id: "mug" }, length: 1 } })`,
  ],
  "a string in place of the contents": [
    PROPS,
    `measure({ ...good(), contents: "mug" })`,
  ],
  "an array in place of an item": [
    PROPS,
    `measure({ ...good(), contents: [["mug"]] })`,
  ],
  "null in place of an item": [
    PROPS,
    `measure({ ...good(), contents: [null] })`,
  ],
  "null in place of an amount": [PROPS, `measure({ ...good(), amount: null })`],
  "an amount that is NaN": [PROPS, `measure({ ...good(), amount: NaN })`],
  "an amount that is Infinity": [
    PROPS,
    `measure({ ...good(), amount: -Infinity })`,
  ],
  "an amount that is a BigInt": [
    PROPS,
    `measure({ ...good(), amount: 2599n })`,
  ],
  "an amount that is a Number object": [
    PROPS,
    `measure({ ...good(), amount: new Number(2599) })`,
  ],
  "a currency that is a symbol": [
    PROPS,
    `measure({ ...good(), currency: Symbol("EUR") })`,
  ],
  "a type that is a String object": [
    PROPS,
    `measure({ ...good(), type: new String("contents") })`,
  ],
  "an item id that is a function": [
    PROPS,
    `measure({ ...good(), contents: [{ id: () => "mug" }] })`,
  ],
  "an item name that is a Date": [
    PROPS,
    `measure({ ...good(), contents: [{ name: new Date() }] })`,
  ],
  "a getter that throws": [
    PROPS,
    `measure(Object.defineProperty(good(), "amount", { get: boom }))`,
  ],
  "a getter that throws inside an item": [
    PROPS,
    `measure({ ...good(), contents: [Object.defineProperty({ id: "mug" }, "quantity", { get: boom, enumerable: true })] })`,
  ],
  "a proxy that was revoked": [PROPS, `measure(revoked(good()))`],
  "a proxy that was revoked, inside": [
    PROPS,
    `measure({ ...good(), contents: [revoked({ id: "mug" })] })`,
  ],
  "a proxy whose traps throw": [PROPS, `measure(throwing(good()))`],
  "a proxy whose traps throw, inside": [
    PROPS,
    `measure({ ...good(), contents: throwing([{ id: "mug" }]) })`,
  ],
  "an array that says it is endless": [
    PROPS,
    `measure({ ...good(), contents: new Proxy([], { get: (of, key) => (key === "length" ? Infinity : {}) }) })`,
  ],
  "an array whose length is a symbol": [
    PROPS,
    `measure({ ...good(), contents: new Proxy([], { get: () => Symbol("length") }) })`,
  ],
  "a cycle through the data": [
    PROPS,
    `const cyclic = good(); cyclic.again = cyclic; measure(cyclic)`,
  ],
  "a cycle through the contents": [
    PROPS,
    `const contents = []; contents.push(contents); measure({ ...good(), contents })`,
  ],
  "an object 100,000 levels deep": [
    PROPS,
    `let deep = {}; for (let i = 0; i < 100_000; i += 1) deep = { deep }; measure({ ...good(), deep })`,
  ],
  "a field that is 10 MB long": [
    PROPS,
    `measure({ ...good(), contents: [{ id: "x".repeat(10_000_000) }] })`,
  ],
  "data that is a string of 10 MB": [PROPS, `measure("x".repeat(10_000_000))`],
  "100,000 items with ids": [
    PROPS,
    `measure({ ...good(), contents: Array.from({ length: 100_000 }, (_, i) => ({ id: "item-" + i })) })`,
  ],
  "an array of four thousand million holes": [
    PROPS,
    `measure({ ...good(), contents: new Array(4_000_000_000) })`,
  ],
  "a million fields": [
    PROPS,
    `const wide = good(); for (let i = 0; i < 1_000_000; i += 1) wide["field" + i] = i; measure(wide)`,
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
    `measure({ ...good(), constructor: "contents" })`,
  ],
  "a field named toJSON": [
    PROPS,
    `measure({ ...good(), toJSON: () => ({ type: "contents" }) })`,
  ],
  "options that are a string": [OPTIONS, `measure(good(), "order-1")`],
  "options that are an array": [OPTIONS, `measure(good(), ["order-1"])`],
  "options that are a function": [OPTIONS, `measure(good(), boom)`],
  "options that are a revoked proxy": [OPTIONS, `measure(good(), revoked({}))`],
  "an event id that is a number": [OPTIONS, `measure(good(), { event_id: 7 })`],
  "an event id that is a symbol": [
    OPTIONS,
    `measure(good(), { event_id: Symbol("order-1") })`,
  ],
  "an event id of 10 MB": [
    OPTIONS,
    `measure(good(), { event_id: "x".repeat(10_000_000) })`,
  ],
  "options with a getter that throws": [
    OPTIONS,
    `measure(good(), { get opt_out() { throw null; } })`,
  ],
  "options with a field named __proto__": [
    OPTIONS,
    `measure(good(), JSON.parse('{"__proto__":{"opt_out":true}}'))`,
  ],
  "no event name": [NAME, `oaiq("measure")`],
  "an event name that is null": [NAME, `oaiq("measure", null, good())`],
  "an event name that is a symbol": [
    NAME,
    `oaiq("measure", Symbol("order_created"), good())`,
  ],
  "an event name that is a String object": [
    NAME,
    `oaiq("measure", new String("order_created"), good())`,
  ],
  "an event name that is an object with a hostile toString": [
    NAME,
    `oaiq("measure", { toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom }, good())`,
  ],
  "an event name that is a revoked proxy": [
    NAME,
    `oaiq("measure", revoked({}), good())`,
  ],
  "an event name of 10 MB": [
    NAME,
    `oaiq("measure", "x".repeat(10_000_000), good())`,
  ],
  "an event name from Object.prototype": [
    NAME,
    `oaiq("measure", "constructor", good())`,
  ],
};

/** Calls that look odd and break no rule, with the data that is sent. */
const SENT = {
  "an empty order": [`measure({ type: "contents" })`, { type: "contents" }],
  "a frozen object": [
    `const frozen = good(); frozen.contents.forEach(Object.freeze); Object.freeze(frozen.contents); measure(Object.freeze(frozen), Object.freeze({}))`,
  ],
  "an object without a prototype": [
    `measure(Object.assign(Object.create(null), good()), Object.create(null))`,
  ],
  "an instance of a class": [
    `class Order { constructor() { Object.assign(this, good()); } total() {} }; measure(new Order())`,
  ],
  "a class with a hostile toJSON": [
    `class Order { constructor() { Object.assign(this, good()); } toJSON() { throw new Error("boom"); } }; measure(new Order())`,
  ],
  "a proxy that hides nothing": [
    `measure(new Proxy(good(), {}), new Proxy({}, {}))`,
  ],
  "a getter": [`measure({ ...good(), get amount() { return 2599; } })`],
  "symbols as keys": [`measure({ ...good(), [Symbol("more")]: 1 })`],
  "fields that are undefined": [
    `measure({ ...good(), amount: 2599, contents: [{ id: "mug", name: undefined, quantity: 1 }] }, { event_id: undefined })`,
  ],
  "an object from another frame, which is gone": [
    `const frame = document.createElement("iframe"); document.head.append(frame);
     const data = frame.contentWindow.JSON.parse(JSON.stringify(good())); frame.remove(); measure(data)`,
  ],
  "100,000 items without a field": [
    `measure({ type: "contents", contents: Array.from({ length: 100_000 }, () => ({})) })`,
    { type: "contents", contents: Array.from({ length: 100_000 }, () => ({})) },
  ],
  "quotes, line breaks and other signs": [
    `measure({ type: "contents", contents: [{ id: "\\"\\\\\\n\\u0000\\u2028</script\\x3e😀" }] })`,
    {
      type: "contents",
      contents: [{ id: '"\\\n\u0000\u2028</script>😀' }],
    },
  ],
  "a lone surrogate, which no UTF-8 can say": [
    `measure({ type: "contents", contents: [{ id: "half \\ud83d of a sign" }] })`,
    { type: "contents", contents: [{ id: "half \ufffd of a sign" }] },
  ],
  "more arguments than there are": [
    `oaiq("measure", "order_created", good(), {}, revoked({}), boom, 7)`,
  ],
  "minus zero": [`measure({ ...good(), amount: -0 })`, { ...GOOD, amount: 0 }],
};

/** Calls that say nothing, or that are refused with nothing to count. */
const IGNORED = {
  "no argument at all": `oaiq()`,
  "a command that is null": `oaiq(null, "order_created", good())`,
  "a command that is a symbol": `oaiq(Symbol("measure"), "order_created", good())`,
  "a command that is a revoked proxy": `oaiq(revoked({}), "order_created", good())`,
  "a command from Object.prototype": `oaiq("__proto__"); oaiq("constructor", good()); oaiq("toString")`,
  "consent that is no boolean": `oaiq("consent", "false"); oaiq("consent", 0); oaiq("consent", null); oaiq("consent", new Boolean(false)); oaiq("consent", revoked({}))`,
  "a pixel id that is no string": `oaiq("init", { pixelId: 7 }); oaiq("init", { pixelId: Symbol("p") }); oaiq("init", { pixelId: { toString: boom } })`,
  "init with what is no object": `oaiq("init", null); oaiq("init", "pixel"); oaiq("init", [{ pixelId: "OTHER" }]); oaiq("init", () => {}); oaiq("init", 7n)`,
  "init with proxies that throw": `oaiq("init", revoked({ pixelId: "OTHER" })); oaiq("init", throwing({ pixelId: "OTHER" }))`,
  "init with a getter that throws": `oaiq("init", { get pixelId() { return boom(); } })`,
  "a single pixel that is none": `for (const id of [null, 7, Symbol("p"), {}, revoked({}), ""]) oaiq("measureSingle", id, "order_created", good())`,
  "a user that is no object": `for (const user of [null, 7, "jane@example.com", [], Symbol("u"), boom, revoked({}), throwing({})]) oaiq("init", { user })`,
  "a user of unusable values": `oaiq("init", { user: JSON.parse('{"__proto__":{"country":"DE"},"city":7}') });
    const cyclic = {}; cyclic.city = cyclic; oaiq("init", { user: cyclic });
    oaiq("init", { user: { get country() { return boom(); }, city: 7n, region: Symbol("r"), email_sha256: [], first_name_sha256: "x".repeat(10_000_000) } })`,
};

describe("bad input", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /** The page makes the call twice: before the pixel is there, when it waits in the queue, and after. */
  const visitWith = async (t, call) => {
    const calls = inlineScript(`{ ${WORDS} ${call}; }`);
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(INIT),
      calls,
      sdkTag(),
      calls,
      inlineScript(orderCall("good")),
    );
    return { site, tab };
  };

  const expectGoodOrder = async ({ site, tab }) => {
    await site.waitForOrders("good");
    // what else there is to tell goes now
    await tab.leaveAfterResponses(site);
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(site.deliveryCounts.good, 1);
    assert.ok(
      site.requests.every(({ query }) => query.pid === PIXEL_ID),
      "another pixel has started",
    );
  };

  for (const [what, [reason, call]] of Object.entries(REFUSED))
    test(`${what}: refused, and counted as ${reason}`, async (t) => {
      const { site, tab } = await visitWith(t, call);
      await site.waitFor(
        "the diagnostic",
        () => site.rejectedCalls[reason] >= 2,
      );
      await expectGoodOrder({ site, tab });
      assert.deepEqual(site.deliveryCounts, { good: 1 });
      assert.deepEqual(site.rejectedCalls, { [reason]: 2 });
      assert.equal(tab.oaiqLogs.length, 2, tab.oaiqLogs.join("\n"));
      assert.match(tab.oaiqLogs[0], /was not measured/);
    });

  for (const [what, [call, data = GOOD]] of Object.entries(SENT))
    test(`${what}: sent`, async (t) => {
      const { site, tab } = await visitWith(t, call);
      await site.waitFor("both events", () => site.measured.length >= 3);
      await expectGoodOrder({ site, tab });
      assert.deepEqual(
        site.measured.filter(({ id }) => id !== "good").map(({ data }) => data),
        [data, data],
      );
      assert.deepEqual(site.rejectedCalls, {});
      assert.deepEqual(tab.oaiqLogs, []);
    });

  for (const [what, call] of Object.entries(IGNORED))
    test(`${what}: ignored`, async (t) => {
      const { site, tab } = await visitWith(t, call);
      await expectGoodOrder({ site, tab });
      assert.deepEqual(site.deliveryCounts, { good: 1 });
      assert.deepEqual(site.rejectedCalls, {});
      assert.ok(site.requests.every(({ body }) => body.user === undefined));
      assert.equal(
        await tab.evaluate("localStorage.getItem('oaiq_consent')"),
        null,
      );
    });

  test("junk among the waiting calls: the calls beside it are taken", async (t) => {
    const { site, tab } = await openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(`${WORDS}
        oaiq.q.push(null, undefined, 7, "measure", {}, { length: 3 }, boom, Symbol("call"), revoked([]), throwing([]), { length: Infinity, 0: "measure" });
        ${INIT}${orderCall("good")}
        oaiq.q.push(null);`),
      sdkTag(),
    );
    await expectGoodOrder({ site, tab });
    assert.deepEqual(site.deliveryCounts, { good: 1 });
  });

  test("a getter that calls the pixel: both calls are measured", async (t) => {
    const { site, tab } = await visitWith(
      t,
      `measure({ type: "contents", get contents() { measure({ type: "contents", contents: [{ id: "inner" }] }); return [{ id: "outer" }]; } })`,
    );
    await site.waitFor("four events", () => site.measured.length >= 5);
    await expectGoodOrder({ site, tab });
    const items = site.measured.flatMap(({ data }) => data.contents ?? []);
    assert.deepEqual(items.map(({ id }) => id).sort(), [
      "inner",
      "inner",
      "outer",
      "outer",
    ]);
  });

  test("the pixel called as a constructor, with another this, or with an array-like: measured", async (t) => {
    const { site, tab } = await visitWith(
      t,
      `new oaiq("measure", "order_created", good());
       oaiq.call(null, "measure", "order_created", good());
       Reflect.apply(oaiq, 7, { length: 3, 0: "measure", 1: "order_created", 2: good() })`,
    );
    await site.waitFor("six events", () => site.measured.length >= 7);
    await expectGoodOrder({ site, tab });
    assert.equal(site.measured.length, 7);
  });
});
