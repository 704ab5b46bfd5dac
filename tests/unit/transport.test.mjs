// The transport policy (www/pixel/transport.js).
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BEACON,
  chooseTransport,
  FETCH,
  WORKER,
} from "../../www/pixel/transport.js";

/** Chooses for a request of a later page, on unload, without a worker; `changes` says what is different. */
const choose = (changes = {}) => {
  const request = {
    hasWorker: false,
    isLandingPage: false,
    msSinceResponse: 10_000,
    prefersBeacon: true,
    canOutlivePage: true,
    ...changes,
  };
  return chooseTransport(
    request.hasWorker,
    request.isLandingPage,
    request.msSinceResponse,
    request.prefersBeacon,
    request.canOutlivePage,
  );
};

test("fetches while the page is open", () => {
  assert.equal(choose({ prefersBeacon: false }), FETCH);
});

test("sends a beacon on unload where no worker is running", () => {
  assert.equal(choose(), BEACON);
  assert.equal(choose({ isLandingPage: true, msSinceResponse: NaN }), BEACON);
});

test("fetches on unload if nothing that outlives the page may carry the request", () => {
  assert.equal(choose({ canOutlivePage: false }), FETCH);
});

test("prefers a worker on a later page, whatever the network has done", () => {
  for (const msSinceResponse of [0, 1_249, 10_000, Infinity, NaN])
    for (const prefersBeacon of [false, true])
      for (const canOutlivePage of [false, true])
        assert.equal(
          choose({
            hasWorker: true,
            msSinceResponse,
            prefersBeacon,
            canOutlivePage,
          }),
          WORKER,
        );
});

test("sends a beacon from the landing page within 1,250 ms of a response", () => {
  const landing = { hasWorker: true, isLandingPage: true };
  assert.equal(choose({ ...landing, msSinceResponse: 0 }), BEACON);
  assert.equal(choose({ ...landing, msSinceResponse: 1_249 }), BEACON);
  assert.equal(choose({ ...landing, msSinceResponse: 1_250 }), WORKER);
});

test("prefers a worker on the landing page before any response, and after a failure", () => {
  const landing = { hasWorker: true, isLandingPage: true };
  assert.equal(choose({ ...landing, msSinceResponse: Infinity }), WORKER);
  assert.equal(choose({ ...landing, msSinceResponse: NaN }), WORKER);
});
