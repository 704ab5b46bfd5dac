// oaiq.keepalive.min.js: starts the keepalive worker, a SharedWorker with `extendedLifetime`, which outlives the page (Chromium).
// The script loads this file in Chromium once the outbox has been read, which requires consent (www/pixel/keepalive-worker.js).

import { text } from "oaiq:keepalive-worker";
import { tryOr } from "../pixel/safe-builtins.js";

/**
 * Starts the worker where the browser supports one, and returns its port.
 *
 * @param {(url: string) => string} trustedScriptUrl
 * @param {() => void} onFailure - called if there can be no worker, usually because of a Content-Security-Policy
 * @returns {MessagePort | undefined}
 */
export const start = (trustedScriptUrl, onFailure) => {
  let isSupported;
  /** @type {WorkerOptions & { extendedLifetime: boolean }} */
  const options = {
    get extendedLifetime() {
      return (isSupported = true);
    },
  };
  const invalidUrl = tryOr(() => trustedScriptUrl("//"));
  if (!invalidUrl) {
    onFailure();
    return;
  }
  // the constructor reads the options that the browser supports, and then throws because of the URL
  tryOr(() => new SharedWorker(invalidUrl, options));
  if (!isSupported) return;
  const worker = tryOr(
    () =>
      new SharedWorker(
        trustedScriptUrl(URL.createObjectURL(new Blob([text]))),
        options,
      ),
  );
  if (!worker) {
    onFailure();
    return;
  }
  worker.onerror = onFailure;
  return worker.port;
};

tryOr(() => window.oaiq.__keepalive(start));
