// What the entries of data layers mean (www/layer/map.js): the layers in layers/, and entries that no JSON can hold.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { Prng } from "../../soak/prng.mjs";
import { DATA_TYPES } from "../../../www/layer/schema.gen.js";

// the pixel's helpers take these from the page when they are loaded
globalThis.window ??= globalThis;
const { createMapper } = await import("../../../www/layer/map.js");

const FOLDER = join(root, "tests/unit/layer/layers");

/** What `gtag` pushes. */
const commandOf = function () {
  return arguments;
};

/**
 * The calls and notes of these entries.
 *
 * @param {unknown[]} entries
 * @param {unknown} [layerEvents]
 */
const mapAll = (entries, layerEvents) => {
  const notes = [];
  const map = createMapper(layerEvents, (...note) => notes.push(note));
  return { calls: entries.flatMap((entry) => map(entry)), notes };
};

/** @param {unknown} entry */
const callOf = (entry) => mapAll([entry]).calls[0];

describe("a layer", () => {
  const files = readdirSync(FOLDER);

  test("is one of at least 40", () => assert.ok(files.length >= 40));

  for (const file of files) {
    const { about, layerEvents, entries, events, notes } = JSON.parse(
      readFileSync(join(FOLDER, file), "utf8"),
    );
    test(`gives the right events: ${about}`, () => {
      const mapped = mapAll(
        entries.map((entry) =>
          entry?.arguments ? commandOf(...entry.arguments) : entry,
        ),
        layerEvents,
      );
      assert.deepEqual(mapped.calls, events);
      assert.deepEqual(
        mapped.notes.map((note) => note.slice(0, 3)),
        notes,
      );
    });
  }
});

describe("an entry", () => {
  test("is read by its own properties alone", () => {
    const inherited = Object.create({ event: "purchase", value: 5 });
    assert.deepEqual(mapAll([inherited]).calls, []);
    const entry = Object.assign(
      Object.create({ transaction_id: "no", currency: "USD" }),
      { event: "purchase", value: 5 },
    );
    assert.deepEqual(callOf(entry), ["order_created", { type: "contents" }]);
  });

  test("with a getter that throws goes without that value", () => {
    const entry = {
      event: "purchase",
      currency: "USD",
      get value() {
        throw new Error("no value");
      },
      items: [
        {
          get item_id() {
            throw new Error("no ID");
          },
          item_name: "Mug",
        },
      ],
      transaction_id: "T",
    };
    assert.deepEqual(callOf(entry), [
      "order_created",
      {
        type: "contents",
        contents: [{ name: "Mug", content_type: "product" }],
      },
      { event_id: "T" },
    ]);
  });

  test("with a getter that works is read, as reactive objects have them", () => {
    const entry = {
      get event() {
        return "sign_up";
      },
    };
    assert.deepEqual(callOf(entry), [
      "registration_completed",
      { type: "customer_action" },
    ]);
  });

  test("that is a proxy with traps that throw means nothing", () => {
    const thrower = () => {
      throw new Error("trap");
    };
    const traps = {
      get: thrower,
      has: thrower,
      ownKeys: thrower,
      getOwnPropertyDescriptor: thrower,
      getPrototypeOf: thrower,
    };
    const hostile = new Proxy({}, traps);
    for (const entry of [
      hostile,
      { event: "purchase", ecommerce: hostile },
      { event: "purchase", items: new Proxy([], traps) },
      { event: "purchase", items: [hostile], value: hostile },
      { event: hostile },
    ])
      assert.ok(mapAll([entry]).calls.length <= 1);
  });

  test("that contains itself is read as any other", () => {
    const entry = { event: "add_to_cart", currency: "USD", value: 2 };
    entry.ecommerce = entry;
    entry.items = [entry];
    assert.deepEqual(callOf(entry), [
      "items_added",
      { type: "contents", amount: 200, currency: "USD" },
    ]);
  });

  test("named like a method of objects means nothing", () => {
    for (const event of ["constructor", "__proto__", "toString", "valueOf"])
      for (const entry of [{ event }, commandOf("event", event)])
        assert.deepEqual(mapAll([entry], {}).calls, []);
  });

  test("with a currency or an ID named like a method of objects is read", () => {
    for (const id of ["constructor", "__proto__"])
      assert.deepEqual(callOf({ event: "purchase", transaction_id: id })?.[2], {
        event_id: id,
      });
  });

  test("with values of other types goes without them", () => {
    for (const value of [
      NaN,
      Infinity,
      {},
      [],
      [5],
      true,
      Symbol("5"),
      5n,
      () => 5,
      new Date(),
      new Number(5),
    ]) {
      const { calls } = mapAll([
        {
          event: "purchase",
          transaction_id: value,
          currency: "USD",
          value,
          items: [{ item_id: value, price: value, quantity: value }],
        },
        {
          event: "subscribe",
          currency: value,
          value: 5,
          plan_id: value,
          items: value,
        },
      ]);
      assert.deepEqual(calls, [
        ["order_created", { type: "contents" }],
        ["subscription_created", { type: "plan_enrollment" }],
      ]);
    }
  });

  test("with more items than an event can hold goes with the first 200", () => {
    const items = Array.from({ length: 5_000 }, (_, i) => ({ item_id: i }));
    const { calls, notes } = mapAll([{ event: "view_item_list", items }]);
    assert.equal(calls[0][1].contents.length, 200);
    assert.deepEqual(notes, [["items_cut", "items", "view_item_list", 5_000]]);
  });

  test("with a text too long for an ID goes without it", () => {
    const entry = { event: "purchase", transaction_id: "x".repeat(1_001) };
    assert.deepEqual(callOf(entry), ["order_created", { type: "contents" }]);
  });
});

