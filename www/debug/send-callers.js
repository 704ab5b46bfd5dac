// Tells the collector on the developer's machine who has made calls twice, so that the inspector's launch check can say it. Nothing of
// this is sent anywhere else.

import { now, tryOr, uuid } from "../pixel/safe-builtins.js";

/**
 * @typedef {object} DuplicateCall
 * @property {"init" | "page_viewed"} call
 * @property {string[]} callers scripts
 */

const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1])$/;

/**
 * @param {string} requestUrl - of the latest request for events
 * @param {DuplicateCall[]} duplicates
 */
export const sendCallers = (requestUrl, duplicates) =>
  tryOr(() => {
    const url = new URL(requestUrl, location.href);
    if (!LOOPBACK.test(url.hostname)) return;
    url.searchParams.set("ec", "1");
    const event = {
      type: "oai::diagnostic",
      timestamp_ms: now(),
      id: uuid(),
      data: {
        type: "diagnostic",
        schema_version: 2,
        dropped_event_count: 0,
        duplicate_calls: duplicates,
        page: location.origin + location.pathname,
      },
    };
    fetch(url, {
      method: "POST",
      mode: "no-cors",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      headers: { "content-type": "text/plain" },
      body: JSON.stringify({ events: [event] }),
    }).catch(() => {});
  });
