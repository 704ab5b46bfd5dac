// What fields are called, and which event the submit of a form measures. Pure: nothing here needs a browser.

import { each } from "../consent/lists.js";
import { tryOr } from "../pixel/safe-builtins.js";
import { FIRST, TOUCH_FIELDS } from "./touches.js";

/**
 * The name that each field has in the site's forms.
 *
 * @typedef {Record<string, string>} Names
 */

/**
 * The event that an option names; undefined if it names none.
 *
 * @param {unknown} option - the text of an attribute, or `oaiq.config.fields`
 * @returns {string | undefined}
 */
export const eventIn = (option) => {
  const name = tryOr(() => /** @type {any} */ (option).event) ?? option;
  if (typeof name === "string" && !/^\s*(true|off)?\s*$/.test(name))
    return name.trim();
};

/**
 * @param {unknown} config - `oaiq.config.fields`, which may rename fields, and leave out those whose name is false
 * @returns {Names}
 */
export const fieldNames = (config) => {
  /** @type {Names} */
  const names = /** @type {any} */ ({ __proto__: null });
  /** @param {string} field */
  const add = (field) => {
    const name = tryOr(() => /** @type {any} */ (config)[field]) ?? field;
    if (name && typeof name === "string") names[field] = name;
  };
  each(["event_id", "oppref", "obref", "conversion_page"], add);
  each(TOUCH_FIELDS, add);
  each(TOUCH_FIELDS, (field) => add(FIRST + field));
  return names;
};

/**
 * Returns the value to write into a field, or undefined to leave it as it is: what the site has filled is never overwritten.
 *
 * @param {string} current
 * @param {string | undefined} written - what was written into it last
 * @param {string} wanted
 */
export const valueToWrite = (current, written, wanted) =>
  (current === "" || current === written) && current !== wanted
    ? wanted
    : undefined;
