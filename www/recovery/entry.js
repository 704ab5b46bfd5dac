// oaiq.recovery.min.js: recovers the undelivered events of pages that have ended, and finds out whether a failed request has
// arrived after all. The script loads this file when it first needs either (`getRecovery` in www/pixel/outbox-store.js).

import { OUTBOX_CORRUPT_KEY, OUTBOX_PREFIX } from "../pixel/protocol.gen.js";
import { isArray, serialize } from "../pixel/serialize-call.js";
import { now, random, setTimer, tryOr } from "../pixel/safe-builtins.js";

/** A time that precedes a record is a lease of this many milliseconds. */
const LEASE_MS = 9_000;
/** After this time, in milliseconds, all pages see the same value of a key, even on a busy machine. */
const SETTLE_MS = 1_000;
/** The depth of a record for `serialize`, so that the arguments of its calls have that of a page's calls. */
const RECORD_DEPTH = -2;
/** From this many failures in a row on, something other than the network may be the cause. */
const SUSPICIOUS_FAILURES = 3;

/**
 * Returns the call that measures an event of a record again. What was saved before the script had loaded is a call already.
 * Anyone may have written to the storage, so the module validates it like a call of the page.
 *
 * @param {any} event
 */
const toCall = (event) => {
  if (isArray(event) || typeof event !== "object" || !event) return event;
  const { type, timestamp_ms, id, source_url, referrer_url, data } = event;
  const { custom_event_name, opt_out } = event;
  return [
    timestamp_ms,
    source_url ?? "",
    referrer_url ?? "",
    "measure",
    type,
    data,
    { event_id: id, custom_event_name, opt_out },
  ];
};

/**
 * Returns a record with calls for events, serialized; undefined if it is not JSON.
 *
 * @param {string} text
 */
const readRecordText = (text) =>
  tryOr(() => {
    const record = JSON.parse(text);
    const events = record?.events;
    if (isArray(events))
      for (let i = 0; i < events.length; i += 1) events[i] = toCall(events[i]);
    return serialize(record, RECORD_DEPTH);
  });

/**
 * @typedef {object} Recovery
 * @property {(name: string) => void} recoverOrphan - resends the events of a record if its page has ended
 * @property {(
 *   url: string,
 *   failures: number,
 *   configUrl: string,
 *   onSettled: import("../pixel/requests.js").OnSettled,
 * ) => void} findUnseen - settles a request that seems to have failed, if there is evidence that it has arrived and the response
 *   is withheld from the page. `failures` is the number of failures in a row, `configUrl` the URL of a pixel config
 */

/** @typedef {typeof start} Start */

/**
 * What www/pixel/outbox-store.js passes to this file.
 *
 * @param {Record<string, string>} records
 * @param {Record<string, () => void>} lockReleases
 * @param {LockManager | undefined} locks
 * @param {(name: string) => string} readRecord
 * @param {(name: string, work: () => void) => void} claimRecord
 * @param {(isUnloading: number, name: string, text: string) => unknown} putRecord
 * @param {typeof import("../pixel/wasm-bridge.js").callModule} callModule
 * @param {(text: string) => void} writeString
 * @returns {Recovery}
 */
const start = (
  records,
  lockReleases,
  locks,
  readRecord,
  claimRecord,
  putRecord,
  callModule,
  writeString,
) => {
  /**
   * @param {string} key
   * @param {string} text
   */
  const write = (key, text) => localStorage.setItem(key, text);
  /**
   * Returns a record without its lease and without the mark of an unconfirmed delivery.
   *
   * @param {string} name
   */
  const stripPrefix = (name) => readRecord(name).replace(/^[\d.?]+/, "");

  /**
   * Passes on whether a keepalive worker has left a receipt for a record's request, an empty cache named after its key
   * (www/keepalive/worker.js), and then deletes the receipt.
   *
   * @param {string} name
   * @param {(isDelivered: boolean | undefined) => void} then
   */
  const takeReceipt = async (name, then) => {
    const key = OUTBOX_PREFIX + name;
    // some browsers refuse caches in private windows, where no worker could leave a receipt either
    const isDelivered = await tryOr(() => caches.has(key).catch(() => false));
    tryOr(() => then(isDelivered));
    if (isDelivered) await caches.delete(key);
  };

  /**
   * @param {string} name
   * @param {boolean | undefined} isDelivered
   */
  const resend = (name, isDelivered) => {
    const text = records[name];
    if (!text || isDelivered) return putRecord(0, name, "");
    const record = readRecordText(text);
    if (!record) write(OUTBOX_CORRUPT_KEY, `${now()} ${text}`);
    callModule((module) => {
      writeString(`["${name}",${record ?? "u"}]`);
      module.recoverRecord();
    });
  };

  /** @param {string} name */
  const onClaimed = (name) => () => {
    // read again: the record's page may have changed it before it ended
    records[name] = stripPrefix(name);
    takeReceipt(name, (isDelivered) => resend(name, isDelivered)).catch(
      () => {},
    );
  };

  return {
    recoverOrphan(name) {
      // by the absolute difference, because the clock may have been set back
      const isLeased = Math.abs(now() - parseInt(readRecord(name))) < LEASE_MS;
      if (lockReleases[name] || isLeased || !readRecord(name)) return;
      if (locks) return claimRecord(name, onClaimed(name));
      // of several pages that try at once, the last to write gets the record
      const mine = now() + random() + stripPrefix(name);
      write(OUTBOX_PREFIX + name, mine);
      setTimer(
        () =>
          tryOr(
            () =>
              readRecord(name) === mine && claimRecord(name, onClaimed(name)),
          ),
        SETTLE_MS,
      );
    },

    findUnseen(url, failures, configUrl, onSettled) {
      const onUnseen = () => onSettled(1, 0, 1);
      // the page's Cross-Origin-Embedder-Policy has blocked the response
      tryOr(() =>
        new ReportingObserver(
          (reports) =>
            reports.some((it) => it.body?.toJSON().blockedURL === url) &&
            onUnseen(),
          { types: ["coep"], buffered: true },
        ).observe(),
      );
      // a service worker may fail although the request has arrived; if the network works, assume that it has
      if (
        failures >= SUSPICIOUS_FAILURES &&
        tryOr(() => navigator.serviceWorker.controller)
      )
        fetch(configUrl, {
          cache: "no-store",
          credentials: "omit",
          referrerPolicy: "no-referrer",
        }).then(onUnseen, () => {});
    },
  };
};

tryOr(() => window.oaiq.__recovery(start));
