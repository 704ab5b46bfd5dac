// The functions of oaiq/helpers (www/helpers/entry.js), in pages that this process plays.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import {
  eventId,
  ids,
  minorUnits,
  withIds,
} from "../../../www/helpers/entry.js";

const OBREF = "4e5e4050-f8cb-416c-9078-534b39100342";
const COOKIES = `a=1; __obref=${OBREF}; __oppref=click%2F1`;
const BOTH = { oppref: "click/1", obref: OBREF };
const PAGE_GLOBALS = ["window", "document", "location", "localStorage"];

/**
 * Makes this process a page until the test ends, and counts its accesses to what is stored.
 *
 * @param {{ oaiq?: unknown, cookies?: string, stored?: string, query?: string }} page
 */
const openPage = ({ oaiq, cookies = COOKIES, stored, query = "" }) => {
  const accesses = { count: 0 };
  const page = {
    window: globalThis,
    document: {
      get cookie() {
        accesses.count += 1;
        return cookies;
      },
    },
    location: { search: query },
    localStorage: {
      getItem: (key) => {
        accesses.count += 1;
        return key === "oaiq_consent" ? (stored ?? null) : null;
      },
    },
    oaiq,
  };
  for (const [name, value] of Object.entries(page))
    Object.defineProperty(globalThis, name, { value, configurable: true });
  return accesses;
};

afterEach(() => {
  for (const name of [...PAGE_GLOBALS, "oaiq"]) delete globalThis[name];
});

describe("minorUnits", () => {
  test("is exact", () => {
    for (const [amount, currency, minor] of [
      ["129.99", "USD", 12999],
      [8.7, "EUR", 870],
      [500, "JPY", 500],
      ["12.345", "kwd", 12345],
    ])
      assert.equal(minorUnits(amount, currency), minor);
  });

  test("returns undefined for what is no amount or no currency", () => {
    for (const [amount, currency] of [
      ["1.299", "EUR"],
      [1.299, "EUR"],
      ["", "USD"],
      [NaN, "USD"],
      [null, "USD"],
      [undefined, undefined],
      [5, "$"],
      [5, null],
      [5, { toString: () => "USD" }],
      [Symbol("5"), Symbol("USD")],
    ])
      assert.equal(minorUnits(amount, currency), undefined);
  });
});

describe("eventId", () => {
  const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/;

  test("is a v4 UUID, another one each time", () => {
    const made = new Set(Array.from({ length: 1_000 }, eventId));
    assert.equal(made.size, 1_000);
    for (const id of made) assert.match(id, UUID);
  });

  test("is one also without crypto and where Math.random throws", (t) => {
    t.mock.method(Math, "random", () => {
      throw new Error("broken");
    });
    t.mock.method(crypto, "getRandomValues", (bytes) => bytes.fill(7));
    assert.match(eventId(), UUID);
    t.mock.method(crypto, "getRandomValues", () => {
      throw new Error("broken");
    });
    assert.match(eventId(), UUID);
  });
});

