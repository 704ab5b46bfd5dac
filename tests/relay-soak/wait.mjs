// Waiting and checking.
import { setTimeout as sleep } from "node:timers/promises";

export { sleep };

/**
 * Waits until `get` returns something other than undefined, null or false, and returns it.
 *
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} get
 * @param {{ seconds?: number, everyMs?: number }} [options]
 * @returns {Promise<NonNullable<T>>}
 */
export const until = async (
  what,
  get,
  { seconds = 120, everyMs = 50 } = {},
) => {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await get();
    if (value) return value;
    if (Date.now() > end)
      throw new Error(`waited ${seconds} s in vain for ${what}`);
    await sleep(everyMs);
  }
};

/**
 * Fails the scenario with this message unless the condition holds.
 *
 * @param {unknown} condition
 * @param {string} message
 * @returns {asserts condition}
 */
export function check(condition, message) {
  if (!condition) throw new Error(message);
}
