// How the data layer is followed (www/layer/entry.js, www/layer/follow.js), in a page of this process.
import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";

/** The page's timers, and its time in milliseconds. */
const timers = [];
let time = 0;
globalThis.setTimeout = (work, ms = 0) => timers.push({ at: time + ms, work });
globalThis.window = globalThis;
const listeners = {};
globalThis.addEventListener = (name, listener, capture) => {
  assert.equal(capture, true);
  (listeners[name] ??= []).push(listener);
};
let start;
globalThis.oaiq = {
  __layer: (entry) => {
    start = entry;
  },
};
await import("../../../www/layer/entry.js");

const POLL_MS = 500;

/** The measured events: name, and the event ID or the amount. */
let measured = [];
let notes = [];
let layerName = "";
let layers = 0;

/** Starts to follow a layer with a name of its own, because nothing ends the earlier ones. */
const followLayer = (layer, layerEvents) => {
  layers += 1;
  layerName = `layer${layers}`;
  globalThis[layerName] = layer;
  globalThis.oaiq = Object.assign(
    (command, name, data, options) => {
      assert.equal(command, "measure");
      measured.push([name, options?.event_id ?? data.amount]);
    },
    { config: { layerEvents } },
  );
  const ownNotes = (notes = []);
  start(layerName, {}, (_, about) => ownNotes.push(about));
};

const order = (id) => ({ event: "purchase", transaction_id: id });
const orders = (...ids) => ids.map((id) => ["order_created", id]);
const fire = (name) => listeners[name].forEach((listener) => listener());
/** Runs the timer that is due first, if it is due by then. */
const runTimer = (end) => {
  timers.sort((one, other) => one.at - other.at);
  if (!(timers[0]?.at <= end)) return false;
  const { at, work } = timers.shift();
  time = at;
  work();
  return true;
};
const advance = (ms = POLL_MS) => {
  const end = time + ms;
  while (runTimer(end));
  time = end;
};

beforeEach(() => {
  measured = [];
});

