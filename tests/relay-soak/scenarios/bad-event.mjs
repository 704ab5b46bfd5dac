// One event of 1,000 is at fault, as far as OpenAI is concerned.
import { batchOf, order } from "../events.mjs";
import { eventsOf } from "../fault-proxy.mjs";
import { check, until } from "../wait.mjs";

const EVENTS = 1000;
const PLACES = [0, 1, 99, 250, 499, 500, 501, 777, 998, 999];
const MAX_FURTHER_REQUESTS = 11;

/**
 * @param {import("../world.mjs").World} world
 * @param {"with" | "without"} naming whether the answer names the event
 */
const deliverOneBad = async (world, naming) => {
  const { collector, proxy, relay } = await world.all({
    upstream: 'max_batch = 1000\nbackoff_max = "1s"',
  });
  let most = 0;
  for (const place of PLACES) {
    const ids = Array.from(
      { length: EVENTS },
      (_, i) => `${naming}-${place}-${i}`,
    );
    const bad = `${naming}-${place}-${place}`;
    const events = ids.map((id) => order(id));
    // all of them are in the store before the first request that succeeds, so that it has all of them
    proxy.fail(503);
    for (let i = 0; i < EVENTS; i += 100)
      await relay.postOk(
        batchOf(`${naming}-${place}`, events.slice(i, i + 100)),
      );
    /** @type {number | undefined} */
    let first;
    proxy.fault = ({ body }) => {
      first ??= eventsOf({ at: 0, pixel: "", head: "", body }).length;
      if (!body.includes(`"${bad}"`)) return { pass: body };
      if (naming === "without")
        return {
          answer: 400,
          body: {
            error: {
              message: "One event is invalid.",
              type: "invalid_request_error",
            },
          },
        };
      // the collector itself refuses it
      const changed = JSON.parse(body);
      for (const event of changed.events)
        if (event.id === bad) event.data.amount = 1.5;
      return { pass: JSON.stringify(changed) };
    };
    const sent = proxy.requests.length;
    await collector.expectCountedOnce(ids.filter((id) => id !== bad));
    await until("the dead letter", async () => {
      const dead = await relay.metric('oaiq_relay_dead_letters{pixel="p"}');
      return dead === PLACES.indexOf(place) + 1;
    });
    check(
      first === EVENTS,
      `the first request had ${first} of ${EVENTS} events`,
    );
    // those after the last one that was answered 503
    const further = proxy.requests.length - sent - 1;
    most = Math.max(most, further);
    check(
      further <= MAX_FURTHER_REQUESTS,
      `place ${place}: ${further} further requests`,
    );
    check(!collector.counted.has(bad), "the bad event was counted");
  }
  const list = relay.command("dead", "list").split("\n");
  const dead = list.filter((line) => line.includes("order_created"));
  check(dead.length === PLACES.length, `oaiq-relay dead list: ${list}`);
  return `at ${PLACES.length} places: 999 delivered, 1 dead letter, at most ${most} further requests`;
};

/** @type {import("../run.mjs").Scenario} */
export const badEventNamed = {
  name: "bad-event-named",
  title: "one bad event of 1,000, which OpenAI's answer names",
  run: (world) => deliverOneBad(world, "with"),
};

/** @type {import("../run.mjs").Scenario} */
export const badEventUnnamed = {
  name: "bad-event-unnamed",
  title: "one bad event of 1,000, which OpenAI's answer does not name",
  run: (world) => deliverOneBad(world, "without"),
};
