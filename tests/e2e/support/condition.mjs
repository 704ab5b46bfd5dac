// Waiting for a condition instead of for a time.

/** More than any machine needs. */
const PATIENCE_MS = 60_000;

/** Those who wait for something that others change and tell of. */
export class Waiting {
  #looks = new Set();
  #describe;

  /** `describe()`: what there is instead, for the message of a test that has waited in vain. */
  constructor(describe) {
    this.#describe = describe;
  }

  changed() {
    this.#looks.forEach((look) => look());
  }

  /** Resolves once that holds. */
  until(what, holds) {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#looks.delete(look);
        clearTimeout(timer);
      };
      const look = () => {
        if (!holds()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`${what} did not come; ${this.#describe()}`));
      }, PATIENCE_MS);
      this.#looks.add(look);
      look();
    });
  }
}
