// The relay is killed.
import { batchOf, order } from "../events.mjs";
import { eventsOf } from "../fault-proxy.mjs";
import { Load } from "../load.mjs";
import { check, sleep, until } from "../wait.mjs";

/** @typedef {import("../run.mjs").Scenario} Scenario */

/** @type {Scenario} */
export const kills = {
  name: "kills",
  title: "`kill -9` of the relay under load",
  run: async (world) => {
    const count = world.isQuick ? 15 : 100;
    const { collector, relay } = await world.all();
    const load = new Load(relay.port, "kills", 1000);
    load.start();
    for (let i = 0; i < count; i++) {
      // from in the middle of the first requests to long after them
      await sleep(50 + Math.random() * 700);
      await relay.kill();
      await relay.start();
      await collector.read();
    }
    await sleep(1000);
    await load.stop();
    check(
      load.acknowledged.size === load.made,
      "the load has unacknowledged events",
    );
    await collector.expectCountedOnce(load.acknowledged);
    check(
      collector.others.length === 0,
      `the collector refused ${collector.others.length} events`,
    );
    const broken = load.outcomes.get("ECONNRESET") ?? 0;
    check(broken > count / 2, "the kills interrupted hardly any request");
    return `${count} kills, ${broken} interrupted requests; ${load.acknowledged.size} events answered 202, none missing, none counted twice (${collector.duplicates} sent twice)`;
  },
};

/** @type {Scenario} */
export const crashBeforeMarking = {
  name: "crash-before-marking",
  title: "`kill -9` after OpenAI has accepted, before the relay knows",
  run: async (world) => {
    const count = world.isQuick ? 5 : 20;
    const { collector, proxy, relay } = await world.all();
    for (let i = 0; i < count; i++) {
      const killed = new Promise((resolve) => {
        proxy.beforeAnswer = async ({ body }) => {
          // the event before this one may still be on its second way
          if (!body.includes(`"crash-${i}"`)) return;
          proxy.beforeAnswer = undefined;
          await relay.kill();
          resolve(undefined);
        };
      });
      await relay.postOk(batchOf(`crash-${i}`, [order(`crash-${i}`)]));
      await killed;
      const sent = proxy.requests.length;
      await relay.start();
      await until("the event again", () => proxy.requests.length > sent);
    }
    const ids = Array.from({ length: count }, (_, i) => `crash-${i}`);
    await collector.expectCountedOnce(ids);
    await until("the duplicates", async () => {
      await collector.read();
      return collector.duplicates >= count;
    });
    collector.expectNoneTwice();
    const sent = proxy.requests.flatMap(eventsOf).map(({ id }) => id);
    check(
      ids.every((id) => sent.filter((other) => other === id).length === 2),
      "an event was not sent exactly twice",
    );
    return `${count} events, each sent twice with the same ID and counted once`;
  },
};
