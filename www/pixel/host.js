// The page, as the module sees it (src/wasm/page.rs names each wish). A browser may refuse any of this, and a page
// may have replaced it: what fails here reads as empty, and nothing is thrown.

import { take } from "./consent-gate.js";
import {
  doubt,
  judge,
  keep,
  recover,
  seekBoxes,
  sendCourier,
} from "./outbox-store.js";
import { comparable } from "./normalize-identifier.js";
import {
  attempt,
  chance,
  isHidden,
  later,
  now,
  warn,
} from "./safe-builtins.js";
import { port } from "./keepalive-worker.js";
import {
  cookie,
  deleteCookie,
  hasCookie,
  widest,
  writeCookie,
} from "./cookies.js";
import { enter, hand, textAt } from "./wasm-bridge.js";
import { store, stored } from "./storage.js";
import { mode } from "./options.js";
import { escape, unescape } from "./serialize-call.js";
import {
  RESPONSE_RECEIVED,
  looked,
  REQUEST_SENT,
  CONFIG_RECEIVED,
  trace,
} from "./trace.js";

const { clearTimeout, fetch } = window;
const parse = attempt(() => JSON.parse);

const ticks = () => attempt(() => performance.now()) ?? now();

/** crypto.randomUUID is missing on plain http, where getRandomValues is not. */
const uuid = () => {
  const digits = new Uint8Array(36);
  attempt(() => crypto.getRandomValues(digits));
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, (_, at) =>
    // where nothing random is to be had, the second half is
    ((digits[at] ^ (chance() * 16)) & 15).toString(16),
  );
};

const clickIn = (address) =>
  attempt(() => new URL(address).searchParams.get("oppref")) || "";
const clickNow = () => clickIn(location.href);
/**
 * The click that brought the visitor, if the address had one when the script was evaluated, or when the visitor came: the page
 * may have changed it since.
 */
export const landingClick =
  clickNow() ||
  clickIn(attempt(() => performance.getEntriesByType("navigation")[0].name));
const click = () => escape(clickNow() || landingClick);

const uriEncoded = (_, text) => encodeURIComponent(unescape(text));
const beacon = (url, body) => attempt(() => navigator.sendBeacon(url, body));

/**
 * So long after an answer, in milliseconds, the line is taken to be as it was, on the page where the visitor arrives (and is
 * given a cookie): it is left by a beacon then, as the protocol has it. Later pages are always left by couriers, where
 * browsers have such.
 */
const FRESH = 1_250;
/** When the last answer came; NaN if the last request has failed. */
let reached = -FRESH;

/**
 * A longer body, in UTF-16 units, ends with its page: what may outlive pages is rationed to 64 KiB, where a request that has
 * just arrived is still counted.
 */
const LASTING = 30_000;

/** What the next request carries, as a box. */
let parcel;
const setParcel = (_, box) => {
  parcel = box;
};

/** How to give up those requests that are under way. */
const flights = { __proto__: null };
/**
 * The page ends: lets a courier make the requests that it would never hear of. A beacon cannot be broken off. With `all` they
 * are given up whether or not there is a courier.
 */
export const giveUp = (all) => {
  if (all || port) for (const how in flights) attempt(flights[how]);
};

/** How many requests have failed since the last answer. */
let failures = 0;
/** Where the last pixel config was asked for. */
let settingsUrl;

const ignore = () => {};

/** Gives the answer to a request that has failed, or that has arrived while its answer is kept from the page. */
const failed = (url, answer) => {
  failures += 1;
  recover()?.findUnseen(url, failures, settingsUrl, answer);
  // there may be no timers
  later(() => answer(0, 0, 1), 300) || answer(0, 0, 1);
};

