import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_FILTER } from "../../../www/inspector/model/filter.js";
import {
  routeHref,
  parseRoute,
  filterQuery,
} from "../../../www/inspector/model/route.js";

test("the URL holds the view, the open event and every filter", () => {
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
  assert.deepEqual(
    Object.keys(filter).sort(),
    Object.keys(EMPTY_FILTER).sort(),
  );
  const address = routeHref("timeline", 7, filterQuery(filter));
  assert.deepEqual(parseRoute(address), { view: "timeline", seq: 7, filter });
});

test("the URL is short without filters", () => {
  assert.equal(filterQuery(EMPTY_FILTER), "");
  assert.equal(
    routeHref("events", undefined, filterQuery(EMPTY_FILTER)),
    "#/events",
  );
  assert.deepEqual(parseRoute(""), {
    view: "events",
    seq: undefined,
    filter: EMPTY_FILTER,
  });
});

test("an invalid URL opens the events view without filters", () => {
  for (const hash of [
    "#/nowhere/1?x=y",
    "#/events?since=-1&views=1&status=",
    "#/events?search=%E0%A4%A",
    `#/events/${"9".repeat(400)}`,
    "#?verdict=refused",
    "#/events/1/2",
  ]) {
    const { view, filter } = parseRoute(hash);
    assert.equal(view, "events");
    assert.equal(filter.since, 0);
    assert.equal(filter.internal, true);
  }
});
