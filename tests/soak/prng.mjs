// Chance that can be had again: the same seed, the same numbers.

export class Random {
  #state;

  constructor(...seeds) {
    this.#state = 0;
    for (const seed of seeds) {
      this.#state = Math.imul(this.#state ^ seed, 0x9e3779b1);
      this.next();
    }
  }

  /** From 0 to just under 1 (mulberry32). */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  from(least, most) {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  oneOf(all) {
    return all[this.from(0, all.length - 1)];
  }

  chance(part) {
    return this.next() < part;
  }
}