test("any entries give only calls that the pixel accepts", () => {
  const random = new Prng(20);
  const values = [
    undefined,
    null,
    "",
    " ",
    "T-1",
    "undefined",
    "jane@example.com",
    "EUR",
    "usd",
    "$",
    "1.299",
    "1.299,00",
    "19.99",
    -5,
    0,
    8.7,
    1.5,
    NaN,
    1e300,
    true,
    [],
    [null, "x", 7],
    () => {},
    Symbol("s"),
    9n,
  ];
  const fields =
    "event ecommerce value revenue currency currencyCode transaction_id event_id lead_id plan_id items products item_id id sku item_name name price quantity purchase checkout add detail impressions actionField step transactionId transactionTotal transactionProducts length 0 1 2".split(
      " ",
    );
  const names =
    "page_view view_item add_to_cart begin_checkout purchase generate_lead sign_up schedule subscribe start_trial own other".split(
      " ",
    );
  const valueOf = (depth) => {
    if (depth > 3 || random.chance(0.6)) return random.pick(values);
    if (random.chance(0.3))
      return Array.from({ length: random.integer(0, 3) }, () =>
        valueOf(depth + 1),
      );
    return Object.fromEntries(
      Array.from({ length: random.integer(0, 7) }, () => [
        random.pick(fields),
        valueOf(depth + 1),
      ]),
    );
  };
  const checkMoney = (amount, currency) => {
    if (amount === undefined) return;
    assert.ok(Number.isSafeInteger(amount));
    assert.match(currency, /^[A-Z]{3}$/);
  };
  const checkText = (text) => assert.ok(text === undefined || /\S/.test(text));
  let calls = 0;
  for (let i = 0; i < 3_000; i += 1) {
    const map = createMapper({ own: "custom" }, () => {});
    for (let j = 0; j < 4; j += 1) {
      const params = Object(valueOf(0));
      const entry = random.chance(0.5)
        ? Object.assign({ event: random.pick(names) }, params)
        : commandOf("event", random.pick(names), params);
      for (const [name, data, options = {}] of map(entry)) {
        calls += 1;
        const {
          type,
          amount,
          currency,
          contents = [],
          plan_id,
          ...rest
        } = data;
        assert.equal(type, DATA_TYPES[name]);
        assert.deepEqual(rest, {});
        checkMoney(amount, currency);
        if (currency !== undefined) assert.match(currency, /^[A-Z]{3}$/);
        if (type === "customer_action") assert.equal(data.contents, undefined);
        if (!["plan_enrollment", "custom"].includes(type))
          assert.equal(plan_id, undefined);
        checkText(plan_id);
        for (const item of contents) {
          assert.equal(item.content_type, "product");
          checkMoney(item.amount, item.currency ?? currency);
          checkText(item.id);
          checkText(item.name);
          if (item.quantity !== undefined)
            assert.ok(Number.isSafeInteger(item.quantity));
        }
        checkText(options.event_id);
        assert.equal(
          options.custom_event_name,
          name === "custom" ? "own" : undefined,
        );
        assert.doesNotMatch(JSON.stringify([data, options]), /jane/);
      }
    }
  }
  assert.ok(calls > 5_000, `${calls} calls`);
});

test("a mapping of the page is read by its own properties alone", () => {
  const layerEvents = Object.create({ opened: "page_viewed" });
  assert.deepEqual(mapAll([{ event: "opened" }], layerEvents).calls, []);
});

test("a wrong mapping of a known event leaves the table's", () => {
  const { calls, notes } = mapAll([{ event: "sign_up" }], { sign_up: "x" });
  assert.equal(calls[0][0], "registration_completed");
  assert.deepEqual(notes, [["no_such_event", "", "sign_up", "x"]]);
});

for (const layerEvents of [null, undefined, 7, "purchase", [], () => {}])
  test(`layerEvents may be ${typeof layerEvents} ${String(layerEvents)}`, () => {
    const { calls } = mapAll([{ event: "sign_up" }], layerEvents);
    assert.equal(calls[0][0], "registration_completed");
  });
