import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_FILTER } from "../../../www/inspector/model/filter.js";
import {
  addressOf,
  placeOf,
  queryOf,
} from "../../../www/inspector/model/route.js";

test("the view, the open event and every filter survive the address, so that a link shows a colleague the same", () => {
  const filter = {
    text: "14,98 €&#?=",
    verdict: "refused",
    name: "order_created",
    transport: "server",
    pixel: "px 1",
    internal: false,
    since: 12,
    kind: "apart",
    views: true,
  };
  assert.deepEqual(Object.keys(filter).sort(), Object.keys(NO_FILTER).sort());
  const address = addressOf("timeline", 7, queryOf(filter));
  assert.deepEqual(placeOf(address), { view: "timeline", seq: 7, filter });
});

test("without filters the address is short", () => {
  assert.equal(queryOf(NO_FILTER), "");
  assert.equal(addressOf("events", undefined, queryOf(NO_FILTER)), "#/events");
  assert.deepEqual(placeOf(""), {
    view: "events",
    seq: undefined,
    filter: NO_FILTER,
  });
});

test("whatever somebody types there is no error", () => {
  for (const hash of [
    "#/nowhere/1?x=y",
    "#/events?since=-1&views=1&status=",
    "#/events?search=%E0%A4%A",
    `#/events/${"9".repeat(400)}`,
    "#?verdict=refused",
    "#/events/1/2",
  ]) {
    const { view, filter } = placeOf(hash);
    assert.equal(view, "events");
    assert.equal(filter.since, 0);
    assert.equal(filter.internal, true);
  }
});
