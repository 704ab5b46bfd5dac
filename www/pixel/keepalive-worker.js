// The keepalive worker: a SharedWorker with `extendedLifetime`, which outlives the page (Chromium). A page learns nothing about
// its beacons, but a worker makes the request itself and leaves a receipt of a delivery, which the next page finds.

import { text } from "oaiq:keepalive-worker";
import { trustedScriptUrl } from "./lazy-assets.js";
import { each, now, tryOr } from "./safe-builtins.js";
import { getLocalStorage } from "./storage.js";

/** localStorage key: when starting the worker last failed, usually because of a Content-Security-Policy. */
const FAILED_AT = "oaiq_outbox.no_courier";
/** How long to wait before the next attempt: browsers report each one on the console. */
const RETRY_MS = 86_400_000;

/**
 * Takes the requests, if a worker is running.
 *
 * @type {MessagePort | null | undefined}
 */
export let workerPort;

/** Starts the worker where the browser has such. */
export const startWorker = () =>
  tryOr(() => {
    if (
      workerPort ||
      !caches ||
      // browser drivers do not see the requests of shared workers, so a site's tests would miss events
      navigator.webdriver ||
      now() - /** @type {any} */ (getLocalStorage().getItem(FAILED_AT)) <
        RETRY_MS
    )
      return;
    const onFailure = () => {
      workerPort = null;
      getLocalStorage().setItem(FAILED_AT, /** @type {any} */ (now()));
    };
    let isSupported;
    /** @type {WorkerOptions & { extendedLifetime: boolean }} */
    const options = {
      get extendedLifetime() {
        return (isSupported = true);
      },
    };
    const invalidUrl = tryOr(() => trustedScriptUrl("//"));
    if (!invalidUrl) return onFailure();
    // the constructor reads the options that the browser knows, and then throws because of the URL
    tryOr(() => new SharedWorker(invalidUrl, options));
    if (!isSupported) return;
    const worker = new SharedWorker(
      trustedScriptUrl(URL.createObjectURL(new Blob([text]))),
      options,
    );
    workerPort = worker.port;
    worker.onerror = () => tryOr(onFailure);
  });

/**
 * Stops using the worker, and deletes its receipts and what else is stored about it.
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
