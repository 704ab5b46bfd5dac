/** @import { Conversion, EventRecord } from "../../../www/inspector/model/types.d.ts" */
/** @import { RecordFields } from "./fixtures.mjs" */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  groupConversions,
  describeConversion,
  PROBABLE_DUPLICATE_MS,
  sourcesOf,
} from "../../../www/inspector/model/conversions.js";
import {
  entry,
  newestFirst,
  NOW,
  serverEntry,
  unreadableEntry,
} from "./fixtures.mjs";

/** @param {Conversion} conversion */
const words = (conversion) => {
  const { headline, why = [] } = describeConversion(conversion);
  return [
    headline,
    why.map((part) => (typeof part === "string" ? part : part.code)).join(""),
  ];
};

test("a purchase from browser and server with one ID is one conversion", () => {
  const found = groupConversions(
    newestFirst(
      entry({ event: { id: "A-1" } }),
      serverEntry({ event: { id: "A-1" }, verdict: "duplicate" }),
    ),
  );
  assert.equal(found.length, 1);
  assert.equal(sourcesOf(found[0]), "both");
  assert.deepEqual(words(found[0]), [
    "1 conversion from browser and server: counted once",
    "",
  ]);
});

test("a purchase with different IDs is two conversions and says why", () => {
  const found = groupConversions(
    newestFirst(
      entry({ event: { id: "A-1" } }),
      serverEntry({ event: { id: "order_A-1", timestamp_ms: NOW + 60_000 } }),
    ),
  );
  assert.equal(found.length, 2);
  for (const conversion of found)
    assert.deepEqual(words(conversion), [
      "Possibly one purchase counted twice: same amount, 1 minute apart",
      "The IDs differ: A-1 in the browser, order_A-1 from the server, so OpenAI counts both. If this is one purchase, send the same ID from both.",
    ]);
});

test("purchases that differ in time, pixel, event or amount are not probable duplicates", () => {
  /** @param {...EventRecord} others */
  const apart = (...others) => {
    const found = groupConversions(
      newestFirst(entry({ event: { id: "A" } }), ...others),
    );
    return found.every(
      ({ probableDuplicate }) => probableDuplicate === undefined,
    );
  };
  const later = NOW + PROBABLE_DUPLICATE_MS + 1;
  assert.ok(apart(serverEntry({ event: { id: "B", timestamp_ms: later } })));
  assert.ok(apart(serverEntry({ event: { id: "B" }, pixel: "OTHER" })));
  assert.ok(apart(serverEntry({ event: { id: "B", type: "lead_created" } })));
  assert.ok(
    apart(
      serverEntry({ event: { id: "B", data: { amount: 1, currency: "USD" } } }),
    ),
  );
  assert.ok(
    apart(
      serverEntry({
        event: { id: "B", data: { amount: 2599, currency: "EUR" } },
      }),
    ),
  );
  // another purchase in the browser is another purchase
  assert.ok(apart(entry({ event: { id: "B" } })));
  // page views have no amount, and all look alike
  assert.ok(
    groupConversions([
      serverEntry({ event: { id: "1", type: "page_viewed", data: {} } }),
      entry({ event: { id: "2", type: "page_viewed", data: {} } }),
    ]).every(({ probableDuplicate }) => probableDuplicate === undefined),
  );
});

test("a probable duplicate has no different visitor and says what is the same", () => {
  /**
   * @param {RecordFields} browser
   * @param {Record<string, unknown>} server
   */
  const shared = (browser, server) => {
    const [found] = groupConversions(
      newestFirst(
        entry({ ...browser, event: { id: "A" } }),
        serverEntry({
          event: { id: "B", timestamp_ms: NOW + 1500, ...server },
        }),
      ),
    );
    return found.probableDuplicate && found.shared;
  };
  const clicked = { oppref: "click-1" };
  assert.equal(shared(clicked, { oppref: "click-2" }), undefined);
  assert.deepEqual(shared(clicked, { oppref: "click-1" }), ["click ID"]);
  assert.deepEqual(shared(clicked, {}), []);
  assert.equal(shared({ obref: "b-1" }, { user: { obref: "b-2" } }), undefined);
  assert.deepEqual(shared({ obref: "b-1" }, { user: { obref: "b-1" } }), [
    "browser ID",
  ]);
  const hash = (/** @type {string} */ digit) => digit.repeat(64);
  const user = { user: { in: { em: hash("a") } } };
  const both = { user: { emails_sha256: [hash("b"), hash("A")] } };
  assert.deepEqual(shared(user, both), ["e-mail address"]);
  assert.equal(shared(user, { user: { email_sha256: hash("c") } }), undefined);
  const read = { user: { fm: { em: [hash("c"), hash("a")] } } };
  assert.deepEqual(shared(read, both), ["e-mail address"]);

  const [found] = groupConversions(
    newestFirst(
      entry({ ...clicked, event: { id: "A" } }),
      serverEntry({
        event: { id: "B", timestamp_ms: NOW + 1500, oppref: "click-1" },
      }),
    ),
  );
  assert.equal(
    words(found)[0],
    "Possibly one purchase counted twice: same amount and click ID, 1.5 seconds apart",
  );
});

