import assert from "node:assert/strict";
import { test } from "node:test";
import {
  debugAddress,
  refusalPages,
} from "../../../www/inspector/model/rejection-page.js";
import {
  explainRefusals,
  refusalSentence,
} from "../../../www/inspector/model/rejections.js";
import { diagnostic, entry, newestFirst, NOW } from "./fixtures.mjs";

const refused = (over) =>
  diagnostic(
    { dropped_event_count: 1 },
    { stripped: false, obref: "b-1", ...over },
  );

const pageOf = (one, ...others) =>
  refusalPages(newestFirst(one, ...others)).get(one);

test("the page of a refused call is that of the events that came in the same request", () => {
  const one = refused({ referer: "https://shop.example.test/other" });
  const mate = entry({ batch: one.batch });
  assert.deepEqual(pageOf(one, mate), {
    url: "https://shop.example.test/thanks",
    sure: true,
  });
});

test("else it is the Referer's, without its query; an origin alone names no page", () => {
  assert.deepEqual(
    pageOf(refused({ referer: "https://shop.example.test/cart?token=1#a" })),
    { url: "https://shop.example.test/cart", sure: true },
  );
  assert.equal(
    pageOf(refused({ referer: "https://shop.example.test/" })),
    undefined,
  );
  assert.equal(pageOf(refused({ referer: "no address" })), undefined);
});

test("else it is probably where the browser was last", () => {
  const one = refused();
  const on = (page, seconds, obref) =>
    entry({
      obref,
      event: {
        source_url: `https://shop.example.test/${page}`,
        timestamp_ms: NOW + seconds * 1000,
      },
    });
  assert.deepEqual(
    pageOf(
      one,
      on("first", -9, "b-1"),
      on("last", -1, "b-1"),
      on("later", 5, "b-1"),
      on("strange", 0, "b-2"),
    ),
    { url: "https://shop.example.test/last", sure: false },
  );
});

test("two pages in one request leave it open which one it was", () => {
  const one = refused({ obref: undefined });
  const mates = ["a", "b"].map((page) =>
    entry({
      batch: one.batch,
      event: { source_url: `https://shop.example.test/${page}` },
    }),
  );
  assert.equal(pageOf(one, ...mates), undefined);
});

test("only diagnostics with refused calls get a page, and its address turns the debug mode on", () => {
  const pages = refusalPages(newestFirst(diagnostic({}), entry()));
  assert.equal(pages.size, 0);
  assert.equal(
    debugAddress("https://shop.example.test/cart"),
    "https://shop.example.test/cart?oaiq_debug=1",
  );
});

const sentences = (data) => explainRefusals(data).map(refusalSentence);

test("a refused call is told in a whole sentence", () => {
  const detail = {
    reason: "invalid_event_props",
    code: "invalid_amount",
    field: "data.amount",
  };
  const data = (count) => ({
    dropped_event_count: count,
    dropped_event_reason_counts: { invalid_event_props: count },
    dropped_event_name_counts: { order_created: count },
    dropped_event_details: [{ ...detail, count }],
  });
  const why =
    "amount must be an integer in the currency's smallest unit: 2599 for 25.99";
  assert.deepEqual(sentences(data(1)), [
    `1 call of order_created was refused: ${why}`,
  ]);
  assert.deepEqual(sentences(data(2)), [
    `2 calls of order_created were refused: ${why}`,
  ]);
});

test("of an event with an unknown name it is said how to see the name", () => {
  const data = (count) => ({
    dropped_event_count: count,
    dropped_event_reason_counts: { unsupported_event_name: count },
    dropped_event_name_counts: { unknown: count },
  });
  assert.deepEqual(sentences(data(1)), [
    "An event with an unknown name was not measured; add ?oaiq_debug=1 to see which",
  ]);
  assert.deepEqual(sentences(data(3)), [
    "3 events with an unknown name were not measured; add ?oaiq_debug=1 to see which",
  ]);
});
