// OpenAI answers with errors, or not at all.
import { batchOf, order } from "../events.mjs";
import { eventsOf } from "../fault-proxy.mjs";
import { check, sleep, until } from "../wait.mjs";

/** @typedef {import("../run.mjs").Scenario} Scenario */

const DAY_MS = 24 * 60 * 60 * 1000;

/** @type {Scenario} */
export const errors = {
  name: "errors",
  title:
    "OpenAI times out, closes connections, answers 408, 429, 500, 502, 503, 504",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all({
      upstream: 'timeout = "1s"\nbackoff_max = "4s"',
    });
    /** @type {string[]} */
    const ids = [];
    /** @type {[string, import("../fault-proxy.mjs").Fault][]} */
    const faults = [
      ["timeout", "hang"],
      ["closed", "close"],
      ...[408, 429, 500, 502, 503, 504].map(
        /** @returns {[string, import("../fault-proxy.mjs").Fault]} */
        (answer) => [String(answer), { answer }],
      ),
    ];
    for (const [name, fault] of faults) {
      const sent = proxy.requests.length;
      proxy.fault = () => fault;
      for (let i = 0; i < 10; i++) {
        const id = `${name}-${i}`;
        ids.push(id);
        await relay.postOk(batchOf(id, [order(id)]));
      }
      await until("two attempts", () => proxy.requests.length >= sent + 2);
      proxy.repair();
      await collector.expectCountedOnce(ids);
    }
    check(
      (await relay.metric('oaiq_relay_dead_letters{pixel="p"}')) === 0,
      "there are dead letters",
    );
    check(collector.others.length === 0, "the collector refused events");
    return `${faults.length} faults, ${ids.length} events, all delivered, none counted twice`;
  },
};

/** @type {Scenario} */
export const backoff = {
  name: "backoff",
  title: "OpenAI fails 25 times in a row",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all({
      upstream: 'backoff_min = "40ms"\nbackoff_max = "320ms"',
    });
    const { size } = await failing(proxy, relay, 25);
    const events = proxy.requests.map((request) => eventsOf(request).length);
    check(
      events.slice(20).every((count) => count === 1),
      `after 20 failures, requests had ${events.slice(20)} events`,
    );
    const waits = proxy.requests
      .slice(1)
      .map(({ at }, i) => at - (proxy.requests[i]?.at ?? 0));
    // at least half of 40 ms, doubled up to 320 ms
    const tooEarly = waits.findIndex(
      (wait, i) => wait < Math.min(20 * 2 ** i, 160),
    );
    check(
      tooEarly < 0,
      `request ${tooEarly + 1} came after ${waits[tooEarly]} ms`,
    );
    proxy.repair();
    await collector.expectCountedOnce(
      Array.from({ length: size }, (_, i) => `backoff-${i}`),
    );
    return `waits grow; from the 21st on, a request has one event; then all ${size} arrive`;
  },
};

/**
 * Sends some events, and waits until this many requests have failed.
 *
 * @param {import("../fault-proxy.mjs").FaultProxy} proxy
 * @param {import("../relay.mjs").Relay} relay
 * @param {number} count
 */
const failing = async (proxy, relay, count) => {
  const size = 50;
  proxy.fail(500);
  await relay.postOk(
    batchOf(
      "backoff",
      Array.from({ length: size }, (_, i) => order(`backoff-${i}`)),
    ),
  );
  await until("failures", () => proxy.requests.length >= count);
  check(
    (await relay.metric('oaiq_relay_breaker_open{pixel="p"}')) === 1,
    "the breaker is not open",
  );
  return { size };
};

