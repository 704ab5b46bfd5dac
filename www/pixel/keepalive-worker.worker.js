// What a courier (www/pixel/keepalive-worker.js) does, in a worker of its own that outlives its page: it makes the page's last requests,
// and leaves a mark for the next page where one has arrived.

/* exported onconnect */
/* global onconnect:writable */

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data: [mark, url, request] }) => {
    // before another page may take the box over (CLAIMED in www/pixel/outbox-store.js), it must be clear what became of the request
    request.signal = AbortSignal.timeout(8_000);
    // 0 where the answer cannot be read; what an endpoint refuses is for the next page to halve
    fetch(url, request).then((it) => {
      // as in www/pixel/host.js
      it.clone();
      if (it.status < 400) caches.open(mark);
    });
  };
};
