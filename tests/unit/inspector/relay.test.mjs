import assert from "node:assert/strict";
import { test } from "node:test";
import { groupConversions } from "../../../www/inspector/model/conversions.js";
import { relayed, sendersOf } from "../../../www/inspector/model/relay.js";

/**
 * @param {string | undefined} relay
 * @param {object} [user]
 * @returns {import("../../../www/inspector/model/types.d.ts").EventRecord}
 */
const entry = (relay, user = {}) => ({
  seq: 1,
  batch: 1,
  received_ms: 1_790_000_000_000,
  transport: "server",
  pixel: "p",
  integration_source: "oaiq-relay",
  verdict: "counted",
  ...(relay === undefined ? {} : { relay }),
  event: {
    type: "order_created",
    id: "o-1",
    timestamp_ms: 1_790_000_000_000,
    data: { type: "contents" },
    user,
  },
});

test("an event of a page that a relay has forwarded came from the page", () => {
  const user = { ip_address: "203.0.113.7", user_agent: "Mozilla/5.0" };
  assert.deepEqual(relayed(entry("browser", user)), {
    way: "from the page, through the relay",
    added: ["the visitor's address", "the user agent"],
  });
  assert.deepEqual(sendersOf(entry("browser")), ["browser"]);
});

test("a joined click is named with what has led to it", () => {
  assert.deepEqual(relayed(entry("backend+event_id"))?.added, [
    "the click, found by the same event ID",
  ]);
  assert.deepEqual(sendersOf(entry("backend+email")), ["server"]);
});

test("merged halves are one conversion of page and server", () => {
  const [conversion] = groupConversions([entry("both")]);
  assert.equal(conversion.browser.length, 1);
  assert.equal(conversion.server.length, 1);
});

test("what a relay does not say is not invented", () => {
  for (const relay of [undefined, "", "constructor", "browser+constructor"])
    assert.deepEqual(relayed(entry(relay))?.added, [], String(relay));
  assert.equal(
    relayed({ ...entry("browser"), integration_source: "other" }),
    undefined,
  );
  assert.deepEqual(sendersOf(entry(undefined)), ["server"]);
});
