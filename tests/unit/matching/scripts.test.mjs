// What is read in the objects of other scripts (www/matching/scripts.js, www/matching/data-layer.js).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import "./fixtures.mjs";

const { layerNameIn, readEntry, readLayer, readObject, readTools } =
  await import("../../../www/matching/scripts.js");
const { createFollower } = await import("../../../www/matching/data-layer.js");

const texts = (read, ...given) => {
  const found = [];
  read(...given, (kinds, text, name) => found.push(`${name}=${text}`));
  return found;
};

describe("an object", () => {
  test("gives the texts that its names call an email address or a phone number", () => {
    assert.deepEqual(
      texts(readObject, {
        email: "a",
        customerEmail: "b",
        $email: "c",
        phone_number: "d",
        first_name: "e",
        city: "f",
        emails: "g",
        email_sha256: "h",
      }),
      [
        "email=a",
        "customerEmail=b",
        "$email=c",
        "phone_number=d",
        "email_sha256=h",
      ],
    );
  });

  test("is read level by level, without arrays", () => {
    assert.deepEqual(
      texts(readObject, {
        user: { email: "a", deeper: { email: "b" } },
        list: [{ email: "c" }],
        email: "d",
        other: { email: "e" },
      }),
      ["email=d", "email=a", "email=e", "email=b"],
    );
    assert.deepEqual(texts(readObject, ["email", "a"]), []);
    assert.deepEqual(texts(readObject, "email"), []);
  });

  test("gives nothing under names of others, products or secrets", () => {
    assert.deepEqual(
      texts(readObject, {
        friend: { email: "a" },
        product: { email: "b" },
        products: { email: "c" },
        seller_email: "d",
        email_password: "e",
        productionEmail: "f",
      }),
      ["productionEmail=f"],
    );
  });

  test("gives nothing if its role is another person's", () => {
    for (const role of ["Seller", "product", "referrers"])
      assert.deepEqual(texts(readObject, { role, email: "a" }), []);
    assert.deepEqual(texts(readObject, { role: "buyer", email: "a" }), [
      "email=a",
    ]);
    assert.deepEqual(
      texts(readObject, { it: { role: "sku", email: "a" } }),
      [],
    );
  });

  test("is read up to its hundredth property", () => {
    const many = Object.fromEntries(
      Array.from({ length: 99 }, (_, i) => [`x${i}`, i]),
    );
    assert.deepEqual(texts(readObject, { ...many, email: "a" }), ["email=a"]);
    assert.deepEqual(texts(readObject, { ...many, x: 0, email: "a" }), []);
    assert.deepEqual(texts(readObject, { ...many, user: { email: "a" } }), []);
  });

  test("may be cyclic", () => {
    const cyclic = { email: "a" };
    cyclic.self = cyclic;
    const found = texts(readObject, cyclic);
    assert.equal(found.length, 50);
  });

  test("has its getters left alone", () => {
    const fail = () => assert.fail("a getter was called");
    assert.deepEqual(
      texts(readObject, {
        get email() {
          return fail();
        },
        get user() {
          return fail();
        },
        get role() {
          return fail();
        },
        phone: "a",
      }),
      ["phone=a"],
    );
    assert.deepEqual(texts(readObject, Object.create({ email: "a" })), []);
  });

  test("may be a proxy that throws", () => {
    const throws = () => {
      throw new Error("no");
    };
    for (const trap of [
      "ownKeys",
      "getOwnPropertyDescriptor",
      "get",
      "getPrototypeOf",
    ])
      assert.doesNotThrow(() =>
        texts(readObject, {
          user: new Proxy({ email: "a" }, { [trap]: throws }),
        }),
      );
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    assert.doesNotThrow(() => texts(readObject, { user: proxy }));
    assert.doesNotThrow(() => texts(readLayer, proxy));
  });
});

describe("an entry of a data layer", () => {
  test("counts without an event, or with the name of one", () => {
    for (const event of ["login", "x".repeat(256)])
      assert.deepEqual(texts(readEntry, { event, email: "a" }), ["email=a"]);
    for (const event of ["", "x".repeat(257), 5, null, undefined, {}])
      assert.deepEqual(texts(readEntry, { event, email: "a" }), []);
    assert.deepEqual(texts(readEntry, { email: "a" }), ["email=a"]);
  });

  test("may be the arguments of gtag", () => {
    const args = (function () {
      return arguments;
    })("set", "user_data", { email: "a" });
    assert.deepEqual(texts(readEntry, args), ["email=a"]);
  });

  test("may be anything", () => {
    for (const entry of [null, undefined, 5, "email", Symbol("x"), () => {}])
      assert.deepEqual(texts(readEntry, entry), []);
  });
});

test("a data layer is read from its last entry to the hundredth last", () => {
  const layer = Array.from({ length: 150 }, (_, i) => ({ email: `${i}` }));
  const found = texts(readLayer, layer);
  assert.equal(found.length, 100);
  assert.deepEqual([found[0], found[99]], ["email=149", "email=50"]);
  assert.deepEqual(texts(readLayer, { length: 1, 0: { email: "a" } }), []);
});

