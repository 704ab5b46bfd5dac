// There is no room for more events.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { batchOf, order } from "../events.mjs";
import { check, until } from "../wait.mjs";

/**
 * @typedef {import("../run.mjs").Scenario} Scenario
 * @typedef {import("../relay.mjs").Relay} Relay
 */

/**
 * Sends batches until the relay refuses several in a row. Returns the IDs of those that it has answered with 202.
 *
 * @param {Relay} relay
 * @param {string} name
 */
const fill = async (relay, name) => {
  /** @type {string[]} */
  const accepted = [];
  for (let i = 0, refused = 0; refused < 20; i++) {
    check(i < 20_000, "the store is never full");
    const events = Array.from({ length: 20 }, (_, j) =>
      order(`${name}-${i}-${j}`),
    );
    const { status, text } = await relay.post(batchOf(`${name}-${i}`, events));
    if (status === 202) {
      check(refused === 0, "a 202 after a 503");
      accepted.push(...events.map(({ id }) => id));
    } else {
      check(status === 503 && /retry later/.test(text), `${status}: ${text}`);
      refused++;
    }
  }
  check(accepted.length > 0, "nothing was accepted");
  return accepted;
};

/** @param {Relay} relay */
const expectNotReady = async (relay) => {
  check(!(await relay.isReady()), "a full relay says that it is ready");
  check(
    (await relay.metric("oaiq_relay_store_writable")) === 0,
    "a full relay's metric says that the store can be written",
  );
};

/**
 * Sends until a batch is accepted again.
 *
 * @param {Relay} relay
 * @param {string} id
 */
const acceptAgain = async (relay, id) => {
  await until("the first 202", async () => {
    const { status } = await relay.post(batchOf(id, [order(id)]));
    return status === 202;
  });
  check(await relay.isReady(), "the relay is not ready again");
};

/** @type {Scenario} */
export const storeFull = {
  name: "store-full",
  title: "the store has reached `store.max_bytes`",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all({
      upstream: 'backoff_max = "1s"',
      store: 'path = "relay.sqlite"\nmax_bytes = "2MiB"',
    });
    proxy.fail(503);
    const accepted = await fill(relay, "full");
    await expectNotReady(relay);
    proxy.repair();
    await collector.expectCountedOnce(accepted);
    await acceptAgain(relay, "after");
    await collector.expectCountedOnce(["after"]);
    return `${accepted.length} events, then 503 and not ready; all delivered; then 202 again`;
  },
};

/** @type {Scenario} */
export const diskFull = {
  name: "disk-full",
  title: "the file system is full",
  run: async (world) => {
    const disk = world.path("disk");
    mkdirSync(disk);
    const mounted = spawnSync("mount", [
      "-t",
      "tmpfs",
      "-o",
      "size=8m",
      "oaiq-soak",
      disk,
    ]);
    if (mounted.status !== 0)
      return { skipped: "it needs root, to mount a small file system" };
    world.atEnd(() => spawnSync("umount", [disk]));
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(4 << 20));

    const { collector, proxy, relay } = await world.all({
      upstream: 'backoff_max = "1s"',
      store: 'path = "disk/relay.sqlite"',
    });
    proxy.fail(503);
    const accepted = await fill(relay, "disk");
    await expectNotReady(relay);
    // what is on the disk stays readable, and survives a kill
    const status = relay.command("status");
    check(status.includes("p"), `oaiq-relay status: ${status}`);
    await relay.kill();
    rmSync(ballast);
    await relay.start();
    const more = await fill(relay, "more");
    await expectNotReady(relay);
    // OpenAI takes them again, but the relay cannot mark that
    proxy.repair();
    await until("a delivery", () => proxy.requests.length > 0);
    const enlarged = spawnSync("mount", ["-o", "remount,size=64m", disk]);
    check(enlarged.status === 0, String(enlarged.stderr));
    await acceptAgain(relay, "after");
    await collector.expectCountedOnce([...accepted, ...more, "after"]);
    await until("an empty outbox", async () => {
      const left = await relay.metric('oaiq_relay_outbox_events{pixel="p"}');
      return left === 0;
    });
    await collector.read();
    collector.expectNoneTwice();
    return `${accepted.length + more.length} events, then 503 and not ready, also across a kill; with room, all delivered and 202 again`;
  },
};
