// The collector in place of OpenAI, and its counting.
import { join } from "node:path";
import { freePort } from "../free-port.mjs";
import { send } from "./http.mjs";
import { ServerProcess } from "./process.mjs";
import { until } from "./wait.mjs";

/** The most events of one answer. */
const PAGE = 20_000;

/**
 * An entry of the collector's list of events.
 *
 * @typedef {object} Entry
 * @property {number} seq
 * @property {string} verdict
 * @property {string} pixel
 * @property {Record<string, any>} event
 */

export class Collector {
  /** How often the collector has counted each event. */
  counted = new Map();
  /** How many events it has recognized as received before. */
  duplicates = 0;
  /** @type {Entry[]} entries that are neither counted nor duplicates */
  others = [];
  /** @type {((entry: Entry) => void) | undefined} called for each entry */
  onEntry;
  /** How long the last reading took. */
  readMs = 0;
  #lastSeq = 0;

  /**
   * @param {string} program
   * @param {string} dir
   * @param {number} port
   */
  constructor(program, dir, port) {
    this.port = port;
    this.process = new ServerProcess(
      program,
      [
        `--port=${port}`,
        "--key=sk-openai",
        `--data=${join(dir, "collector.sqlite")}`,
      ],
      { cwd: dir, log: join(dir, "collector.log") },
    );
  }

  /**
   * @param {string} program
   * @param {string} dir
   */
  static async create(program, dir) {
    return new Collector(program, dir, await freePort());
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async start() {
    this.process.spawn();
    await until("the collector", async () => {
      if (!this.process.isRunning)
        throw new Error(`the collector ended: ${this.process.log}`);
      return send(this.port, "/inspector/facts.json").catch(() => undefined);
    });
  }

  /**
   * Reads what has arrived since the last time. The collector keeps the last 100,000 events, so a scenario with more of them
   * reads while they arrive.
   */
  async read() {
    const start = Date.now();
    /** @type {Entry[]} */
    const entries = [];
    for (let before = ""; ; before = `&before=${entries.at(-1)?.seq}`) {
      const { status, text } = await send(
        this.port,
        `/events.json?limit=${PAGE}${before}`,
      );
      if (status !== 200) throw new Error(`the collector answered ${status}`);
      /** @type {Entry[]} */
      const page = JSON.parse(text).events;
      const fresh = page.filter(({ seq }) => seq > this.#lastSeq);
      entries.push(...fresh);
      if (fresh.length < PAGE) break;
    }
    const newest = entries[0]?.seq ?? this.#lastSeq;
    if (newest - this.#lastSeq !== entries.length)
      throw new Error(
        "events were removed from the collector before they were counted: it keeps the last 100,000",
      );
    this.#lastSeq = newest;
    for (const entry of entries.reverse()) this.#take(entry);
    this.readMs = Date.now() - start;
  }

  /** @param {Entry} entry */
  #take(entry) {
    this.onEntry?.(entry);
    if (entry.verdict === "duplicate") this.duplicates++;
    else if (entry.verdict !== "counted") this.others.push(entry);
    else {
      const { id } = entry.event;
      this.counted.set(id, (this.counted.get(id) ?? 0) + 1);
    }
  }

  /**
   * Waits until all these events are counted. Fails if one is missing, or is counted twice.
   *
   * @param {Iterable<string>} ids
   * @param {{ seconds?: number, everyMs?: number }} [options]
   */
  async expectCountedOnce(ids, { seconds = 120, everyMs = 250 } = {}) {
    const expected = [...ids];
    /** @type {string[]} */
    let missing = expected;
    try {
      await until(
        "all events",
        async () => {
          await this.read();
          missing = missing.filter((id) => !this.counted.has(id));
          return missing.length === 0;
        },
        { seconds, everyMs },
      );
    } catch (error) {
      if (missing.length === 0) throw error;
      throw new Error(
        `${missing.length} of ${expected.length} events are missing after ${seconds} s, such as ${missing[0]}`,
        { cause: error },
      );
    }
    this.expectNoneTwice();
  }

  expectNoneTwice() {
    const twice = [...this.counted].filter(([, count]) => count > 1);
    if (twice.length > 0)
      throw new Error(
        `${twice.length} events were counted twice, such as ${twice[0]?.[0]}`,
      );
  }
}