describe("the tools of a page", () => {
  test("are Shopify's checkout, Klaviyo's queue and the traits of analytics", () => {
    assert.deepEqual(
      texts(readTools, {
        Shopify: { checkout: { email: "a", phone: null } },
        _learnq: [
          ["identify", { $email: "b" }],
          ["track", "x", { email: "no" }],
          ["identify", { $email: "c" }],
        ],
        klaviyo: { length: 1 },
        analytics: { user: () => ({ traits: () => ({ email: "d" }) }) },
      }),
      ["email=a", "$email=c", "$email=b", "email=d"],
    );
  });

  test("may have their traits as an object, and their methods in a class", () => {
    class User {
      traits = { email: "a" };
    }
    class Analytics {
      user() {
        return new User();
      }
    }
    assert.deepEqual(texts(readTools, { analytics: new Analytics() }), [
      "email=a",
    ]);
  });

  test("are those of the last hundred globals that identify and track", () => {
    const [identify, track] = [() => {}, () => {}];
    assert.deepEqual(
      texts(readTools, {
        first: { identify, track, getUserTraits: () => ({ email: "no" }) },
        ...Object.fromEntries(
          Array.from({ length: 98 }, (_, i) => [`x${i}`, i]),
        ),
        one: { identify, track, getUserTraits: () => ({ email: "a" }) },
        two: Object.assign(() => {}, {
          identify,
          track,
          user: () => ({ traits: { email: "b" } }),
        }),
      }),
      ["email=a", "email=b"],
    );
    assert.deepEqual(
      texts(readTools, {
        one: { identify, getUserTraits: () => ({ email: "a" }) },
      }),
      [],
    );
  });

  test("may throw, and answer with anything", () => {
    const fail = () => {
      throw new Error("no");
    };
    for (const answer of [null, 5, "x", fail, () => fail, { traits: fail }, []])
      assert.deepEqual(
        texts(readTools, {
          Shopify: answer,
          _learnq: [answer, ["identify", answer], ["identify"]],
          analytics: { user: () => answer },
          tool: { identify: fail, track: fail, getUserTraits: answer },
        }),
        [],
      );
  });

  test("have their getters left alone", () => {
    const fail = () => assert.fail("a getter was called");
    assert.deepEqual(
      texts(
        readTools,
        Object.defineProperties(
          {},
          {
            Shopify: { get: fail, enumerable: true },
            analytics: { get: fail, enumerable: true },
            tool: {
              value: {
                get identify() {
                  return fail();
                },
              },
              enumerable: true,
            },
          },
        ),
      ),
      [],
    );
  });
});

test("the address of Google Tag Manager names its data layer", () => {
  const at = "https://www.googletagmanager.com/gtm.js";
  assert.equal(layerNameIn(`${at}?id=GTM-1&l=layer2`), "layer2");
  assert.equal(layerNameIn(`${at}?l=layer2&id=GTM-1#x`), "layer2");
  assert.equal(layerNameIn(`${at}?id=GTM-1`), "");
  assert.equal(layerNameIn(`${at}?id=GTM-1&url=x`), "");
});

describe("a followed data layer", () => {
  const start = (layer) => {
    const entries = [];
    const follow = createFollower((entry) => entries.push(entry));
    follow(layer);
    return { follow, entries };
  };

  test("tells what is pushed, and pushes as before", () => {
    const layer = ["a"];
    const { entries } = start(layer);
    assert.equal(layer.push("b", "c"), 3);
    assert.deepEqual(layer, ["a", "b", "c"]);
    assert.deepEqual(entries, ["b", "c"]);
    assert.deepEqual(Object.keys(layer), ["0", "1", "2"]);
  });

  test("gets its inherited push back", () => {
    const layer = [];
    const { follow } = start(layer);
    follow();
    assert.equal(Object.hasOwn(layer, "push"), false);
    assert.equal(layer.push, Array.prototype.push);
  });

  test("gets its own push back, with its attributes", () => {
    const layer = [];
    const calls = [];
    layer.push = (...given) => calls.push(given);
    const before = Object.getOwnPropertyDescriptor(layer, "push");
    const { follow, entries } = start(layer);
    assert.equal(layer.push("a"), 1);
    assert.deepEqual([calls, entries], [[["a"]], ["a"]]);
    follow();
    assert.deepEqual(Object.getOwnPropertyDescriptor(layer, "push"), before);
  });

  test("keeps the push of a tool that wraps it later, and tells each entry once", () => {
    const layer = [];
    const { follow, entries } = start(layer);
    const wrapped = layer.push;
    const push = (...given) => wrapped.apply(layer, given);
    layer.push = push;
    follow();
    assert.equal(layer.push, push);
    layer.push("a");
    follow(layer);
    layer.push("b");
    assert.deepEqual([[...layer], entries], [["a", "b"], ["b"]]);
    follow();
    assert.equal(layer.push, push);
  });

  test("is replaced by another one", () => {
    const [first, second] = [[], []];
    const { follow, entries } = start(first);
    follow(second);
    first.push("a");
    second.push("b");
    assert.deepEqual(entries, ["b"]);
    assert.equal(Object.hasOwn(first, "push"), false);
  });

  test("throws only what the page throws", () => {
    const layer = [];
    const error = new Error("page");
    layer.push = () => {
      throw error;
    };
    const follow = createFollower(() => {
      throw new Error("ours");
    });
    follow(layer);
    assert.throws(() => layer.push("a"), error);
    follow();
    delete layer.push;
    follow(layer);
    assert.equal(layer.push("a"), 1);
  });

  test("may be frozen, sealed, a proxy, or no array", () => {
    for (const layer of [
      Object.freeze([]),
      Object.seal([]),
      new Proxy([], { defineProperty: () => false }),
      Object.assign([], { push: 5 }),
      {},
      null,
      undefined,
      "x",
    ]) {
      const before = layer && Object.getOwnPropertyDescriptor(layer, "push");
      const follow = createFollower(() => {});
      assert.doesNotThrow(() => follow(layer));
      assert.doesNotThrow(() => follow());
      assert.deepEqual(
        layer && Object.getOwnPropertyDescriptor(layer, "push"),
        before,
      );
    }
  });
});
