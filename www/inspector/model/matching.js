/** @import { EventRecord } from "./types.d.ts" */
import { asObject } from "./event.js";

/** The parts of user data that automatic advanced matching adds, and where their values come from. */
const PARTS = /** @type {const} */ ([
  ["fm", "forms"],
  ["js", "other scripts"],
  ["ht", "the page's text"],
]);

/**
 * What was read from the page: for each part that a request has, its source, and its fields with the number of their values.
 *
 * @param {EventRecord} entry
 */
export const readFromPage = ({ user }) =>
  PARTS.flatMap(([part, source]) => {
    const fields = Object.entries(asObject(asObject(user)[part])).map(
      ([field, value]) => ({
        field,
        count: Array.isArray(value) ? value.length : 1,
      }),
    );
    return fields.length > 0 ? [{ part, source, fields }] : [];
  });

/**
 * The parts themselves.
 *
 * @param {EventRecord} entry
 */
export const partsFromPage = ({ user }) =>
  PARTS.map(([part]) => asObject(asObject(user)[part]));
