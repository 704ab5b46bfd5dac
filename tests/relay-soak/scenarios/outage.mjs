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
    const total = load.acknowledged.size;
    // The relay delivers faster than the collector's list can be read, and the collector keeps only the last 100,000 events. So
    // the relay is stopped while the list is read, and that time does not count.
    let deliveringMs = 0;
    // those of the first interval, in which a probe may have ended the breaker; their time is unknown
    let untimed = 0;
    await until(
      "all deliveries",
      async () => {
        const before = collector.counted.size;
        const start = Date.now();
        await sleep(250);
        await relay.process.whileStopped(() => collector.read());
        if (before > 0) deliveringMs += Date.now() - start - collector.readMs;
        else untimed = collector.counted.size;
        return collector.counted.size >= total;
      },
      { seconds: 60 + total / 500, everyMs: 0 },
    );
    await collector.expectCountedOnce(load.acknowledged);
    const rate = Math.round((total - untimed) / (deliveringMs / 1000));
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
