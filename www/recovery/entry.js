// What only a page needs that finds undelivered events of an earlier page, or whose requests fail. The script loads this file
// then (`recover` in www/pixel/outbox-store.js).

import { copy } from "../pixel/serialize-call.js";
import { attempt, chance, later, now } from "../pixel/safe-builtins.js";

const PREFIX = "oaiq_outbox.1:";
const DAMAGED = "oaiq_outbox.damaged";
/** A time before a record claims it no longer than this, in milliseconds. */
const CLAIMED = 9_000;
/** So long, in milliseconds, pages may be at odds about what they have written, even on a busy machine. */
const SETTLED = 1_000;
/** So many failures in a row are no accident. */
const SUSPICIOUS = 3;

const start = (texts, releases, locks, read, claim, keep, enter, hand) => {
  const write = (key, text) => localStorage.setItem(key, text);
  /** What a record holds, without what stands before it. */
  const bare = (name) => read(name).replace(/^[\d.?]+/, "");

  /**
   * Calls back with true if a keepalive worker has delivered the record's request: it leaves an empty cache of that name
   * (www/pixel/keepalive-worker.worker.js). The cache goes in the same moment.
   */
  const takeReceipt = async (name, then) => {
    const key = PREFIX + name;
    // some browsers refuse caches in private windows; then nobody knows of a delivery
    const isDelivered = await attempt(() => caches.has(key).catch(() => false));
    attempt(() => then(isDelivered));
    if (isDelivered) await caches.delete(key);
  };

  const resend = (name, isDelivered) => {
    const text = texts[name];
    if (!text || isDelivered) return keep(0, name, "");
    const left = attempt(() => copy(JSON.parse(text), -2));
    if (!left) write(DAMAGED, `${now()} ${text}`);
    enter((module) => {
      hand(`["${name}",${left ?? "u"}]`);
      module.recoverRecord();
    });
  };

  const claimed = (name) => () => {
    // what its page has delivered meanwhile is gone
    texts[name] = bare(name);
    takeReceipt(name, (isDelivered) => resend(name, isDelivered)).catch(
      () => {},
    );
  };

  return {
    /** Sends a record's events again, if its page is gone. */
    takeOver(name) {
      // the clock may have been set since
      const isFresh = Math.abs(now() - parseInt(read(name))) < CLAIMED;
      if (releases[name] || isFresh || !read(name)) return;
      if (locks) return claim(name, claimed(name));
      // pages that have come upon it at once all write: the last has it
      const mine = now() + chance() + bare(name);
      write(PREFIX + name, mine);
      later(
        () => attempt(() => read(name) === mine && claim(name, claimed(name))),
        SETTLED,
      );
    },

    /**
     * Answers a request that seems to have failed, if it has reached the endpoint and only its answer is kept from the page.
     * `failures` is how many have failed in a row, `settingsUrl` where a pixel config was asked for.
     */
    findUnseen(url, failures, settingsUrl, answer) {
      // as if the answer could not be read
      const unseen = () => answer(1, 0, 1);
      // the page's Cross-Origin-Embedder-Policy has blocked the answer
      attempt(() =>
        new ReportingObserver(
          (reports) =>
            reports.some((it) => it.body.toJSON().blockedURL === url) &&
            unseen(),
          { types: ["coep"], buffered: true },
        ).observe(),
      );
      // a service worker may fail after the request has arrived; the network itself then answers other requests
      if (
        failures >= SUSPICIOUS &&
        attempt(() => navigator.serviceWorker.controller)
      )
        fetch(settingsUrl, {
          cache: "no-store",
          credentials: "omit",
          referrerPolicy: "no-referrer",
        }).then(unseen, () => {});
    },
  };
};

attempt(() => window.oaiq.__recovery(start));
