// The courier: a worker that outlives the page, where browsers have such. Nobody tells a page what becomes of a beacon;
// a courier makes the request itself, and leaves a mark where it has arrived, by which the next page knows.

import { text } from "oaiq:keepalive-worker";
import { trusted } from "./lazy-assets.js";
import { attempt, each, now } from "./safe-builtins.js";
import { localStore } from "./storage.js";

/** When there could be no courier, mostly for the pages' policy, of which browsers complain; */
const FORBIDDEN = "oaiq_outbox.no_courier";
/** so many milliseconds after that one is looked for again. */
const DAY = 86_400_000;

/** Where the courier takes its errands, if there is one. */
export let port;

/** Looks for a courier, for when the page is left. */
export const hireCourier = () =>
  attempt(() => {
    if (
      port ||
      !caches ||
      // tools that drive a browser see no requests of shared workers, so tests would miss them
      navigator.webdriver ||
      now() - localStore().getItem(FORBIDDEN) < DAY
    )
      return;
    const forbidden = () => {
      port = null;
      localStore().setItem(FORBIDDEN, now());
    };
    let lasts;
    const option = {
      get extendedLifetime() {
        return (lasts = true);
      },
    };
    const nowhere = attempt(() => trusted("//"));
    if (!nowhere) return forbidden();
    // there is nothing at such an address, so this throws; but first the browser reads what options it knows
    attempt(() => new SharedWorker(nowhere, option));
    if (!lasts) return;
    const worker = new SharedWorker(
      trusted(URL.createObjectURL(new Blob([text]))),
      option,
    );
    port = worker.port;
    worker.onerror = () => attempt(forbidden);
  });

/** Removes all marks of couriers, and what else is kept of them; from now on there is none. */
export const forgetCouriers = (start) =>
  attempt(() => {
    port = null;
    localStore().removeItem(FORBIDDEN);
    const forget = (name) => name.startsWith(start) && caches.delete(name);
    caches.keys().then(
      (all) => each(all, forget),
      () => {},
    );
  });
