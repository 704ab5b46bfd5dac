// The outbox (src/delivery/outbox.rs) in localStorage: which boxes are this page's. Those that have lost their page are taken over
// by a file of its own, www/recovery/entry.js.
//
// A page claims each of its boxes by a lock, which ends with the page. Where browsers have no locks, on plain http for
// one, the time stands before the box, and is written anew every few seconds: a box with an old time has lost its page.
// So it does before a box of a courier's, which nobody writes anew.

import { forgetCouriers, hireCourier, port } from "./keepalive-worker.js";
import { loadBeside } from "./lazy-assets.js";
import { enter, hand } from "./wasm-bridge.js";
import { attempt, each, later, now, warn } from "./safe-builtins.js";
import { localStore } from "./storage.js";

const PREFIX = "oaiq_outbox.1:";
/** Where what cannot be read is set aside, behind the time at which that was done, */
const DAMAGED = "oaiq_outbox.damaged";
/** for so many milliseconds. */
const WEEK = 6048e5;
/** Stands before a box that has probably arrived. */
const DOUBTED = "?";
/** A time is renewed after so many milliseconds, */
const RENEWED = 4_000;
/** and so much later a page looks again for boxes that have lost theirs: CLAIMED in www/recovery/entry.js. */
const SOUGHT = 9_000;

const locks = attempt(() => navigator.locks);

/** What this page's boxes hold, by name, */
const texts = { __proto__: null };
/** and how those are released that it has claimed. */
const releases = { __proto__: null };

/** Whether a write has failed, and then 2 once that has been told. */
let failed = 0;
const write = (name) => {
  try {
    localStore().setItem(PREFIX + name, (locks ? "" : now()) + texts[name]);
  } catch {
    failed ||= 1;
  }
};

let renewing;
const renew = () => {
  renewing = 0;
  for (const name in releases) {
    write(name);
    renewing ||= later(renew, RENEWED);
  }
};

const read = (name) => localStore().getItem(PREFIX + name) || "";
const isDoubted = (name) => read(name)[0] === DOUBTED;

/** Claims a box, and then does that work, if no other page has it. */
const claim = (name, work) => {
  const granted = (release) => {
    releases[name] = release;
    attempt(work);
    if (!locks && !renewing) renew();
  };
  if (locks)
    locks
      .request(
        PREFIX + name,
        { ifAvailable: true },
        (lock) => lock && { then: granted },
      )
      .then(null, () => {});
  else granted(() => {});
};

/** As `Host::outbox_put` in src/host.rs says. */
export const keep = (leaving, name, text) => {
  if (!name) {
    each(names(), (it) => keep(0, it, ""));
    sought = 0;
    localStore().removeItem(DAMAGED);
    forgetCouriers(PREFIX);
  } else if (text) {
    const known = texts[name];
    texts[name] = text;
    // what another page finds it may take, unless this one holds it
    if (leaving || releases[name]) write(name);
    if (!known)
      claim(name, () => {
        // it may be empty by now
        if (texts[name]) write(name);
        else keep(0, name, "");
      });
  } else {
    localStore().removeItem(PREFIX + name);
    releases[name]?.();
    delete texts[name];
    delete releases[name];
  }
  if (failed !== 1) return 1;
  failed = 2;
  return 0;
};

/** The names of all boxes. What has no such name is none of ours. */
const names = () => {
  const storage = localStore();
  const found = [];
  for (let i = 0; i < storage.length; i += 1) {
    const name = /^oaiq_outbox\.1:([\w.-]+)$/.exec(storage.key(i))?.[1];
    if (name) found[found.length] = name;
  }
  return found;
};

let recovery;
let isRecoveryAsked;
/** What www/recovery/entry.js hands over, if it is there; otherwise it is loaded, and boxes are sought once it has come. */
export const recover = () => {
  if (!isRecoveryAsked) {
    isRecoveryAsked = 1;
    loadBeside(
      "recovery",
      (start) => {
        recovery = start(
          texts,
          releases,
          locks,
          read,
          claim,
          keep,
          enter,
          hand,
        );
        if (sought) seekBoxes();
      },
      warn,
    );
  }
  return recovery;
};

/** Whether boxes have been sought, which takes consent, */
let sought;
/** and whether they will be again. */
let seeking;
const seekLater = () => {
  seeking ||= later(() => {
    seeking = 0;
    attempt(seekBoxes);
  }, SOUGHT);
};

/** Sends the courier with a request, and keeps its box until it has arrived. Throws where there is none. */
export const sendCourier = (name, text, url, request) => {
  const key = PREFIX + name;
  port.postMessage([key, url, request]);
  seekLater();
  attempt(() => localStore().setItem(key, now() + text));
  return 1;
};

/** Keeps what has probably arrived, of which nobody will ever hear. */
export const doubt = (name, text) =>
  localStore().setItem(PREFIX + name, DOUBTED + text);

/** Takes over a box, if its page is gone. */
const seek = (name) => {
  if (releases[name] || isDoubted(name)) return;
  seekLater();
  recover()?.takeOver(name);
};

/** A request of this page's has arrived or failed, and so has what went shortly before, as far as anybody will ever know. */
export const judge = (arrived) => {
  // before boxes are sought, none may be looked at
  each(sought ? names() : [], (name) => {
    if (!isDoubted(name)) return;
    if (arrived) return keep(0, name, "");
    localStore().setItem(PREFIX + name, read(name).slice(1));
    seek(name);
  });
};

/** Takes over the boxes that have lost their pages, until there are none of other pages. */
export const seekBoxes = () => {
  const all = names();
  sought = 1;
  const damaged = localStore().getItem(DAMAGED);
  if (damaged && !(now() - parseInt(damaged) < WEEK))
    localStore().removeItem(DAMAGED);
  each(all, seek);
  // a denial may have come meanwhile
  later(() => sought && hireCourier());
};
