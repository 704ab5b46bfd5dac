// The relay under test, started from its release build.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../free-port.mjs";
import { send } from "./http.mjs";
import { cleanEnvironment, ServerProcess } from "./process.mjs";
import { check, until } from "./wait.mjs";

export const SHOP = "https://shop.example";
export const BACKEND_KEY = "backend-secret";

/** The headers of a request from a page of the shop, behind a proxy that appends the visitor's address. */
export const PAGE_HEADERS = {
  origin: SHOP,
  "content-type": "text/plain",
  "user-agent": "Mozilla/5.0 (soak)",
  "x-forwarded-for": "203.0.113.7",
};

/**
 * What a scenario changes in the configuration, as TOML.
 *
 * @typedef {object} RelayConfig
 * @property {string[]} [pixels]
 * @property {string} [top] keys of the top, instead of the usual ones
 * @property {string} [upstream] further keys of [upstream]
 * @property {string} [store] keys of [store]
 * @property {string} [more] further sections
 */

export class Relay {
  /**
   * @param {string} program
   * @param {string} dir
   * @param {string} upstream
   * @param {RelayConfig} config
   * @param {[port: number, metricsPort: number]} ports
   */
  constructor(program, dir, upstream, config, [port, metricsPort]) {
    this.program = program;
    this.dir = dir;
    this.port = port;
    this.metricsPort = metricsPort;
    const pixels = config.pixels ?? ["p", "q"];
    writeFileSync(join(dir, "key"), "sk-openai");
    writeFileSync(join(dir, "backend-key"), BACKEND_KEY);
    writeFileSync(
      join(dir, "relay.toml"),
      `listen = "127.0.0.1:${port}"
metrics_listen = "127.0.0.1:${metricsPort}"
origins = ["${SHOP}"]
drain_timeout = "5s"
${config.top ?? 'trusted_proxies = ["127.0.0.1"]\nlimit_per_address = 0'}
${pixels.map((id) => `[[pixel]]\nid = "${id}"\nkey_file = "key"`).join("\n")}
[backend]
key_file = "backend-key"
[upstream]
url = "${upstream}"
config_url = "${upstream}/pixel-config/v1"
${config.upstream ?? ""}
[store]
${config.store ?? 'path = "relay.sqlite"'}
${config.more ?? ""}
`,
    );
    this.process = new ServerProcess(
      program,
      ["serve", "--config", "relay.toml"],
      { cwd: dir, log: join(dir, "relay.log") },
    );
  }

  /**
   * @param {string} program
   * @param {string} dir
   * @param {string} upstream
   * @param {RelayConfig} config
   */
  static async create(program, dir, upstream, config) {
    return new Relay(program, dir, upstream, config, [
      await freePort(),
      await freePort(),
    ]);
  }

  async start() {
    this.process.spawn();
    await until(
      "the relay",
      async () => {
        if (!this.process.isRunning)
          throw new Error(`the relay ended: ${this.process.log.slice(-2000)}`);
        return send(this.metricsPort, "/live").catch(() => undefined);
      },
      { everyMs: 10 },
    );
  }

  kill() {
    return this.process.end("SIGKILL");
  }

  async isReady() {
    return (await send(this.metricsPort, "/ready")).status === 200;
  }

  /** All metrics, as text. */
  async metrics() {
    return (await send(this.metricsPort, "/metrics")).text;
  }

  /**
   * The value of a metric; 0 if it is not printed.
   *
   * @param {string} name with its labels
   */
  async metric(name) {
    const line = (await this.metrics())
      .split("\n")
      .find((line) => line.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? 0);
  }

  /**
   * Sends a batch as a page does.
   *
   * @param {object} batch
   * @param {object} [options]
   * @param {string} [options.pixel]
   * @param {import("./http.mjs").Headers} [options.headers]
   */
  post(batch, { pixel = "p", headers = {} } = {}) {
    return send(this.port, `/oaiq/v1/sdk/events?pid=${pixel}`, {
      method: "POST",
      headers: { ...PAGE_HEADERS, ...headers },
      body: JSON.stringify(batch),
    });
  }

  /**
   * Sends a batch that must be accepted.
   *
   * @param {object} batch
   * @param {Parameters<Relay["post"]>[1]} [options]
   */
  async postOk(batch, options) {
    const { status, text } = await this.post(batch, options);
    check(status === 202, `expected 202, got ${status}: ${text}`);
  }

  /**
   * Sends events as the site's backend does.
   *
   * @param {object[]} events
   * @param {string} [pixel]
   */
  backend(events, pixel = "p") {
    return send(this.port, `/oaiq/v1/events?pid=${pixel}`, {
      method: "POST",
      headers: { authorization: `Bearer ${BACKEND_KEY}` },
      body: JSON.stringify({ events }),
    });
  }

  /**
   * The output of a command of the relay.
   *
   * @param {string[]} args
   */
  command(...args) {
    const { stdout, stderr } = spawnSync(
      this.program,
      [...args, "--config", join(this.dir, "relay.toml")],
      { encoding: "utf8", env: cleanEnvironment() },
    );
    return stdout + stderr;
  }

  /** All bytes of the store's files. */
  storedBytes() {
    return Buffer.concat(
      readdirSync(this.dir)
        .filter((name) => name.startsWith("relay.sqlite"))
        .map((name) => readFileSync(join(this.dir, name))),
    );
  }
}
