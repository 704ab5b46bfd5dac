// The code of the keepalive worker (www/pixel/keepalive-worker.js): makes the last requests of a page, and leaves a receipt of
// each delivery for the next page. A receipt is an empty cache, named after the key of the outbox record.

/* exported onconnect */
/* global onconnect:writable */

/** @param {MessageEvent} event */
// @ts-expect-error -- a global of SharedWorkerGlobalScope, whose types exclude those of a page
onconnect = ({ ports: [port] }) => {
  /** @param {MessageEvent<[receipt: string, url: string, request: RequestInit]>} event */
  port.onmessage = ({ data: [receipt, url, request] }) => {
    // the outcome must be clear before another page may claim the record (LEASE_MS in www/recovery/entry.js)
    request.signal = AbortSignal.timeout(8_000);
    fetch(url, request).then((response) => {
      // as in www/pixel/requests.js
      response.clone();
      // the status is 0 if it may not be read; a rejected batch is left for the next page, which splits it
      if (response.status < 400) caches.open(receipt);
    });
  };
};
