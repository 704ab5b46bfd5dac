// The outbox (src/tracker/outbox.rs) of this page: stores the records of its undelivered events, settles unconfirmed
// deliveries, and finds the records of pages that have ended, which www/recovery/entry.js recovers.

import { discardWorker, startWorker, workerPort } from "./keepalive-worker.js";
import { getLocalStorage } from "./storage.js";
import { loadAsset } from "./lazy-assets.js";
import {
  hasWriteFailed,
  isUnconfirmed,
  locks,
  readRecord,
  recordNames,
  records,
  writeRecord,
} from "./outbox-records.js";
import { claimRecord, lockReleases } from "./outbox-leases.js";
import { callModule, writeString } from "./wasm-bridge.js";
import { each, now, setTimer, tryOr, warn } from "./safe-builtins.js";
import { OUTBOX_CORRUPT_KEY, OUTBOX_PREFIX } from "./protocol.gen.js";

/** How long a record that could not be read is stored. The time at which it was set aside precedes it. */
const CORRUPT_MS = 6048e5;
/** How long until orphans are looked for again: LEASE_MS of www/recovery/entry.js. */
const RECOVERY_INTERVAL_MS = 9_000;

/** @type {boolean | undefined} */
let isFailureReported;
/**
 * `Host::outbox_put` of src/host.rs. Returns false once, after the first failed write, else true.
 *
 * @param {number} isUnloading
 * @param {string} name
 * @param {string} text
 */
export const putRecord = (isUnloading, name, text) => {
  if (!name) {
    each(recordNames(), (it) => putRecord(0, it, ""));
    hasConsent = 0;
    getLocalStorage().removeItem(OUTBOX_CORRUPT_KEY);
    // www/fields/entry.js stores it, which this page may not have
    getLocalStorage().removeItem("oaiq_touches");
    discardWorker(OUTBOX_PREFIX);
  } else if (text) {
    const known = records[name];
    records[name] = text;
    // an unclaimed record that is stored may be recovered by another page; during unload that is intended
    if (isUnloading || lockReleases[name]) writeRecord(name);
    if (!known)
      claimRecord(name, () => {
        // it may have been removed meanwhile
        if (records[name]) writeRecord(name);
        else putRecord(0, name, "");
      });
  } else {
    getLocalStorage().removeItem(OUTBOX_PREFIX + name);
    lockReleases[name]?.();
    delete records[name];
    delete lockReleases[name];
  }
  return isFailureReported || !(isFailureReported = hasWriteFailed);
};

/** @type {import("../recovery/entry.js").Recovery | undefined} */
let recovery;
/** @type {number | undefined} */
let isRecoveryRequested;
/** Returns what www/recovery/entry.js does. The first call loads that file; once it has loaded, records are recovered. */
export const getRecovery = () => {
  if (!isRecoveryRequested) {
    isRecoveryRequested = 1;
    loadAsset(
      "recovery",
      (start) => {
        recovery = start(
          records,
          lockReleases,
          locks,
          readRecord,
          claimRecord,
          putRecord,
          callModule,
          writeString,
        );
        if (hasConsent) recoverRecords();
      },
      warn,
    );
  }
  return recovery;
};

/**
 * Whether the records of other pages may be read, which requires consent.
 *
 * @type {number | undefined}
 */
let hasConsent;
/** Whether cookies and storage may be used: consent is granted, and the module has read them. */
export const mayStore = () => hasConsent;

/** @type {number | undefined} */
let recoveryTimer;
const scheduleRecovery = () => {
  recoveryTimer ||= setTimer(() => {
    recoveryTimer = 0;
    tryOr(recoverRecords);
  }, RECOVERY_INTERVAL_MS);
};

/**
 * Lets the keepalive worker make a request, and stores its record until it is delivered. The time that precedes the record is a
 * lease that is never renewed. Throws if no worker is running.
 *
 * @param {string} name
 * @param {string} text
 * @param {string} url
 * @param {RequestInit} request
 */
export const sendViaWorker = (name, text, url, request) => {
  const key = OUTBOX_PREFIX + name;
  /** @type {MessagePort} */ (workerPort).postMessage([key, url, request]);
  scheduleRecovery();
  tryOr(() => getLocalStorage().setItem(key, now() + text));
  return 1;
};

/**
 * Recovers a record if its page has ended.
 *
 * @param {string} name
 */
const recoverRecord = (name) => {
  if (lockReleases[name] || isUnconfirmed(name)) return;
  scheduleRecovery();
  getRecovery()?.recoverOrphan(name);
};

/**
 * Settles the unconfirmed records after a request of this page: what was sent shortly before has most likely had the same
 * outcome.
 *
 * @param {unknown} isDelivered
 */
export const settleUnconfirmed = (isDelivered) => {
  each(hasConsent ? recordNames() : [], (name) => {
    if (!isUnconfirmed(name)) return;
    if (isDelivered) return putRecord(0, name, "");
    getLocalStorage().setItem(OUTBOX_PREFIX + name, readRecord(name).slice(1));
    recoverRecord(name);
  });
};

/** Recovers the records of pages that have ended, again and again while other pages have records. */
export const recoverRecords = () => {
  const names = recordNames();
  hasConsent = 1;
  const corrupt = getLocalStorage().getItem(OUTBOX_CORRUPT_KEY);
  if (corrupt && !(now() - parseInt(corrupt) < CORRUPT_MS))
    getLocalStorage().removeItem(OUTBOX_CORRUPT_KEY);
  each(names, recoverRecord);
  // consent may be denied meanwhile
  setTimer(() => startWorker(() => hasConsent));
};
