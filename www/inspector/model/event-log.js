/** The newest entries, bounded: an inspector left open over a load test must not grow without end. */
export const MOST_ENTRIES = 2000;

export class EventLog {
  /** Newest first. */
  entries = [];
  /** How many older entries have been left out. */
  leftOut = 0;
  #firstByKey = new Map();
  #repeats = new WeakSet();

  /** Takes what the collector holds in place of all that is here. */
  replace(newestFirst) {
    this.clear();
    this.add([...newestFirst].reverse());
  }

  /** Takes entries in the order in which they arrived, and returns those that were not here yet, newest first. */
  add(oldestFirst) {
    const newest = this.entries[0]?.seq ?? -Infinity;
    const added = oldestFirst.filter((entry) => entry.seq > newest);
    added.forEach((entry) => this.#noteRepeat(entry));
    added.reverse();

    this.entries = [...added, ...this.entries];
    for (const entry of this.entries.splice(MOST_ENTRIES)) {
      this.leftOut += 1;
      const key = repeatKey(entry);
      if (this.#firstByKey.get(key) === entry) this.#firstByKey.delete(key);
    }
    return added;
  }

  clear() {
    this.entries = [];
    this.leftOut = 0;
    this.#firstByKey.clear();
  }

  /** Whether an earlier entry is the same event; of such, OpenAI keeps the first. */
  isRepeat(entry) {
    return this.#repeats.has(entry);
  }

  #noteRepeat(entry) {
    const key = repeatKey(entry);
    if (this.#firstByKey.has(key)) this.#repeats.add(entry);
    else this.#firstByKey.set(key, entry);
  }
}

function repeatKey({ pixel, event }) {
  const name = event.custom_event_name ?? event.type;
  return JSON.stringify([pixel, name, event.id]);
}