/** 1 if the browser has taken the request over; otherwise an answer comes. `how` is its number and some flags. */
const send = (how, url, body) => {
  const stripped = how & 4;
  const leaving = how & 2;
  let controller;
  const answer = (status, after, heard) => {
    if (!flights[how]) return;
    delete flights[how];
    trace(RESPONSE_RECEIVED, `${how} ${status}`);
    // leaving, the browser refuses what has no room
    if (!leaving) {
      reached = status > 0 && status < 400 ? ticks() : NaN;
      if (reached) failures = 0;
      if (heard) attempt(() => judge(reached));
    }
    enter((module) => module.onResponse(how >> 3, status, after));
  };
  const request = {
    method: "POST",
    mode,
    headers: { "Content-Type": "text/plain" },
    body,
    credentials: stripped ? "omit" : "include",
    // what may outlive the page cannot be given up by one that ends
    keepalive: (leaving || !port) && body.length < LASTING,
  };
  if (stripped) request.referrerPolicy = "no-referrer";
  // the page's own policy decides, but over an address that has no query to tell
  else if (/^http/.test(location.protocol))
    request.referrer = location.origin + location.pathname;
  const carried =
    parcel &&
    (widest == null || !(ticks() - reached < FRESH)) &&
    attempt(() => sendCourier(uuid(), parcel, url, request));
  trace(REQUEST_SENT, `${how | carried} ${url} ${body}`);
  if (carried) return 1;
  // a beacon can leave out neither cookies nor the query of the page's address
  const isBeacon =
    leaving &&
    !stripped &&
    (location.search
      ? request.keepalive &&
        attempt(() => fetch(url, request).then(ignore, ignore))
      : beacon(url, body));
  if (isBeacon && navigator.onLine && reached) {
    if (parcel) attempt(() => doubt(uuid(), parcel));
    return 1;
  }
  flights[how] = () => {
    controller.abort();
    answer(0, 0);
  };
  if (isBeacon) {
    // it may arrive all the same, but nobody will ever know; pages hear of their end up to three times in a row
    later(() => answer(0, 0), 1000);
    return 0;
  }
  try {
    controller = new AbortController();
    // nobody answers; one that was answered is not broken off, its body may still come
    later(() => flights[how] && controller.abort(), 15_000);
    request.signal = controller.signal;
    fetch(url, request).then(
      (it) => {
        // an empty answer that nobody reads ends as a failure, for whoever watches the network
        attempt(() => it.clone());
        answer(
          attempt(() => +it.status) || 1,
          // seconds, or a date
          attempt(() => {
            const after = it.headers.get("retry-after");
            return +after || (Date.parse(after) - now()) / 1000 || 0;
          }, 0),
          1,
        );
      },
      () => failed(url, answer),
    );
  } catch {
    // the page's own fetch throws, or is no fetch; a beacon cannot leave identity out
    answer(!stripped && beacon(url, body) ? 1 : 0, 0);
  }
  return 0;
};

const fetchSettings = async (pixel, url) => {
  let status = 0;
  let enabled;
  try {
    settingsUrl = url;
    const controller = new AbortController();
    later(() => controller.abort(), 3000);
    const answer = await fetch(url, {
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: controller.signal,
    });
    const text = await answer.text();
    // an answer that ends too soon is none; one that is no JSON is one
    status = +answer.status;
    enabled = parse(text)?.automatic_advanced_matching_enabled;
  } catch {
    // what is not known is told so
  }
  enabled = typeof enabled === "boolean" ? +enabled : 2;
  trace(CONFIG_RECEIVED, `${url} ${status} ${enabled}`);
  enter((module) => module.onConfigResponse(pixel, status, enabled));
};

const afterPaint = () => {
  const work = () => later(() => take({ parts: [] }));
  // a hidden page paints nothing
  if (isHidden()) work();
  else requestAnimationFrame(work);
};

/** No batch waits longer than this, only what has failed. */
const LONG = 4_500;

let alarm;
const wakeIn = (ms) => {
  attempt(() => clearTimeout(alarm));
  alarm = later(
    () => enter((module) => module.onTimer()),
    // what has failed for many visitors at once does not come back from all of them at once
    ms > LONG ? ms * (1 + chance() / 4) : ms,
  );
};

/** What the module reads as a text: the first so many. */
const TEXTS = 6;
const WISHES = [
  uuid,
  cookie,
  stored,
  click,
  uriEncoded,
  comparable,
  now,
  ticks,
  hasCookie,
  writeCookie,
  deleteCookie,
  store,
  keep,
  () => {
    looked();
    seekBoxes();
  },
  setParcel,
  send,
  fetchSettings,
  afterPaint,
  wakeIn,
  (_, line, reason) =>
    warn(
      line +
        (reason &&
          ` was not measured: ${reason} (add ?oaiq_debug=1 to see why)`),
    ),
  trace,
];

/**
 * Grants the module's wish. Texts go by way of its memory. What the page's own functions return is never taken for something
 * else than what was asked for.
 */
export const hostCall = (wish, number, a, b) =>
  attempt(() => {
    const answer = WISHES[wish](number, textAt(a), textAt(b));
    if (wish >= TEXTS) return +answer;
    if (typeof answer === "string") hand(answer);
  }, 0);
