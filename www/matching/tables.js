// Tables without a prototype, which a page may have extended, and lists without the methods of arrays.

import { findIndex } from "../consent/lists.js";

/**
 * @template T
 * @returns {Record<string, T>}
 */
export const createTable = () => /** @type {any} */ ({ __proto__: null });

/**
 * Calls `work` with the first items of a list, until it returns something true. Returns that.
 *
 * @template T, R
 * @param {ArrayLike<T>} list
 * @param {number} most
 * @param {(item: T) => R} work
 */
export const some = (list, most, work) => {
  for (let i = 0; i < list.length && i < most; i += 1) {
    const result = work(list[i]);
    if (result) return result;
  }
};

/**
 * @param {ArrayLike<unknown>} list
 * @param {unknown} item
 */
export const includes = (list, item) =>
  findIndex(list, (it) => it === item) >= 0;

/**
 * Whether a list has a value of the same kind.
 *
 * @param {ArrayLike<{ key: string, value: string }>} list
 * @param {{ key: string, value: string }} item
 */
export const hasValue = (list, { key, value }) =>
  findIndex(list, (it) => it.key === key && it.value === value) >= 0;