/** @type {Scenario} */
export const retryAfter = {
  name: "retry-after",
  title: "OpenAI answers 429 or 503 with `Retry-After`",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all({
      upstream: 'backoff_min = "50ms"\nbackoff_max = "100ms"',
    });
    let least = Infinity;
    for (const [i, status] of [429, 503].entries()) {
      for (const value of [
        () => "3",
        () =>
          new Date(Math.ceil(Date.now() / 1000) * 1000 + 3000).toUTCString(),
      ]) {
        const id = `retry-${status}-${value()}`;
        const before = proxy.requests.length;
        proxy.fault = () => {
          proxy.repair();
          return { answer: status, headers: { "retry-after": value() } };
        };
        await relay.postOk(batchOf(`${id}-${i}`, [order(id)]));
        await collector.expectCountedOnce([id]);
        const [refused, again] = proxy.requests.slice(before);
        const wait = (again?.at ?? 0) - (refused?.at ?? 0);
        check(wait >= 2950, `asked to wait 3 s, the relay waited ${wait} ms`);
        least = Math.min(least, wait);
      }
    }
    return `asked to wait 3 s in seconds and as a date, the relay waited ${(least / 1000).toFixed(1)} s or longer`;
  },
};

/** @type {Scenario} */
export const refusedKey = {
  name: "refused-key",
  title: "OpenAI answers 401 or 403 for one pixel",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all({
      upstream: 'probe_interval = "1s"',
    });
    for (const answer of [401, 403]) {
      proxy.fault = ({ pixel, body }) =>
        pixel === "p" ? { answer } : { pass: body };
      const ids = (/** @type {string} */ pixel) =>
        Array.from({ length: 20 }, (_, i) => `${answer}-${pixel}-${i}`);
      for (const pixel of ["p", "q"])
        for (const id of ids(pixel))
          await relay.postOk(batchOf(id, [order(id)]), { pixel });
      await collector.expectCountedOnce(ids("q"));
      await until("the pause", async () => {
        const paused = await relay.metric('oaiq_relay_paused{pixel="p"}');
        return paused === 1;
      });
      check(
        (await relay.metric('oaiq_relay_paused{pixel="q"}')) === 0,
        "q is paused",
      );
      check(await relay.isReady(), "the relay is not ready");
      check(
        !ids("p").some((id) => collector.counted.has(id)),
        "an event of p was counted",
      );
      const before = proxy.requests.filter(({ pixel }) => pixel === "p").length;
      await sleep(3500);
      const probes =
        proxy.requests.filter(({ pixel }) => pixel === "p").length - before;
      check(probes >= 2 && probes <= 5, `${probes} probes in 3.5 s`);
      proxy.repair();
      await collector.expectCountedOnce(ids("p"));
      await until("the end of the pause", async () => {
        const paused = await relay.metric('oaiq_relay_paused{pixel="p"}');
        return paused === 0;
      });
    }
    const { log } = relay.process;
    check(/key_file/.test(log), "the log does not say which key is wrong");
    return "it pauses, the other one goes on, nothing is lost, a probe each interval finds the repair";
  },
};

/** @type {Scenario} */
export const expiry = {
  name: "expiry",
  title: "events become older than 7 days while OpenAI is down",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all({
      upstream: 'backoff_max = "1s"',
    });
    proxy.fail(503);
    const timestamp_ms = Date.now() - 7 * DAY_MS + 4000;
    await relay.postOk(batchOf("old", [order("old", { timestamp_ms })]));
    await relay.postOk(
      batchOf("six", [order("six", { timestamp_ms: Date.now() - 6 * DAY_MS })]),
    );
    await relay.postOk(batchOf("new", [order("new")]));
    await until("the warning", () =>
      /more than 5 days old/.test(relay.process.log),
    );
    await sleep(Math.max(0, timestamp_ms + 7 * DAY_MS + 500 - Date.now()));
    proxy.repair();
    await collector.expectCountedOnce(["six", "new"]);
    await until("the dead letter", async () => {
      const dead = await relay.metric('oaiq_relay_dead_letters{pixel="p"}');
      return dead === 1;
    });
    check(!collector.counted.has("old"), "the old event was sent");
    const list = relay.command("dead", "list");
    check(/expired/.test(list), `oaiq-relay dead list: ${list}`);
    return "the old one is a dead letter `expired`, a warning from 5 days on, the others arrive";
  },
};