describe("ids", () => {
  test("are those of the pixel's cookies once it has loaded", () => {
    openPage({ oaiq: { loaded: true, config: {} } });
    assert.deepEqual(ids(), BOTH);
  });

  test("prefer the click ID of the page's URL", () => {
    const oaiq = { loaded: true };
    openPage({ oaiq, query: "?x=1&oppref=new%20click" });
    assert.deepEqual(ids(), { oppref: "new click", obref: OBREF });
    openPage({ oaiq, query: "?oppref=" });
    assert.deepEqual(ids(), BOTH);
  });

  test("are read from the cookie that was created last", () => {
    openPage({
      oaiq: { loaded: true },
      cookies: `__oppref=old; x__oppref=other; ${COOKIES}`,
    });
    assert.deepEqual(ids(), BOTH);
  });

  test("leave out a browser ID that the pixel would replace", () => {
    for (const obref of [
      "",
      "x",
      OBREF.toUpperCase(),
      OBREF.replace("-4", "-1"),
    ]) {
      openPage({ oaiq: { loaded: true }, cookies: `__obref=${obref}` });
      assert.deepEqual(ids(), {});
    }
  });

  test("keep a cookie that cannot be decoded as it is", () => {
    openPage({ oaiq: { loaded: true }, cookies: "__oppref=%E0%A4%A" });
    assert.deepEqual(ids(), { oppref: "%E0%A4%A" });
  });

  for (const [what, oaiq] of Object.entries({
    "no pixel": undefined,
    "a pixel that has not loaded": { q: [], config: {} },
    "a pixel that is off": { loaded: true, config: { off: true } },
    "a pixel that has not decided yet": { loaded: true, __consent: () => {} },
    "consent that is pending": {
      loaded: true,
      consentState: { state: "pending", source: "tcf" },
    },
    "consent that is denied": {
      loaded: true,
      __consent: () => {},
      consentState: { state: "denied", source: "call" },
    },
  }))
    test(`are none, and nothing is read, with ${what}`, () => {
      const accesses = openPage({ oaiq, stored: "true" });
      assert.deepEqual(ids(), {});
      assert.deepEqual(withIds({ method: "POST" }).method, "POST");
      assert.equal(accesses.count, 0);
    });

  test("are those of the cookies once consent is granted", () => {
    openPage({
      oaiq: {
        loaded: true,
        __consent: () => {},
        consentState: { state: "granted", source: "call" },
      },
    });
    assert.deepEqual(ids(), BOTH);
  });

  test("are none after a stored denial, in either place", () => {
    const oaiq = { loaded: true };
    openPage({ oaiq, stored: "false" });
    assert.deepEqual(ids(), {});
    openPage({ oaiq, cookies: `__oaiq_consent=false; ${COOKIES}` });
    assert.deepEqual(ids(), {});
  });

  test("are none on a server", () => {
    assert.deepEqual(ids(), {});
    assert.deepEqual(withIds({ method: "POST" }).method, "POST");
  });

  test("are none where the page throws", () => {
    openPage({
      get oaiq() {
        return new Proxy({}, { get: () => assert.fail("trap") });
      },
    });
    assert.deepEqual(ids(), {});
  });
});

describe("withIds", () => {
  const headersOf = (init) =>
    Object.fromEntries(/** @type {Headers} */ (withIds(init).headers));

  test("adds both headers to those that are there, in each of their forms", () => {
    openPage({ oaiq: { loaded: true } });
    const expected = {
      accept: "text/html",
      "x-oaiq-oppref": "click%2F1",
      "x-oaiq-obref": OBREF,
    };
    for (const headers of [
      { Accept: "text/html" },
      [["accept", "text/html"]],
      new Headers({ accept: "text/html" }),
    ])
      assert.deepEqual(headersOf({ headers }), expected);
  });

  test("returns a copy with the other options, and changes nothing of the page's", () => {
    openPage({ oaiq: { loaded: true } });
    const headers = new Headers();
    const init = { method: "POST", body: "x", headers };
    const { method, body } = withIds(init);
    assert.deepEqual([method, body], ["POST", "x"]);
    assert.deepEqual([...headers], []);
    assert.equal(init.headers, headers);
    assert.deepEqual(headersOf(undefined), headersOf({}));
  });

  test("keeps headers that the site has set itself", () => {
    openPage({ oaiq: { loaded: true } });
    const headers = { "X-Oaiq-Oppref": "own" };
    assert.equal(headersOf({ headers })["x-oaiq-oppref"], "own");
  });

  test("encodes a click ID that no header can carry", () => {
    openPage({ oaiq: { loaded: true }, query: "?oppref=%E2%82%AC%0D%0Ax" });
    assert.equal(headersOf({})["x-oaiq-oppref"], "%E2%82%AC%0D%0Ax");
  });

  test("returns what it has got where headers are invalid", () => {
    openPage({ oaiq: { loaded: true } });
    const init = { headers: { "not a name": "x" } };
    assert.equal(withIds(init), init);
    assert.deepEqual(withIds(null), withIds());
  });
});
