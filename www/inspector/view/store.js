import { EventLog } from "../model/event-log.js";
import {
  clearCollector,
  factsOfCollector,
  followCollector,
  olderThan,
} from "./collector-client.js";

/** How many older events are fetched at a time. */
export const OLDER = 10_000;

/** How long a failure to clear is shown, in ms. */
const FAILURE_SHOWN_MS = 5000;

/**
 * All that the page knows: what has arrived, what of it is shown, and how the connection is. `changed()` is called after
 * each change.
 */
export class Store {
  /** "connecting", "live", "lost" or "clear-failed". */
  connection = "connecting";
  loaded = false;
  /** Whether the collector has events that are older than all here. */
  hasOlder = false;
  loadingOlder = false;
  facts = {};
  #log = new EventLog();
  /** What is shown while paused: what was there when the pause began. */
  #held;
  #listeners = new Set();

  follow() {
    let connection = this.connection;
    followCollector({
      onReload: (newestFirst, hasOlder) => {
        this.#log.replace(newestFirst);
        this.loaded = true;
        this.hasOlder = hasOlder;
        this.#changed();
        this.#loadFacts();
      },
      onBatch: (events) => {
        this.#log.add(events);
        this.#changed();
      },
      onClear: () => {
        this.#log.clear();
        this.hasOlder = false;
        if (this.#held) this.#held = [];
        this.#changed();
      },
      onState: (state) => {
        connection = state;
        this.connection = state;
        this.#changed();
      },
    });
    this.clear = async () => {
      try {
        await clearCollector();
      } catch {
        this.connection = "clear-failed";
        this.#changed();
        setTimeout(() => {
          this.connection = connection;
          this.#changed();
        }, FAILURE_SHOWN_MS);
      }
    };
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What is shown, newest first; a new array with each change. */
  get entries() {
    return this.#held ?? this.#log.entries;
  }

  get leftOut() {
    return this.#log.leftOut;
  }

  get isPaused() {
    return this.#held !== undefined;
  }

  /** How many have arrived since the pause. */
  get arrived() {
    if (!this.#held) return 0;
    const newest = this.#held[0]?.seq ?? -Infinity;
    const index = this.#log.entries.findIndex(({ seq }) => seq <= newest);
    return index === -1 ? this.#log.entries.length : index;
  }

  pause() {
    this.#held = this.#log.entries;
    this.#changed();
  }

  resume() {
    this.#held = undefined;
    this.#changed();
  }

  get(seq) {
    return this.#log.get(seq);
  }

  async loadOlder() {
    const oldest = this.#log.entries.at(-1)?.seq;
    if (oldest === undefined || this.loadingOlder) return;
    this.loadingOlder = true;
    this.#changed();
    try {
      const older = await olderThan(oldest, OLDER);
      const before = this.#log.entries;
      this.#log.addOlder(older);
      if (this.#held === before) this.#held = this.#log.entries;
      this.hasOlder = older.length === OLDER;
    } catch {
      // The connection's state says it.
    }
    this.loadingOlder = false;
    this.#changed();
  }

  async #loadFacts() {
    try {
      this.facts = await factsOfCollector();
      this.#changed();
    } catch {
      // Without facts there is less to check, and nothing to say.
    }
  }

  #changed() {
    this.#listeners.forEach((listener) => listener());
  }
}