test("an order with a generated ID says that a reload counts again", () => {
  const id = "1b4e28ba-2fa1-4d1e-883f-0016d3cca427";
  const [found] = groupConversions([entry({ event: { id } })]);
  assert.match(words(found)[1], /generated this ID.*counts again/);
  const [own] = groupConversions([entry({ event: { id: "A" } })]);
  assert.equal(words(own)[1], "");
});

test("the own name of a custom event counts in lowercase", () => {
  const event = (/** @type {string} */ name) => ({
    id: "1",
    type: "custom",
    custom_event_name: name,
  });
  const found = groupConversions([
    serverEntry({ event: event("Quiz") }),
    entry({ event: event("quiz") }),
  ]);
  assert.equal(found.length, 1);
});

test("each purchase is paired once with the nearest in time", () => {
  const found = groupConversions(
    newestFirst(
      entry({ event: { id: "A" } }),
      entry({ event: { id: "B", timestamp_ms: NOW + 100_000 } }),
      serverEntry({ event: { id: "b", timestamp_ms: NOW + 101_000 } }),
      serverEntry({ event: { id: "a", timestamp_ms: NOW + 1000 } }),
    ),
  );
  /** @param {Conversion[]} conversions */
  const pairsOf = (conversions) =>
    Object.fromEntries(
      conversions.map(({ id, probableDuplicate }) => [
        id,
        probableDuplicate?.id,
      ]),
    );
  assert.deepEqual(pairsOf(found), { a: "A", b: "B", A: "a", B: "b" });
  // a later order does not take away the counterpart of an earlier one
  const once = groupConversions(
    newestFirst(
      entry({ event: { id: "A" } }),
      entry({ event: { id: "B", timestamp_ms: NOW + 60_000 } }),
      serverEntry({ event: { id: "a", timestamp_ms: NOW + 1000 } }),
    ),
  );
  assert.deepEqual(pairsOf(once), { a: "A", A: "a", B: undefined });
});

test("custom names and pixels separate conversions, rejected and test events belong to none", () => {
  const found = groupConversions(
    newestFirst(
      entry({ event: { id: "1", type: "custom", custom_event_name: "quiz" } }),
      entry({ event: { id: "1", type: "custom", custom_event_name: "test" } }),
      serverEntry({
        event: { id: "1", type: "custom", custom_event_name: "quiz" },
      }),
      entry({ event: { id: "1" }, pixel: "OTHER" }),
      serverEntry({ event: { id: "1" }, verdict: "refused" }),
      serverEntry({ event: { id: "1" }, verdict: "valid" }),
      unreadableEntry({ verdict: "refused" }),
    ),
  );
  assert.deepEqual(
    found.map(({ name, pixel, browser, server }) => [
      name,
      pixel,
      browser.length,
      server.length,
    ]),
    [
      ["order_created", "OTHER", 1, 0],
      ["test", "PIXEL-ONE", 1, 0],
      ["quiz", "PIXEL-ONE", 1, 1],
    ],
  );
});

test("a conversion whose amounts differ says so", () => {
  const [found] = groupConversions([
    serverEntry({ event: { id: "1", data: { amount: 25, currency: "USD" } } }),
    entry({ event: { id: "1" } }),
  ]);
  assert.match(
    words(found)[1],
    /25\.99 in the browser, \$0\.25 from the server/,
  );
});
