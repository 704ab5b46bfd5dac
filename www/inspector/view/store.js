/** @import { CollectorInfo, ConnectionState, EventRecord } from "../model/types.d.ts" */
import { EventLog } from "../model/event-log.js";
import {
  clearEvents,
  fetchCollectorInfo,
  fetchOlder,
  subscribe,
} from "./collector-client.js";

/** How many older events are fetched at a time. */
export const PAGE_SIZE = 10_000;

/** How long a failure to clear is shown. */
const FAILURE_SHOWN_MS = 5000;

/** The page's state: the events that have arrived, those that are shown, and the connection. */
export class Store {
  /** Whether the first load is done. */
  loaded = false;
  /** Whether the collector has events older than all here. */
  hasOlder = false;
  loadingOlder = false;
  /** @type {CollectorInfo} */
  collectorInfo = {};
  #log = new EventLog();
  /**
   * What is shown while paused.
   *
   * @type {EventRecord[] | undefined}
   */
  #snapshot;
  /** @type {ConnectionState} */
  #connection = "connecting";
  #hasClearFailed = false;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  connect() {
    subscribe({
      onReload: (newestFirst, hasOlder) => {
        this.#log.replaceAll(newestFirst);
        this.loaded = true;
        this.hasOlder = hasOlder;
        this.#notify();
        this.#loadCollectorInfo();
      },
      onBatch: (oldestFirst) => {
        this.#log.append(oldestFirst);
        this.#notify();
      },
      onClear: () => {
        this.#log.clear();
        this.hasOlder = false;
        if (this.#snapshot) this.#snapshot = [];
        this.#notify();
      },
      onState: (state) => {
        this.#connection = state;
        this.#hasClearFailed = false;
        this.#notify();
      },
    });
  }

  /** @param {() => void} listener called after each change */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** @returns {ConnectionState} */
  get connection() {
    return this.#hasClearFailed ? "clear-failed" : this.#connection;
  }

  /** The events that are shown, newest first; a new array after each change. */
  get entries() {
    return this.#snapshot ?? this.#log.entries;
  }

  /** How many older events were dropped to bound memory. */
  get omitted() {
    return this.#log.omitted;
  }

  get isPaused() {
    return this.#snapshot !== undefined;
  }

  /** How many events have arrived since the pause. */
  get newSincePause() {
    if (!this.#snapshot) return 0;
    const newest = this.#snapshot[0]?.seq ?? -Infinity;
    const index = this.#log.entries.findIndex(({ seq }) => seq <= newest);
    return index === -1 ? this.#log.entries.length : index;
  }

  pause() {
    this.#snapshot = this.#log.entries;
    this.#notify();
  }

  resume() {
    this.#snapshot = undefined;
    this.#notify();
  }

  /** @param {number} seq */
  get(seq) {
    return this.#log.get(seq);
  }

  /** Deletes all events at the collector. The stream then reports it to every inspector. */
  async clear() {
    try {
      await clearEvents();
    } catch {
      this.#hasClearFailed = true;
      this.#notify();
      setTimeout(() => {
        this.#hasClearFailed = false;
        this.#notify();
      }, FAILURE_SHOWN_MS);
    }
  }

  async loadOlder() {
    const oldest = this.#log.entries.at(-1)?.seq;
    if (oldest === undefined || this.loadingOlder) return;
    this.loadingOlder = true;
    this.#notify();
    try {
      const older = await fetchOlder(oldest, PAGE_SIZE);
      const before = this.#log.entries;
      this.#log.prependOlder(older);
      if (this.#snapshot === before) this.#snapshot = this.#log.entries;
      this.hasOlder = older.length === PAGE_SIZE;
    } catch {
      // the connection's state shows that the collector cannot be reached
    }
    this.loadingOlder = false;
    this.#notify();
  }

  async #loadCollectorInfo() {
    try {
      this.collectorInfo = await fetchCollectorInfo();
      this.#notify();
    } catch {
      // without it there is less to check
    }
  }

  #notify() {
    this.#listeners.forEach((listener) => listener());
  }
}
