// The courier: a worker that outlives the page, where browsers have such. Nobody tells a page what becomes of a beacon;
// a courier makes the request itself, and leaves a mark where it has arrived, by which the next page knows.

import { text } from "oaiq:errand";
import { trusted } from "./beside.js";
import { attempt, now } from "./guard.js";
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
    if (port || !caches || now() - localStore().getItem(FORBIDDEN) < DAY)
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

/** Calls back with true if a courier has left that mark, which goes in the same breath as what is done then. */
export const takeMark = (mark, then) =>
  attempt(() =>
    caches
      .has(mark)
      .then((arrived) => {
        then(arrived);
        return arrived && caches.delete(mark);
      })
      .then(null, () => then()),
  ) || then();

/** Removes all marks that begin so. */
export const forgetMarks = (start) =>
  attempt(() => {
    const forget = (all) => {
      for (let i = 0; i < all.length; i += 1)
        if (all[i].startsWith(start)) takeMark(all[i], () => {});
    };
    caches.keys().then(forget, () => {});
  });
