// Reads values of other scripts' objects: only own properties, and nothing that throws.

import { tryOr } from "../pixel/safe-builtins.js";

const { getOwnPropertyDescriptor } = Object;

/** No ID and no name is longer, in UTF-16 units. */
const MAX_TEXT = 1_000;
/** What scripts and templates write where they have no value. As an ID, it would make one order of all. */
const PLACEHOLDER = /^(undefined|null|nan|\(not set\)|\[object .*)$|\{\{|\$\{/i;
/** An email address, or a phone number in the international format. */
const PERSONAL = /[^\s@](@|%40)[^\s@]+\.[a-z]{2}|^\+[\s\d().-]{8,}$/i;

/**
 * @param {unknown} value
 * @returns {value is object}
 */
export const isObject = (value) => typeof value === "object" && value !== null;

/**
 * The value of an object's own property; undefined if it has none, or if reading it throws.
 *
 * @param {unknown} object
 * @param {string} name
 * @returns {unknown}
 */
export const own = (object, name) =>
  tryOr(() =>
    isObject(object) && getOwnPropertyDescriptor(object, name)
      ? /** @type {Record<string, unknown>} */ (object)[name]
      : undefined,
  );

/**
 * A value as the text of an ID or a name; undefined if it cannot be one.
 *
 * @param {unknown} value
 */
export const textOf = (value) => {
  const isNumber = typeof value === "number" && value - value === 0;
  const text = isNumber || typeof value === "string" ? `${value}`.trim() : "";
  return text && text.length <= MAX_TEXT && !PLACEHOLDER.test(text)
    ? text
    : undefined;
};

/**
 * Whether a text identifies a person.
 *
 * @param {string} text
 */
export const isPersonal = (text) => PERSONAL.test(text);
