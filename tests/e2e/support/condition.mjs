// Waits for a condition instead of for a time.

/** More than any machine needs. */
const TIMEOUT_MS = 60_000;

/** A condition on something that changes and notifies of it. */
export class Condition {
  /** @type {Set<() => void>} */
  #checks = new Set();
  #describe;

  /** @param {() => string} describe the present state, for the message of a test that has timed out */
  constructor(describe) {
    this.#describe = describe;
  }

  notify() {
    this.#checks.forEach((check) => check());
  }

  /**
   * Resolves once `isMet()`, and rejects after a minute.
   *
   * @param {string} what for the message
   * @param {() => unknown} isMet
   * @returns {Promise<void>}
   */
  wait(what, isMet) {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#checks.delete(check);
        clearTimeout(timer);
      };
      const check = () => {
        if (!isMet()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`timed out waiting for ${what}; ${this.#describe()}`));
      }, TIMEOUT_MS);
      this.#checks.add(check);
      check();
    });
  }
}
