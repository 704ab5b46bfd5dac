/** @import { EventRecord } from "./types.d.ts" */

/** How many entries the log holds at first. Bounded, because an inspector may stay open during a load test. */
const MAX_ENTRIES = 20_000;

/** The entries that the page has, bounded. Each change makes a new `entries` array, so an old one is a snapshot. */
export class EventLog {
  /**
   * Newest first.
   *
   * @type {EventRecord[]}
   */
  entries = [];
  /** How many older entries the log dropped; the collector may still have them. */
  omitted = 0;
  #capacity;
  /** @type {Map<number, EventRecord>} */
  #bySeq = new Map();

  constructor(capacity = MAX_ENTRIES) {
    this.#capacity = capacity;
  }

  /** @param {EventRecord[]} newestFirst */
  replaceAll(newestFirst) {
    this.clear();
    this.append([...newestFirst].reverse());
  }

  /**
   * Adds entries that have just arrived. Those that the log has already are left out.
   *
   * @param {EventRecord[]} oldestFirst
   */
  append(oldestFirst) {
    const newest = this.entries[0]?.seq ?? -Infinity;
    const added = oldestFirst.filter(({ seq }) => seq > newest).reverse();
    if (added.length === 0) return;
    this.#index(added);
    this.entries = [...added, ...this.entries];
    for (const { seq } of this.entries.splice(this.#capacity)) {
      this.omitted += 1;
      this.#bySeq.delete(seq);
    }
  }

  /**
   * Adds older entries that were asked for, and raises the capacity by as many.
   *
   * @param {EventRecord[]} newestFirst
   */
  prependOlder(newestFirst) {
    const oldest = this.entries.at(-1)?.seq ?? Infinity;
    const added = newestFirst.filter(({ seq }) => seq < oldest);
    this.#index(added);
    this.#capacity += added.length;
    this.entries = [...this.entries, ...added];
    this.omitted = Math.max(0, this.omitted - added.length);
  }

  /** @param {number} seq */
  get(seq) {
    return this.#bySeq.get(seq);
  }

  clear() {
    this.entries = [];
    this.omitted = 0;
    this.#bySeq.clear();
  }

  /** @param {EventRecord[]} entries */
  #index(entries) {
    for (const entry of entries) this.#bySeq.set(entry.seq, entry);
  }
}
