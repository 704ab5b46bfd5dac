// The keepalive worker outlives the page (Chromium). A page learns nothing about its beacons, but a worker makes the request
// itself and leaves a receipt of a delivery, which the next page finds. www/keepalive/entry.js, a file of its own, starts it.

import { getLocalStorage } from "./storage.js";
import { each, now, tryOr } from "./safe-builtins.js";
import { loadAsset, trustedScriptUrl } from "./lazy-assets.js";

/** localStorage key: when starting the worker last failed, usually because of a Content-Security-Policy. */
const FAILED_AT = "oaiq_outbox.no_courier";
/** How long to wait before the next attempt: browsers report each failure on the console. */
const RETRY_MS = 86_400_000;

/**
 * The port that takes the requests, if a worker is running.
 *
 * @type {MessagePort | null | undefined}
 */
export let workerPort;

/** @type {typeof import("../keepalive/entry.js").start | undefined} */
let create;
/** @type {number | undefined} */
let isRequested;

/**
 * Starts the worker where the browser supports one.
 *
 * @param {() => unknown} hasConsent - may change before the file has loaded, and before the worker fails
 */
export const startWorker = (hasConsent) => {
  const onFailure = () =>
    tryOr(() => {
      workerPort = null;
      if (hasConsent())
        getLocalStorage().setItem(FAILED_AT, /** @type {any} */ (now()));
    });
  tryOr(() => {
    if (
      workerPort ||
      !hasConsent() ||
      !caches ||
      // only Chromium has such workers, and this object
      !(/** @type {any} */ (navigator).userAgentData) ||
      // browser drivers do not see the requests of shared workers, so a site's tests would miss events
      navigator.webdriver ||
      now() - /** @type {any} */ (getLocalStorage().getItem(FAILED_AT)) <
        RETRY_MS
    )
      return;
    if (create) workerPort = create(trustedScriptUrl, onFailure);
    else if (!isRequested) {
      isRequested = 1;
      loadAsset(
        "keepalive",
        (start) => {
          create = start;
          startWorker(hasConsent);
        },
        onFailure,
      );
    }
  });
};

/**
 * Stops using the worker, and deletes its receipts and the time of its last failure.
 *
 * @param {string} prefix - the start of the names of all receipts
 */
export const discardWorker = (prefix) =>
  tryOr(() => {
    workerPort = null;
    getLocalStorage().removeItem(FAILED_AT);
    /** @param {string} name */
    const remove = (name) => name.startsWith(prefix) && caches.delete(name);
    caches.keys().then(
      (names) => each(names, remove),
      () => {},
    );
  });
