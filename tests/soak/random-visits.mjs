// Random visits of one visitor, over a network that fails now and then.
import { setTimeout as pause } from "node:timers/promises";
import { EVENT_KINDS } from "./visitor.mjs";

/**
 * @typedef {import("./prng.mjs").Prng} Prng
 * @typedef {import("./visitor.mjs").Visitor} Visitor
 * @typedef {Parameters<Visitor["openTab"]>} PageChoice
 */

export const VISITS_PER_VISITOR = 4;

/** The longest time between two outages. */
const MAX_UPTIME_MS = 60_000;

/** Causes random outages until `stop`; then the network is up. */
class Outages {
  #abort = new AbortController();
  #stopped;

  /**
   * @param {Visitor} visitor
   * @param {Prng} prng
   */
  constructor(visitor, prng) {
    this.#stopped = this.#run(visitor, prng);
  }

  /**
   * @param {Visitor} visitor
   * @param {Prng} prng
   */
  async #run(visitor, prng) {
    const { signal } = this.#abort;
    const wait = (/** @type {number} */ ms) =>
      pause(ms, undefined, { signal }).catch(() => {});
    for (;;) {
      await wait(prng.integer(0, MAX_UPTIME_MS));
      if (signal.aborted) return;
      const kind = prng.pick(
        /** @type {const} */ (["down", "down", "stalled", "offline"]),
      );
      if (kind === "offline") await visitor.setOffline(true);
      else visitor.connection.setState(kind);
      await wait(prng.integer(500, 8_000));
      if (kind === "offline") await visitor.setOffline(false);
      else visitor.connection.setState("up");
    }
  }

  async stop() {
    this.#abort.abort();
    await this.#stopped;
  }
}

/** @param {Prng} prng */
const pickKinds = (prng) =>
  Array.from({ length: prng.integer(1, 3) }, () => prng.pick(EVENT_KINDS));

/**
 * A random kind of page, and what to wait for. The script of a page with the snippet may be delayed.
 *
 * @param {Visitor} visitor
 * @param {Prng} prng
 * @returns {Required<PageChoice>}
 */
const pickPage = (visitor, prng) => {
  if (prng.chance(0.5)) return ["script", "load"];
  if (prng.chance(0.3) && !visitor.connection.heldScript)
    setTimeout(visitor.connection.holdScript(), prng.integer(0, 1_500));
  return ["snippet", "domcontentloaded"];
};

/**
 * All of a visitor's pages but the last. The outages have their own numbers, so that they do not change the visits.
 *
 * @param {Visitor} visitor
 * @param {Prng} prng
 * @param {Prng} outagePrng
 */
export const simulateVisits = async (visitor, prng, outagePrng) => {
  const outages = new Outages(visitor, outagePrng);
  try {
    for (let visits = 0; visits < VISITS_PER_VISITOR; visits += 1)
      await simulateVisit(visitor, prng);
  } finally {
    await outages.stop();
  }
  await visitor.connection.heldScript;
};

/**
 * @param {Visitor} visitor
 * @param {Prng} prng
 */
const simulateVisit = async (visitor, prng) => {
  let page = pickPage(visitor, prng);
  await visitor.openTab(...page);
  for (let pages = prng.integer(1, 4); pages > 0; pages -= 1) {
    for (let calls = prng.integer(0, 3); calls > 0; calls -= 1) {
      await visitor.measure(pickKinds(prng));
      await visitor.wait(prng.integer(0, 3_000) / calls);
    }
    if (pages === 1) break;
    const way = prng.next();
    if (way < 0.2) await visitor.measure(pickKinds(prng), true);
    else if (way < 0.35) await visitor.reload(page[1]);
    else {
      page = pickPage(visitor, prng);
      await visitor.goto(...page);
    }
  }
  // before the script has loaded, nothing can store events
  if (prng.chance(0.3) && (await visitor.hasScript())) {
    await visitor.waitInPage(prng.integer(0, 800));
    await visitor.crash();
  } else await visitor.closeTab();
};
