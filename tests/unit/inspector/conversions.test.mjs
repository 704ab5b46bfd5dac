import assert from "node:assert/strict";
import { test } from "node:test";
import {
  conversionsOf,
  conversionWords,
  LOOK_ALIKE_MS,
  sidesOf,
} from "../../../www/inspector/model/conversions.js";
import { entry, newestFirst, NOW, serverEntry } from "./fixtures.mjs";

const words = (conversion) => {
  const { headline, why = [] } = conversionWords(conversion);
  return [headline, why.map((part) => part.code ?? part).join("")];
};

test("a purchase from browser and server with one id is one conversion with two halves", () => {
  const found = conversionsOf(
    newestFirst(
      entry({ event: { id: "A-1" } }),
      serverEntry({ event: { id: "A-1" }, verdict: "duplicate" }),
    ),
  );
  assert.equal(found.length, 1);
  assert.equal(sidesOf(found[0]), "both");
  assert.deepEqual(words(found[0]), [
    "1 conversion from browser and server: counted once",
    "",
  ]);
});

test("with different ids they are two, and it is said why", () => {
  const found = conversionsOf(
    newestFirst(
      entry({ event: { id: "A-1" } }),
      serverEntry({ event: { id: "order_A-1", timestamp_ms: NOW + 60_000 } }),
    ),
  );
  assert.equal(found.length, 2);
  for (const conversion of found)
    assert.deepEqual(words(conversion), [
      "Possibly one purchase counted twice: same amount, 1 minute apart",
      "The ids differ: A-1 in the browser, order_A-1 from the server, so OpenAI counts both. If it is one purchase, send the same id from both.",
    ]);
});

test("two purchases that only seem alike are not taken for one", () => {
  const apart = (...over) => {
    const found = conversionsOf(
      newestFirst(entry({ event: { id: "A" } }), ...over),
    );
    return found.every(({ lookAlike }) => lookAlike === undefined);
  };
  const later = NOW + LOOK_ALIKE_MS + 1;
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
    conversionsOf([
      serverEntry({ event: { id: "1", type: "page_viewed", data: {} } }),
      entry({ event: { id: "2", type: "page_viewed", data: {} } }),
    ]).every(({ lookAlike }) => lookAlike === undefined),
  );
});

test("different clicks or browsers are different people; the same ones are said to be the same", () => {
  const shared = (browser, server) => {
    const [found] = conversionsOf(
      newestFirst(
        entry({ ...browser, event: { id: "A" } }),
        serverEntry({
          event: { id: "B", timestamp_ms: NOW + 1500, ...server },
        }),
      ),
    );
    return found.lookAlike && found.shared;
  };
  const clicked = { oppref: "click-1" };
  assert.equal(shared(clicked, { oppref: "click-2" }), undefined);
  assert.deepEqual(shared(clicked, { oppref: "click-1" }), ["click ID"]);
  assert.deepEqual(shared(clicked, {}), []);
  assert.equal(shared({ obref: "b-1" }, { user: { obref: "b-2" } }), undefined);
  assert.deepEqual(shared({ obref: "b-1" }, { user: { obref: "b-1" } }), [
    "browser ID",
  ]);
  const hash = (digit) => digit.repeat(64);
  const user = { user: { in: { em: hash("a") } } };
  const both = { user: { emails_sha256: [hash("b"), hash("A")] } };
  assert.deepEqual(shared(user, both), ["e-mail address"]);
  assert.equal(shared(user, { user: { email_sha256: hash("c") } }), undefined);

  const [found] = conversionsOf(
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

test("an order with a generated id is said to count again with each load of its page", () => {
  const id = "1b4e28ba-2fa1-4d1e-883f-0016d3cca427";
  const [found] = conversionsOf([entry({ event: { id } })]);
  assert.match(words(found)[1], /generated this id.*counts again/);
  const [own] = conversionsOf([entry({ event: { id: "A" } })]);
  assert.equal(words(own)[1], "");
});

test("a custom event's own name counts in lowercase", () => {
  const event = (name) => ({
    id: "1",
    type: "custom",
    custom_event_name: name,
  });
  const found = conversionsOf([
    serverEntry({ event: event("Quiz") }),
    entry({ event: event("quiz") }),
  ]);
  assert.equal(found.length, 1);
});

test("each purchase is paired once, with the nearest in time", () => {
  const found = conversionsOf(
    newestFirst(
      entry({ event: { id: "A" } }),
      entry({ event: { id: "B", timestamp_ms: NOW + 100_000 } }),
      serverEntry({ event: { id: "b", timestamp_ms: NOW + 101_000 } }),
      serverEntry({ event: { id: "a", timestamp_ms: NOW + 1000 } }),
    ),
  );
  const pairsOf = (conversions) =>
    Object.fromEntries(
      conversions.map(({ id, lookAlike }) => [id, lookAlike?.id]),
    );
  assert.deepEqual(pairsOf(found), { a: "A", b: "B", A: "a", B: "b" });
  // a later order does not take away the counterpart of an earlier one
  const once = conversionsOf(
    newestFirst(
      entry({ event: { id: "A" } }),
      entry({ event: { id: "B", timestamp_ms: NOW + 60_000 } }),
      serverEntry({ event: { id: "a", timestamp_ms: NOW + 1000 } }),
    ),
  );
  assert.deepEqual(pairsOf(once), { a: "A", A: "a", B: undefined });
});

test("custom events are told apart by their own names; pixels, refusals and trials count apart", () => {
  const found = conversionsOf(
    newestFirst(
      entry({ event: { id: "1", type: "custom", custom_event_name: "quiz" } }),
      entry({ event: { id: "1", type: "custom", custom_event_name: "test" } }),
      serverEntry({
        event: { id: "1", type: "custom", custom_event_name: "quiz" },
      }),
      entry({ event: { id: "1" }, pixel: "OTHER" }),
      serverEntry({ event: { id: "1" }, verdict: "refused" }),
      serverEntry({ event: { id: "1" }, verdict: "valid" }),
      entry({ event: null, verdict: "refused" }),
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

test("halves whose amounts differ are said to", () => {
  const [found] = conversionsOf([
    serverEntry({ event: { id: "1", data: { amount: 25, currency: "USD" } } }),
    entry({ event: { id: "1" } }),
  ]);
  assert.match(
    words(found)[1],
    /25\.99 in the browser, \$0\.25 from the server/,
  );
});
