/** How many entries are kept at first: an inspector left open over a load test must not grow without end. */
export const MOST_ENTRIES = 20_000;

/** What has arrived, bounded. `entries` is a new array with every change, so that who holds an old one has a snapshot. */
export class EventLog {
  /** Newest first. */
  entries = [];
  /** How many older entries have been left out here; the collector may still have them. */
  leftOut = 0;
  #most;
  #bySeq = new Map();

  constructor(most = MOST_ENTRIES) {
    this.#most = most;
  }

  /** Takes what the collector holds in place of all that is here. */
  replace(newestFirst) {
    this.clear();
    this.add([...newestFirst].reverse());
  }

  /** Takes entries in the order in which they arrived. */
  add(oldestFirst) {
    const newest = this.entries[0]?.seq ?? -Infinity;
    const added = oldestFirst.filter(({ seq }) => seq > newest).reverse();
    if (added.length === 0) return;
    this.#keep(added);
    this.entries = [...added, ...this.entries];
    for (const { seq } of this.entries.splice(this.#most)) {
      this.leftOut += 1;
      this.#bySeq.delete(seq);
    }
  }

  /** Takes older entries that were asked for, and holds that many more from then on. */
  addOlder(newestFirst) {
    const oldest = this.entries.at(-1)?.seq ?? Infinity;
    const added = newestFirst.filter(({ seq }) => seq < oldest);
    this.#keep(added);
    this.#most += added.length;
    this.entries = [...this.entries, ...added];
    this.leftOut = Math.max(0, this.leftOut - added.length);
  }

  get(seq) {
    return this.#bySeq.get(seq);
  }

  clear() {
    this.entries = [];
    this.leftOut = 0;
    this.#bySeq.clear();
  }

  #keep(entries) {
    for (const entry of entries) this.#bySeq.set(entry.seq, entry);
  }
}
