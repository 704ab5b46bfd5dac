/** @import { EventRecord } from "../../../www/inspector/model/types.d.ts" */
/** @import { RecordFields } from "./fixtures.mjs" */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  debugUrl,
  rejectionPages,
} from "../../../www/inspector/model/rejection-page.js";
import {
  explainRejections,
  describeRejection,
} from "../../../www/inspector/model/rejections.js";
import { diagnosticEntry, entry, newestFirst, NOW } from "./fixtures.mjs";

/** @param {RecordFields} [fields] */
const withRejection = (fields) =>
  diagnosticEntry(
    { dropped_event_count: 1 },
    { stripped: false, obref: "b-1", ...fields },
  );

/**
 * @param {EventRecord} one
 * @param {...EventRecord} others
 */
const pageOf = (one, ...others) =>
  rejectionPages(newestFirst(one, ...others)).get(one);

test("the page of a rejected call is that of the events in the same request", () => {
  const one = withRejection({ referer: "https://shop.example.test/other" });
  const mate = entry({ batch: one.batch });
  assert.deepEqual(pageOf(one, mate), {
    url: "https://shop.example.test/thanks",
    isCertain: true,
  });
});

test("without events the page is the Referer without its query, unless that is only an origin", () => {
  assert.deepEqual(
    pageOf(
      withRejection({ referer: "https://shop.example.test/cart?token=1#a" }),
    ),
    { url: "https://shop.example.test/cart", isCertain: true },
  );
  assert.equal(
    pageOf(withRejection({ referer: "https://shop.example.test/" })),
    undefined,
  );
  assert.equal(pageOf(withRejection({ referer: "no address" })), undefined);
});

test("without a Referer the page is probably that of the browser's previous event", () => {
  const one = withRejection();
  /**
   * @param {string} page
   * @param {number} seconds
   * @param {string} obref
   */
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
    { url: "https://shop.example.test/last", isCertain: false },
  );
});

test("the page is unknown where one request has two pages", () => {
  const one = withRejection({ obref: undefined });
  const mates = ["a", "b"].map((page) =>
    entry({
      batch: one.batch,
      event: { source_url: `https://shop.example.test/${page}` },
    }),
  );
  assert.equal(pageOf(one, ...mates), undefined);
});

test("only diagnostics with rejected calls have a page", () => {
  const pages = rejectionPages(newestFirst(diagnosticEntry({}), entry()));
  assert.equal(pages.size, 0);
});

test("the debug URL of a page turns debug logging on", () => {
  assert.equal(
    debugUrl("https://shop.example.test/cart"),
    "https://shop.example.test/cart?oaiq_debug=1",
  );
});

/** @param {Record<string, unknown>} data */
const sentences = (data) => explainRejections(data).map(describeRejection);

test("a rejected call is described in a sentence", () => {
  const detail = {
    reason: "invalid_event_props",
    code: "invalid_amount",
    field: "data.amount",
  };
  const data = (/** @type {number} */ count) => ({
    dropped_event_count: count,
    dropped_event_reason_counts: { invalid_event_props: count },
    dropped_event_name_counts: { order_created: count },
    dropped_event_details: [{ ...detail, count }],
  });
  const why =
    "data.amount must be a whole number in the currency's minor unit: for example 2599 for USD 25.99";
  assert.deepEqual(sentences(data(1)), [
    `1 call of order_created was rejected: ${why}`,
  ]);
  assert.deepEqual(sentences(data(2)), [
    `2 calls of order_created were rejected: ${why}`,
  ]);
});

test("an unknown event name says how to see it", () => {
  const data = (/** @type {number} */ count) => ({
    dropped_event_count: count,
    dropped_event_reason_counts: { unsupported_event_name: count },
    dropped_event_name_counts: { unknown: count },
  });
  assert.deepEqual(sentences(data(1)), [
    "1 call with an unknown event name was rejected. Add ?oaiq_debug=1 to the page's URL to see the name",
  ]);
  assert.deepEqual(sentences(data(3)), [
    "3 calls with an unknown event name were rejected. Add ?oaiq_debug=1 to the page's URL to see the name",
  ]);
});
