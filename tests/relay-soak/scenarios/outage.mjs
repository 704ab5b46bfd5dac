// OpenAI is down for long.
import { Load } from "../load.mjs";
import { check, sleep, until } from "../wait.mjs";

const MAX_MEMORY_MB = 200;
const MIN_EVENTS_PER_SECOND = 5000;

/** @type {import("../run.mjs").Scenario} */
export const outage = {
  name: "outage",
  title: "OpenAI down at 1,000 events a second, then up",
  run: async (world) => {
    const seconds = world.isQuick ? 30 : 600;
    const collector = await world.collector();
    const relay = await world.relay(collector.url, {
      upstream: 'backoff_max = "10s"',
    });
    await relay.start();
    const load = new Load(relay.port, "outage", 1000);
    load.start();
    await sleep(seconds * 1000);
    await load.stop();
    check(
      load.made > seconds * 950,
      `the load reached only ${Math.round(load.made / seconds)} events a second`,
    );
    const waiting = await relay.metric('oaiq_relay_outbox_events{pixel="p"}');
    check(
      waiting === load.acknowledged.size,
      `${load.acknowledged.size} events were answered 202, and ${waiting} are in the store`,
    );

    await collector.start();
    /** @type {number | undefined} */
    let first;
    let last = 0;
    const total = load.acknowledged.size;
    await until(
      "all deliveries",
      async () => {
        const before = collector.counted.size;
        await collector.read();
        if (collector.counted.size > before) {
          last = Date.now();
          // the first ones may be one probe after an open breaker, or arrived long before they were read
          first ??= last - 250;
        }
        return collector.counted.size >= total;
      },
      { seconds: 60 + total / 500, everyMs: 250 },
    );
    await collector.expectCountedOnce(load.acknowledged);
    const rate = Math.round(total / ((last - (first ?? 0)) / 1000));
    const memory = Math.round(relay.process.memory.most);
    const result = `${total} events after ${seconds} s, all delivered at ${rate} events a second, memory at most ${memory} MB`;
    check(
      memory < MAX_MEMORY_MB,
      `${result}: the limit is ${MAX_MEMORY_MB} MB`,
    );
    check(
      rate >= MIN_EVENTS_PER_SECOND,
      `${result}: at least ${MIN_EVENTS_PER_SECOND} are required`,
    );
    return result;
  },
};
