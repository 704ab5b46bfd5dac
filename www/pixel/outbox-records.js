// The records of the outbox (src/tracker/outbox.rs) in localStorage, one key each. Who owns a record is not stored.
//
// A record's text may be preceded by the time of a lease (outbox-leases.js), or by the mark of an unconfirmed delivery.

import { now, tryOr } from "./safe-builtins.js";
import { OUTBOX_PREFIX } from "./protocol.gen.js";
import { getLocalStorage } from "./storage.js";

/** Precedes a record that has probably been delivered. */
const UNCONFIRMED = "?";

/** The browser's locks; undefined on plain http. */
export const locks = tryOr(() => navigator.locks);

/**
 * The texts of this page's records, by name.
 *
 * @type {Record<string, string>}
 */
export const records = /** @type {any} */ ({ __proto__: null });

/** @type {boolean | undefined} */
export let hasWriteFailed;

/** @param {string} name */
export const writeRecord = (name) => {
  try {
    getLocalStorage().setItem(
      OUTBOX_PREFIX + name,
      (locks ? "" : now()) + records[name],
    );
  } catch {
    hasWriteFailed = true;
  }
};

/** @param {string} name */
export const readRecord = (name) =>
  getLocalStorage().getItem(OUTBOX_PREFIX + name) || "";

/** @param {string} name */
export const isUnconfirmed = (name) => readRecord(name)[0] === UNCONFIRMED;

/**
 * Stores a record that has probably been delivered. No page will learn for certain, but a failure of the next request makes
 * it likely that this one failed too.
 *
 * @param {string} name
 * @param {string} text
 */
export const saveUnconfirmed = (name, text) =>
  getLocalStorage().setItem(OUTBOX_PREFIX + name, UNCONFIRMED + text);

/** The names of all records, of this page and of others. */
export const recordNames = () => {
  const storage = getLocalStorage();
  /** @type {string[]} */
  const names = [];
  for (let i = 0; i < storage.length; i += 1) {
    const name = /^oaiq_outbox\.1:([\w.-]+)$/.exec(
      /** @type {string} */ (storage.key(i)),
    )?.[1];
    if (name) names[names.length] = name;
  }
  return names;
};
