// Visitors whose batches arrive at a steady rate, and who send again what was not accepted.
import { batchOf, order } from "./events.mjs";
import { keepAliveAgent, send } from "./http.mjs";
import { PAGE_HEADERS } from "./relay.mjs";
import { sleep, until } from "./wait.mjs";

const CONNECTIONS = 32;
const EVENTS = 5;
const RETRY_MS = 50;

export class Load {
  /** The IDs of all events that the relay has accepted. */
  acknowledged = new Set();
  /** How often which status was answered, or which error came instead, such as ECONNRESET. */
  outcomes = new Map();
  #agent = keepAliveAgent(CONNECTIONS);
  #next = 0;
  #inFlight = 0;
  #isStopped = false;
  /** @type {Promise<void> | undefined} */
  #pacing;

  /**
   * @param {number} port
   * @param {string} name of this load, unique in the scenario
   * @param {number} eventsPerSecond
   */
  constructor(port, name, eventsPerSecond) {
    this.port = port;
    this.name = name;
    this.batchesPerSecond = eventsPerSecond / EVENTS;
  }

  start() {
    this.#pacing = this.#pace();
  }

  /** Ends the load, and waits until every event is acknowledged. */
  async stop() {
    this.#isStopped = true;
    await this.#pacing;
    await until("the last acknowledgement", () => this.#inFlight === 0);
    this.#agent.destroy();
  }

  /** How many events were made. */
  get made() {
    return this.#next * EVENTS;
  }

  async #pace() {
    const start = Date.now();
    while (!this.#isStopped) {
      const due = ((Date.now() - start) / 1000) * this.batchesPerSecond;
      // visitors leave if the relay is down for long, so few of them wait at the same time
      while (this.#next < due && this.#inFlight < 4 * CONNECTIONS)
        void this.#send(this.#next++);
      await sleep(5);
    }
  }

  /** @param {number} number */
  async #send(number) {
    this.#inFlight++;
    const ids = Array.from(
      { length: EVENTS },
      (_, i) => `${this.name}-${number}-${i}`,
    );
    const body = JSON.stringify(
      batchOf(
        `${this.name}-${number}`,
        ids.map((id) => order(id)),
      ),
    );
    for (;;) {
      const outcome = await send(this.port, "/oaiq/v1/sdk/events?pid=p", {
        method: "POST",
        headers: PAGE_HEADERS,
        body,
        agent: this.#agent,
      }).then(
        (response) => response.status,
        ({ code }) => String(code),
      );
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      if (outcome === 202) break;
      await sleep(RETRY_MS);
    }
    for (const id of ids) this.acknowledged.add(id);
    this.#inFlight--;
  }
}
