// Leases on outbox records: a page claims each of its records, so that no other page recovers it.
//
// A claim is a lock (Web Locks), which the browser releases when the page ends. On plain http there are no locks. There the
// record is preceded by a time, which its page renews every few seconds: a record with an old time is an orphan.

import { locks, writeRecord } from "./outbox-records.js";
import { setTimer, tryOr } from "./safe-builtins.js";
import { OUTBOX_PREFIX } from "./protocol.gen.js";

/** Shorter than LEASE_MS of www/recovery/entry.js. */
const LEASE_RENEW_MS = 4_000;

/**
 * Releases the lock of a record that this page has claimed, by name.
 *
 * @type {Record<string, () => void>}
 */
export const lockReleases = /** @type {any} */ ({ __proto__: null });

/** @type {number | undefined} */
let renewing;
const renew = () => {
  renewing = 0;
  for (const name in lockReleases) {
    writeRecord(name);
    renewing ||= setTimer(renew, LEASE_RENEW_MS);
  }
};

/**
 * Claims a record and then does `work`, unless another page has claimed the record.
 *
 * @param {string} name
 * @param {() => void} work
 */
export const claimRecord = (name, work) => {
  /** @param {() => void} release */
  const onClaimed = (release) => {
    lockReleases[name] = release;
    tryOr(work);
    if (!locks && !renewing) renew();
  };
  if (locks)
    locks
      .request(
        OUTBOX_PREFIX + name,
        { ifAvailable: true },
        // the lock is held until this thenable is resolved
        (lock) => lock && { then: onClaimed },
      )
      .then(null, () => {});
  else onClaimed(() => {});
};
