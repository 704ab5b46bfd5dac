/** @import { CollectorInfo, EventRecord } from "../model/types.d.ts" */

/** How long to wait before a stream that the browser gave up is opened again. */
const RETRY_MS = 2000;

/** How many of the newest events are fetched at first. */
const NEWEST = 10_000;

/** The least time between two loads: a flood of events must not keep the page loading. */
const LOAD_INTERVAL_MS = 1000;

/**
 * @typedef {object} Handlers
 * @property {(newestFirst: EventRecord[], hasOlder: boolean) => void} onReload with all events, at the start and
 *   whenever some may have been missed
 * @property {(oldestFirst: EventRecord[]) => void} onBatch with the events of one later request
 * @property {() => void} onClear
 * @property {(state: "live" | "lost") => void} onState
 */

/**
 * Follows the collector, and reconnects when the connection is lost.
 *
 * @param {Handlers} handlers
 */
export function subscribe({ onReload, onBatch, onClear, onState }) {
  /** @type {EventSource} */
  let stream;
  /**
   * Aborts the load in progress.
   *
   * @type {AbortController | undefined}
   */
  let loading;
  /**
   * Batches that arrive during a load.
   *
   * @type {EventRecord[][] | undefined}
   */
  let pending;
  let loadedAt = -Infinity;

  function open() {
    stream = new EventSource("/events/stream");
    // Each connection starts with a load: the collector may have restarted, or sent events in the meantime.
    stream.addEventListener("open", load);
    stream.addEventListener("lagged", load);
    stream.addEventListener("batch", ({ data }) => {
      const { events } = JSON.parse(data);
      if (pending) pending.push(events);
      else onBatch(events);
    });
    stream.addEventListener("cleared", () => {
      // the response of a load in progress may date from before
      if (pending) load();
      else onClear();
    });
    stream.addEventListener("error", () => {
      onDisconnect();
      // The browser reconnects by itself, except after a response that is not a stream.
      if (stream.readyState === EventSource.CLOSED) reopen();
    });
  }

  async function load() {
    loading?.abort();
    const thisLoad = new AbortController();
    loading = thisLoad;
    pending = [];
    let events;
    try {
      await sleep(loadedAt + LOAD_INTERVAL_MS - performance.now());
      events = await listEvents(`limit=${NEWEST}`, thisLoad.signal);
      loadedAt = performance.now();
    } catch {
      if (thisLoad.signal.aborted) return;
      onDisconnect();
      reopen();
      return;
    }
    // a newer load has replaced this one
    if (thisLoad.signal.aborted) return;
    const batches = pending;
    pending = undefined;
    onState("live");
    onReload(events, events.length === NEWEST);
    batches.forEach(onBatch);
  }

  function onDisconnect() {
    loading?.abort();
    pending = undefined;
    onState("lost");
  }

  function reopen() {
    stream.close();
    setTimeout(open, RETRY_MS);
  }

  open();
}

/**
 * @param {string} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<EventRecord[]>} newest first
 */
async function listEvents(query, signal) {
  const response = await fetch(`/events.json?${query}`, {
    cache: "no-store",
    signal,
  });
  if (!response.ok) throw new Error(`/events.json: ${response.status}`);
  const { events } = await response.json();
  return events;
}

/**
 * Up to `limit` events before the event `seq`, newest first.
 *
 * @param {number} seq
 * @param {number} limit
 */
export function fetchOlder(seq, limit) {
  return listEvents(`before=${seq}&limit=${limit}`);
}

/** @returns {Promise<CollectorInfo>} */
export async function fetchCollectorInfo() {
  const response = await fetch("/inspector/facts.json", { cache: "no-store" });
  if (!response.ok) throw new Error(`facts.json: ${response.status}`);
  return response.json();
}

/** Deletes all events at the collector. */
export async function clearEvents() {
  const response = await fetch("/events.json", { method: "DELETE" });
  if (!response.ok) throw new Error(`DELETE /events.json: ${response.status}`);
}

/** @param {number} ms */
function sleep(ms) {
  return ms > 0 ? new Promise((done) => setTimeout(done, ms)) : undefined;
}
