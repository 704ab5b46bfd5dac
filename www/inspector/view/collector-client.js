/** How long to wait before a stream that the browser has given up is opened again, in ms. */
const RETRY_MS = 2000;

/** How many of the newest events are fetched at first. */
const NEWEST = 10_000;

/** How long after a load the next one begins at the earliest, in ms: a flood must not keep the page loading. */
const BETWEEN_LOADS_MS = 1000;

/**
 * Follows the collector: `onReload(newestFirst, hasOlder)` with what it holds, at the start and whenever something may have been missed;
 * `onBatch(oldestFirst)` for each request after that; `onClear()`; `onState("live" | "lost")`.
 */
export function followCollector({ onReload, onBatch, onClear, onState }) {
  let stream;
  // Aborts the load that is under way, if one is.
  let loading;
  // Batches that arrive while the whole is being loaded; undefined when nothing is.
  let waiting;
  let loadedAt = -Infinity;

  function open() {
    stream = new EventSource("/events/stream");
    // The collector may have been restarted, or sent things while nobody listened: every connection begins anew.
    stream.addEventListener("open", load);
    stream.addEventListener("lagged", load);
    stream.addEventListener("batch", ({ data }) => {
      const { events } = JSON.parse(data);
      if (waiting) waiting.push(events);
      else onBatch(events);
    });
    stream.addEventListener("cleared", () => {
      // What is being loaded may date from before.
      if (waiting) load();
      else onClear();
    });
    stream.addEventListener("error", () => {
      lose();
      // The browser itself tries again, except after an answer that is no stream.
      if (stream.readyState === EventSource.CLOSED) reopen();
    });
  }

  async function load() {
    loading?.abort();
    const thisLoad = new AbortController();
    loading = thisLoad;
    waiting = [];
    let events;
    try {
      await pause(loadedAt + BETWEEN_LOADS_MS - performance.now());
      events = await listEvents(`limit=${NEWEST}`, thisLoad.signal);
      loadedAt = performance.now();
    } catch {
      if (thisLoad.signal.aborted) return;
      lose();
      reopen();
      return;
    }
    // A newer load has taken its place.
    if (thisLoad.signal.aborted) return;
    const arrived = waiting;
    waiting = undefined;
    onState("live");
    onReload(events, events.length === NEWEST);
    arrived.forEach(onBatch);
  }

  function lose() {
    loading?.abort();
    waiting = undefined;
    onState("lost");
  }

  function reopen() {
    stream.close();
    setTimeout(open, RETRY_MS);
  }

  open();
}

async function listEvents(query, signal) {
  const answer = await fetch(`/events.json?${query}`, {
    cache: "no-store",
    signal,
  });
  if (!answer.ok) throw new Error(`/events.json: ${answer.status}`);
  const { events } = await answer.json();
  return events;
}

/** So many of the events before that one, newest first. */
export function olderThan(seq, limit) {
  return listEvents(`before=${seq}&limit=${limit}`);
}

/** What the collector was started with: `{version, listening, pixels, key_given, kept, most}`. */
export async function factsOfCollector() {
  const answer = await fetch("/inspector/facts.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`facts.json: ${answer.status}`);
  return answer.json();
}

/** Forgets all events at the collector; every inspector hears of it through its stream. */
export async function clearCollector() {
  const answer = await fetch("/events.json", { method: "DELETE" });
  if (!answer.ok) throw new Error(`DELETE /events.json: ${answer.status}`);
}

function pause(ms) {
  return ms > 0 ? new Promise((go) => setTimeout(go, ms)) : undefined;
}
