// Reproducible random numbers: the same seeds give the same numbers.

export class Prng {
  #state = 0;

  /** @param {number[]} seeds */
  constructor(...seeds) {
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

  /**
   * An integer from `min` to `max`, both included.
   *
   * @param {number} min
   * @param {number} max
   */
  integer(min, max) {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /**
   * One of these values.
   *
   * @template T
   * @param {readonly T[]} values
   */
  pick(values) {
    return /** @type {T} */ (values[this.integer(0, values.length - 1)]);
  }

  /**
   * True with this probability.
   *
   * @param {number} probability
   */
  chance(probability) {
    return this.next() < probability;
  }
}
