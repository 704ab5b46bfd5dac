// Decides how a request goes. Pure, so that tests/unit/transport.test.mjs can test the policy without a browser.

/**
 * Landing page only: how long after a response, in milliseconds, the network is assumed to be up, so that the page may be left
 * by a beacon, as OpenAI's own script does.
 */
const TRUST_WINDOW_MS = 1_250;

/** `fetch`, whose outcome is reported. */
export const FETCH = 0;
/** The keepalive worker makes the request, and leaves a receipt for the next page. */
export const WORKER = 1;
/** `sendBeacon`, or a `fetch` like it: outlives the page, which does not learn its outcome. */
export const BEACON = 2;

/**
 * @param {unknown} hasWorker - a worker is running, and the request has an outbox record for the case that the worker fails
 * @param {boolean} isLandingPage - this page has set the visitor's cookie
 * @param {number} msSinceResponse - NaN if the last request has failed
 * @param {unknown} prefersBeacon - the page is being unloaded, and the request may carry cookies, as each beacon does
 * @param {unknown} canOutlivePage - a beacon would not reveal the query of the page's URL, or a `fetch` with `keepalive` is
 *   possible
 */
export const chooseTransport = (
  hasWorker,
  isLandingPage,
  msSinceResponse,
  prefersBeacon,
  canOutlivePage,
) =>
  hasWorker && !(isLandingPage && msSinceResponse < TRUST_WINDOW_MS)
    ? WORKER
    : prefersBeacon && canOutlivePage
      ? BEACON
      : FETCH;
