// Makes the module's requests and reports their outcomes to it.

import { BEACON, chooseTransport, WORKER } from "./transport.js";
import { trace } from "./trace.js";
import { callModule } from "./wasm-bridge.js";
import {
  ANONYMOUS,
  FLAG_BITS,
  MAY_HAVE_USER,
  PROTOCOL_VERSION,
  UNLOADING,
} from "./protocol.gen.js";
import { cookieDomain } from "./cookies.js";
import {
  getRecovery,
  sendViaWorker,
  settleUnconfirmed,
} from "./outbox-store.js";
import { monotonicMs, now, setTimer, tryOr, uuid } from "./safe-builtins.js";
import { saveUnconfirmed } from "./outbox-records.js";
import {
  CONFIG_RECEIVED,
  REQUEST_SENT,
  RESPONSE_RECEIVED,
} from "./debug-events.gen.js";
import { workerPort } from "./keepalive-worker.js";
import {
  configUrl,
  eventsUrl,
  matching,
  relayUrl,
  requestMode,
} from "./options.js";
import { hooks, loadIntegration } from "./integrations.js";

const { fetch } = window;
const parseJson = tryOr(() => JSON.parse);

/**
 * In UTF-16 units. Browsers limit what may outlive a page to 64 KiB for all requests together, and a request that has just
 * arrived still counts, so a longer body ends with its page.
 */
const MAX_KEEPALIVE_LENGTH = 30_000;

/** A request without a response is aborted after this many milliseconds. */
const TIMEOUT_MS = 15_000;
/** The same for the request of a pixel config, which events wait for. */
const CONFIG_TIMEOUT_MS = 3_000;
/** How long a failed request waits for evidence that it has arrived (`findUnseen` in www/recovery/entry.js). */
const EVIDENCE_MS = 300;
/** An unconfirmed beacon stays in flight this long, because pages see up to three events at their end. */
const BEACON_MS = 1_000;

/**
 * Sends a beacon, unless the page's URL has a query, which the browser might send as the referrer.
 *
 * @param {string} url
 * @param {string} body
 */
const sendBeacon = (url, body) =>
  tryOr(() => !location.search && navigator.sendBeacon(url, body));

/** When the last response came, by `monotonicMs`; NaN if the last request failed. */
let lastResponseAt = -Infinity;

/**
 * The number of events of the next request.
 *
 * @type {number}
 */
let eventCount;
/**
 * Its outbox record, empty if it has none.
 *
 * @type {string}
 */
let outboxRecord;
/**
 * @param {number} count
 * @param {string} record
 */
export const setNextRequest = (count, record) => {
  eventCount = count;
  outboxRecord = record;
};

/**
 * Aborts a request in flight, by its flags.
 *
 * @type {Record<number, () => void>}
 */
const inFlight = /** @type {any} */ ({ __proto__: null });
/**
 * Aborts the requests in flight, so that the module can hand them to a keepalive worker before the page ends. Without a worker
 * this does nothing, unless `force` is set.
 *
 * @param {number} [force]
 */
export const abortInFlight = (force) => {
  if (force || workerPort) for (const flags in inFlight) tryOr(inFlight[flags]);
};

/** Failed requests since the last response. */
let failures = 0;
/**
 * The URL of the last pixel config.
 *
 * @type {string}
 */
let lastConfigUrl;

const ignore = () => {};

/**
 * Reports an outcome: an HTTP status, 1 for a response that may not be read, or 0 for a failure; the seconds of `Retry-After`;
 * and whether the page has learned something about the network from it.
 *
 * @typedef {(status: number, retryAfter: number, isObserved?: number) => void} OnSettled
 */

/**
 * Reports a failure, unless there is evidence that the request arrived and only the response is withheld from the page.
 *
 * @param {string} url
 * @param {OnSettled} onSettled
 */
const onFailure = (url, onSettled) => {
  failures += 1;
  getRecovery()?.findUnseen(url, failures, lastConfigUrl, onSettled);
  // without timers, report it at once
  setTimer(() => onSettled(0, 0, 1), EVIDENCE_MS) || onSettled(0, 0, 1);
};

/**
 * `Host::send` of src/host.rs. Returns 1 if the browser has taken the request over; otherwise its outcome is reported.
 *
 * @param {number} flags - see `send_flags` of src/host.rs
 * @param {string} id - the pixel's ID, encoded
 * @param {string} body
 */
