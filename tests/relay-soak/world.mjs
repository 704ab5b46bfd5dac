// What a scenario has: a directory of its own, a collector, a fault proxy and a relay, all of which end with it.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Collector } from "./collector.mjs";
import { FaultProxy } from "./fault-proxy.mjs";
import { Relay } from "./relay.mjs";

/**
 * @typedef {object} Programs
 * @property {string} relay
 * @property {string} collector
 */

export class World {
  /** @type {(() => unknown)[]} */
  #cleanups = [];

  /**
   * @param {string} dir
   * @param {Programs} programs
   * @param {boolean} isQuick
   */
  constructor(dir, programs, isQuick) {
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    this.dir = dir;
    this.programs = programs;
    this.isQuick = isQuick;
  }

  /** @param {() => unknown} cleanup runs at the end, in reverse order */
  atEnd(cleanup) {
    this.#cleanups.push(cleanup);
  }

  async close() {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
  }

  /** Deletes the directory. */
  remove() {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** A collector that is not started yet. */
  async collector() {
    const collector = await Collector.create(this.programs.collector, this.dir);
    this.atEnd(() => collector.process.end("SIGKILL"));
    return collector;
  }

  /**
   * A relay that is not started yet.
   *
   * @param {string} upstream
   * @param {import("./relay.mjs").RelayConfig} [config]
   * @param {string} [dir]
   */
  async relay(upstream, config = {}, dir = this.dir) {
    mkdirSync(dir, { recursive: true });
    const relay = await Relay.create(
      this.programs.relay,
      dir,
      upstream,
      config,
    );
    this.atEnd(() => relay.kill());
    return relay;
  }

  /**
   * A running collector, a running relay, and a fault proxy between them.
   *
   * @param {import("./relay.mjs").RelayConfig} [config]
   */
  async all(config) {
    const collector = await this.collector();
    await collector.start();
    const proxy = new FaultProxy(collector.port);
    await proxy.start();
    this.atEnd(() => proxy.close());
    const relay = await this.relay(proxy.url, config);
    await relay.start();
    return { collector, proxy, relay };
  }

  /** @param {string} name */
  path(name) {
    return join(this.dir, name);
  }
}