describe("the layer", () => {
  test("is measured: what stands in it and what comes, at once", () => {
    followLayer([order("a")]);
    assert.deepEqual(measured, orders("a"));
    assert.equal(globalThis[layerName].push(order("b"), order("c")), 3);
    assert.deepEqual(measured, orders("a", "b", "c"));
  });

  test("may come later, and may be replaced", () => {
    followLayer(undefined);
    globalThis[layerName] = [order("a")];
    advance();
    assert.deepEqual(measured, orders("a"));
    globalThis[layerName] = [order("b")];
    globalThis[layerName].push(order("c"));
    advance();
    globalThis[layerName].push(order("d"));
    assert.deepEqual(measured, orders("a", "b", "c", "d"));
  });

  test("measures an entry once, also in another array and pushed again", () => {
    const entry = { event: "sign_up" };
    followLayer([entry]);
    globalThis[layerName].push(entry);
    globalThis[layerName] = [...globalThis[layerName], { event: "sign_up" }];
    advance();
    assert.equal(measured.length, 2);
  });

  test("may be longer than before where entries were removed from its start", () => {
    followLayer([order("a"), order("b")]);
    const layer = globalThis[layerName];
    layer.shift();
    layer.push(order("c"));
    layer.splice(0, 2);
    layer.push(order("d"));
    layer.length = 0;
    layer.push(order("e"));
    assert.deepEqual(measured, orders("a", "b", "c", "d", "e"));
  });

  test("may be frozen", () => {
    followLayer(Object.freeze([order("a")]));
    assert.deepEqual(measured, orders("a"));
    assert.throws(() => globalThis[layerName].push(order("b")), TypeError);
    globalThis[layerName] = [order("c")];
    advance();
    assert.deepEqual(measured, orders("a", "c"));
  });

  test("may have a push of its own before", () => {
    const layer = [];
    layer.push = function (...entries) {
      Array.prototype.push.apply(this, entries);
      return "own";
    };
    followLayer(layer);
    assert.equal(layer.push(order("a")), "own");
    assert.deepEqual(measured, orders("a"));
  });

  test("may get another push behind, which calls the earlier one or not", () => {
    followLayer([]);
    const layer = globalThis[layerName];
    const before = layer.push;
    layer.push = (...entries) => before.apply(layer, entries);
    layer.push(order("a"));
    assert.deepEqual(measured, orders("a"));
    layer.push = (...entries) => Array.prototype.push.apply(layer, entries);
    layer.push(order("b"));
    assert.deepEqual(measured, orders("a"));
    advance();
    assert.deepEqual(measured, orders("a", "b"));
  });

  test("measures what a push has added before it throws, and throws what it throws", () => {
    const layer = [];
    layer.push = (entry) => {
      layer[layer.length] = entry;
      throw new RangeError("other tool");
    };
    followLayer(layer);
    assert.throws(() => layer.push(order("a")), /other tool/);
    assert.deepEqual(measured, orders("a"));
  });

  test("keeps its push out of the page's loops", () => {
    followLayer([]);
    const names = [];
    for (const name in globalThis[layerName]) names.push(name);
    assert.deepEqual(names, []);
  });

  test("is read once more when the page is hidden or unloaded", () => {
    for (const event of ["pagehide", "beforeunload", "visibilitychange"]) {
      measured = [];
      followLayer(undefined);
      globalThis[layerName] = [order(event)];
      fire(event);
      assert.deepEqual(measured, orders(event));
    }
  });

  test("that is no array is not read", () => {
    for (const value of [
      "purchase",
      7,
      null,
      { 0: order("a"), length: 1 },
      () => {},
    ]) {
      followLayer(value);
      advance();
    }
    assert.deepEqual(measured, []);
  });

  test("whose property or items throw does no harm", () => {
    followLayer(undefined);
    Object.defineProperty(globalThis, layerName, {
      get: () => {
        throw new Error("no layer");
      },
      configurable: true,
    });
    advance();
    const layer = [order("a"), order("b")];
    Object.defineProperty(layer, 0, {
      get: () => {
        throw new Error("no entry");
      },
    });
    Object.defineProperty(globalThis, layerName, { value: layer });
    advance();
    assert.deepEqual(measured, orders("b"));
  });

  test("that is a proxy is read", () => {
    followLayer(new Proxy([order("a")], {}));
    globalThis[layerName].push(order("b"));
    advance();
    assert.deepEqual(measured, orders("a", "b"));
  });

  test("may be pushed to by the getter of an entry", () => {
    const layer = [];
    followLayer(layer);
    layer.push({
      get event() {
        if (layer.length < 3) layer.push(order("inner"));
        return "sign_up";
      },
    });
    assert.deepEqual(measured, [
      ["registration_completed", undefined],
      ...orders("inner"),
    ]);
  });

  test("of 100,000 entries is measured in slices", () => {
    let reads = 0;
    const layer = Array.from({ length: 100_000 }, (_, i) => ({
      get event() {
        reads += 1;
        return i % 100 ? "other" : "purchase";
      },
      transaction_id: i,
    }));
    // a clock that moves one millisecond with each look
    let now = 0;
    const clock = mock.method(performance, "now", () => (now += 1));
    followLayer(layer);
    let longest = reads;
    for (let before = reads; runTimer(time); before = reads)
      longest = Math.max(longest, reads - before);
    clock.mock.restore();
    assert.equal(reads, layer.length);
    assert.equal(measured.length, 1_000);
    assert.ok(longest < 100, `${longest} entries at once`);
    layer.push(order("last"));
    assert.equal(measured.length, 1_001);
  });

  test("that claims to be endless is read at its end", () => {
    const layer = [];
    layer.length = 4_000_000_000;
    layer[layer.length - 1] = order("a");
    followLayer(layer);
    advance(0);
    assert.deepEqual(measured, orders("a"));
  });

  test("does not stop at an event that the page's oaiq throws on", () => {
    followLayer([]);
    const measure = globalThis.oaiq;
    globalThis.oaiq = () => {
      throw new Error("replaced");
    };
    globalThis[layerName].push(order("a"));
    globalThis.oaiq = undefined;
    globalThis[layerName].push(order("b"));
    globalThis.oaiq = measure;
    globalThis[layerName].push(order("c"));
    assert.deepEqual(measured, orders("c"));
  });
});

describe("debug", () => {
  test("is told the layer's name once", () => {
    followLayer([]);
    globalThis[layerName] = [];
    advance();
    assert.deepEqual(notes, [`followed  ${layerName}\n`]);
  });

  test("is told of a layer that is still missing after five seconds", () => {
    followLayer(undefined);
    advance(4_000);
    assert.deepEqual(notes, []);
    advance(2_000);
    assert.deepEqual(notes, [`missing  ${layerName}\n`]);
  });

  test("is told each reason once for an event, with its first value", () => {
    const entry = (value) => ({ event: "add_to_cart", currency: "EUR", value });
    followLayer([entry("1.299"), entry("2.300"), { event: "x\ny" }]);
    assert.deepEqual(notes.slice(1), [
      "ambiguous value add_to_cart\n1.299",
      "unknown_event  x y\n",
    ]);
  });

  test("is told at most 50 reasons", () => {
    followLayer(Array.from({ length: 99 }, (_, i) => ({ event: `e${i}` })));
    assert.equal(notes.length, 50);
  });
});

for (const [value, name] of [
  ["", "dataLayer"],
  [true, "dataLayer"],
  ["true", "dataLayer"],
  [" otherLayer ", "otherLayer"],
])
  test(`the value ${JSON.stringify(value)} means the layer ${name}`, () => {
    globalThis[name] = [];
    const own = [];
    start(value, {}, (_, about) => own.push(about));
    assert.deepEqual(own, [`followed  ${name}\n`]);
  });
