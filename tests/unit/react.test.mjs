// Tests www/react/calls.js: the queue before the pixel has loaded, and calls that strict mode repeats.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  createMeasure,
  isOnlyQueue,
  oaiq,
  pageOaiq,
} from "../../www/react/calls.js";

const LEAD = ["lead_created", { type: "customer_action" }];

/** A component's function, and the calls that it has passed on. */
const createComponent = () => {
  const passed = [];
  return { passed, ...createMeasure((args) => passed.push(args)) };
};

test("calls that strict mode repeats within a task are dropped", async () => {
  const { passed, measure, onCleanUp } = createComponent();
  measure(...LEAD);
  measure("page_viewed", { type: "contents" });
  onCleanUp();
  measure(...LEAD);
  measure("page_viewed", { type: "contents" });
  assert.equal(passed.length, 2);
  await null;
  measure(...LEAD);
  assert.equal(passed.length, 3);
});

test("equal calls of one effect are each passed on, and each dropped when repeated", () => {
  const { passed, measure, onCleanUp } = createComponent();
  measure(...LEAD);
  measure(...LEAD);
  onCleanUp();
  measure(...LEAD);
  measure(...LEAD);
  measure(...LEAD);
  assert.equal(passed.length, 3);
});

test("an effect that runs again in a later task is passed on", async () => {
  const { passed, measure, onCleanUp } = createComponent();
  measure(...LEAD);
  await null;
  onCleanUp();
  measure(...LEAD);
  assert.equal(passed.length, 2);
});

test("another call after the clean-up is passed on", () => {
  const { passed, measure, onCleanUp } = createComponent();
  measure(...LEAD, { event_id: "1" });
  onCleanUp();
  measure(...LEAD, { event_id: "2" });
  assert.deepEqual(
    passed.map(([, , options]) => options.event_id),
    ["1", "2"],
  );
});

test("on a server calls do nothing", () => {
  assert.equal(pageOaiq(), undefined);
  oaiq("init", { pixelId: "ONE" });
});

test("calls wait in a queue that keeps the page's own config and calls", () => {
  const early = ["measure", ...LEAD];
  globalThis.window = { oaiq: { q: [early], config: { consent: "pending" } } };
  oaiq("init", { pixelId: "ONE" });
  const queue = pageOaiq();
  assert.ok(isOnlyQueue());
  assert.deepEqual(
    queue.q.map((args) => [...args]),
    [early, ["init", { pixelId: "ONE" }]],
  );
  assert.deepEqual(queue.config, { consent: "pending" });
  delete globalThis.window;
});

test("the queue of an install snippet is used", () => {
  const calls = [];
  const snippet = (...args) => calls.push(args);
  globalThis.window = { oaiq: snippet };
  oaiq("consent", true);
  assert.deepEqual(calls, [["consent", true]]);
  assert.ok(!isOnlyQueue());
  delete globalThis.window;
});