export const send = (flags, id, body) => {
  const url = `${eventsUrl}${eventsUrl.includes("?") ? "&" : "?"}pid=${id}&st=oaiq-web&sv=${PROTOCOL_VERSION}&t=${now()}&ec=${eventCount}`;
  if (flags & MAY_HAVE_USER)
    body = tryOr(() => hooks.addUser?.(url, body, flags & UNLOADING)) || body;
  const isAnonymous = flags & ANONYMOUS;
  const isUnloading = flags & UNLOADING;
  /** @type {AbortController} */
  let controller;
  /** @type {OnSettled} */
  const onSettled = (status, retryAfter, isObserved) => {
    if (!inFlight[flags]) return;
    delete inFlight[flags];
    trace(RESPONSE_RECEIVED, `${flags} ${status}`);
    // during unload a browser refuses what exceeds its limit for keepalive, which says nothing about the network
    if (!isUnloading) {
      lastResponseAt = status > 0 && status < 400 ? monotonicMs() : NaN;
      if (lastResponseAt) failures = 0;
      if (isObserved) tryOr(() => settleUnconfirmed(lastResponseAt));
    }
    callModule((module) =>
      module.onResponse(flags >> FLAG_BITS, status, retryAfter),
    );
  };
  /** @type {RequestInit} */
  const request = {
    headers: { "Content-Type": "text/plain" },
    method: "POST",
    // after a denial, the relay's own cookie says whose data it has to delete
    credentials: isAnonymous && !relayUrl ? "omit" : "include",
    body,
    // with a worker, the end of the page aborts the request and the worker makes it; keepalive would make it twice
    keepalive:
      (!!isUnloading || !workerPort) && body.length < MAX_KEEPALIVE_LENGTH,
    mode: requestMode,
  };
  if (isAnonymous) request.referrerPolicy = "no-referrer";
  // the page's own policy applies, to a URL without a query
  else if (/^http/.test(location.protocol))
    request.referrer = location.origin + location.pathname;
  /** @param {unknown} hasWorker */
  const choose = (hasWorker) =>
    chooseTransport(
      hasWorker,
      cookieDomain != null,
      monotonicMs() - lastResponseAt,
      isUnloading && !isAnonymous,
      !location.search || request.keepalive,
    );
  let transport = choose(outboxRecord && workerPort);
  // a page may have broken the port
  if (
    transport === WORKER &&
    !tryOr(() => sendViaWorker(uuid(), outboxRecord, url, request))
  )
    transport = choose(0);
  trace(REQUEST_SENT, `${flags | +(transport === WORKER)} ${url} ${body}`);
  if (transport === WORKER) return 1;
  const isHandedOff =
    transport === BEACON &&
    (location.search
      ? tryOr(() => fetch(url, request).then(ignore, ignore))
      : sendBeacon(url, body));
  if (isHandedOff && navigator.onLine && lastResponseAt) {
    if (outboxRecord) tryOr(() => saveUnconfirmed(uuid(), outboxRecord));
    return 1;
  }
  inFlight[flags] = () => {
    controller.abort();
    onSettled(0, 0);
  };
  if (isHandedOff) {
    // it may arrive, but the page will not learn whether it did
    setTimer(() => onSettled(0, 0), BEACON_MS);
    return 0;
  }
  try {
    controller = new AbortController();
    // once a response has come, aborting would only cut off its body
    setTimer(() => inFlight[flags] && controller.abort(), TIMEOUT_MS);
    request.signal = controller.signal;
    fetch(url, request).then(
      (response) => {
        // developer tools show an empty response whose body is not read as a failure
        tryOr(() => response.clone());
        onSettled(
          tryOr(() => +response.status) || 1,
          // seconds, or a date
          tryOr(() => {
            const retryAfter = /** @type {any} */ (
              response.headers.get("retry-after")
            );
            return +retryAfter || (Date.parse(retryAfter) - now()) / 1000 || 0;
          }, 0),
          1,
        );
      },
      () => onFailure(url, onSettled),
    );
  } catch {
    // the page has replaced fetch; a beacon cannot be anonymous
    onSettled(!isAnonymous && sendBeacon(url, body) ? 1 : 0, 0);
  }
  return 0;
};

/** `enabled` of a pixel config that has no such setting. */
const UNKNOWN = 2;

/**
 * `Host::fetch_config` of src/host.rs.
 *
 * @param {number} pixel
 * @param {string} id - the pixel's ID, encoded
 */
export const fetchConfig = async (pixel, id) => {
  const url = `${configUrl}/${id}.json`;
  let status = 0;
  let enabled;
  try {
    lastConfigUrl = url;
    const controller = new AbortController();
    setTimer(() => controller.abort(), CONFIG_TIMEOUT_MS);
    const response = await fetch(url, {
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: controller.signal,
    });
    const text = await response.text();
    // set only now: a response that is cut off counts as a failure, one that is not JSON does not
    status = +response.status;
    if (response.ok)
      enabled = /** @type {typeof JSON.parse} */ (parseJson)(
        text,
      )?.automatic_advanced_matching_enabled;
  } catch {
    // the module decides what an unknown status means
  }
  enabled = typeof enabled === "boolean" ? +enabled : UNKNOWN;
  trace(CONFIG_RECEIVED, `${url} ${status} ${enabled} ${pixel}`);
  if (enabled === 1) loadIntegration("matching", matching);
  callModule((module) => module.onConfigResponse(pixel, status, enabled));
};
