// The page, as the module sees it (src/browser/page.rs names each wish). A browser may refuse any of this, and a page
// may have replaced it: what fails here reads as empty, and nothing is thrown.

import { escape, unescape } from "./copy.js";
import { mode } from "./addresses.js";
import { attempt, isHidden, later, now, warn } from "./guard.js";
import { enter, entries, hand, textAt } from "./border.js";
import { take } from "./gate.js";
import { keep, seekBoxes } from "./outbox.js";
import { store, stored } from "./storage.js";
import { ANSWERED, SENT, SETTINGS, trace } from "./trace.js";
import { comparable } from "./user.js";

const { fetch, clearTimeout } = window;
const { random } = Math;

const ticks = () => attempt(() => performance.now()) ?? now();

/** crypto.randomUUID is missing on plain http, where getRandomValues is not. */
const uuid = () => {
  const made = attempt(() => crypto.randomUUID());
  if (made?.length === 36) return made;
  const digits = new Uint8Array(36);
  attempt(() => crypto.getRandomValues(digits));
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, (_, at) =>
    // where nothing random is to be had, the second half is
    ((digits[at] ^ (attempt(random, 0) * 16)) & 15).toString(16),
  );
};

// One look at the cookies is a round trip to another process, so it serves until somebody may have written.
let jar;
let jarOf;
const cookies = () => {
  if (jarOf !== entries) {
    jar = document.cookie;
    jarOf = entries;
  }
  return jar;
};
const setCookie = (_, cookie) => {
  jarOf = null;
  document.cookie = cookie;
};

const clickNow = () =>
  attempt(() => new URL(location.href).searchParams.get("oppref")) || "";
/** The click that brought the visitor, if the address had one when the script was evaluated. */
export const landingClick = clickNow();
const click = () => escape(clickNow() || landingClick);

const uriEncoded = (_, text) => encodeURIComponent(unescape(text));
const uriDecoded = (_, text) =>
  escape(attempt(() => decodeURIComponent(text), text));

const beacon = (url, body) =>
  attempt(() => navigator.sendBeacon(url, body), false);

/** Has the last request arrived, as far as is known? */
let reached = true;

/** Ends a request that nobody answers, where the browser can. */
const within = (ms) => attempt(() => AbortSignal.timeout(ms));

/** How many seconds an answer asks to be left alone: they, or a date, are in Retry-After. */
const pauseOf = (answer) => {
  const after = answer.headers.get("retry-after");
  return +after || (Date.parse(after) - now()) / 1000 || 0;
};

/** The browser's ration for what may outlive pages, 64 KiB, is hardly ever used up for a body of this length. */
const SMALL = 8192;

/** 1 if the browser has taken the request over; otherwise an answer comes. `how` is its number and three flags. */
const send = (how, url, body) => {
  const stripped = how & 4;
  const leaving = how & 2;
  const answer = (status, after) => {
    trace(ANSWERED, `${how} ${status}`);
    // leaving, the browser refuses what has no room
    if (!leaving) reached = status > 0 && status < 400;
    enter((module) => module.answered(how >> 3, status, after));
  };
  trace(SENT, `${how} ${url} ${body}`);
  if (leaving && !stripped && beacon(url, body)) {
    if (reached && navigator.onLine !== false) return 1;
    // it may arrive all the same, but nobody will ever know; pages hear of their end up to three times in a row
    later(() => answer(0, 0), 1000);
    return 0;
  }
  const post = (keepalive) => {
    const refused = () => {
      // what may outlive pages is rationed, and a request that has just arrived is still counted: what may have found no
      // room there goes the ordinary way at once, unless that ends with the page
      if (keepalive && !leaving && body.length > SMALL) post(false);
      else answer(0, 0);
    };
    try {
      const request = {
        method: "POST",
        mode,
        headers: { "Content-Type": "text/plain" },
        body,
        keepalive,
        credentials: stripped ? "omit" : "include",
        signal: within(15_000),
      };
      if (stripped) request.referrerPolicy = "no-referrer";
      // the page's own policy decides, but over an address that has no query to tell
      else if (location.protocol.startsWith("http"))
        request.referrer = location.origin + location.pathname;
      fetch(url, request).then(
        (it) =>
          answer(
            attempt(() => it.status) || 1,
            attempt(() => pauseOf(it), 0),
          ),
        refused,
      );
    } catch {
      // the page's own fetch throws, or is no fetch; a beacon cannot leave identity out
      answer(+(!stripped && beacon(url, body)), 0);
    }
  };
  post(!!(how & 1));
  return 0;
};

const fetchSettings = (pixel, url) => {
  const answer = (status, enabled) => {
    trace(SETTINGS, `${url} ${status} ${enabled}`);
    enter((module) => module.settingsAnswered(pixel, status, enabled));
  };
  const failed = () => answer(0);
  try {
    fetch(url, {
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: within(3000),
    })
      .then((response) => {
        const told = (settings) => {
          const enabled = settings?.automatic_advanced_matching_enabled;
          answer(response.status, typeof enabled === "boolean" ? +enabled : 2);
        };
        // an answer that ends too soon fails; one that is no JSON is an answer
        return response
          .json()
          .then(told, (why) =>
            why.name === "SyntaxError" ? told() : failed(),
          );
      })
      .then(null, failed);
  } catch {
    failed();
  }
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
  // what has failed for many visitors at once does not come back from all of them at once
  if (ms > LONG) ms += attempt(random, 0) * (ms / 4);
  alarm = later(() => enter((module) => module.woken()), ms);
};

const WISHES = [
  now,
  ticks,
  uuid,
  cookies,
  setCookie,
  stored,
  store,
  keep,
  seekBoxes,
  click,
  uriEncoded,
  uriDecoded,
  comparable,
  send,
  fetchSettings,
  afterPaint,
  wakeIn,
  (_, line, reason) =>
    warn(
      line +
        (reason &&
          ` was not measured: ${reason} (init with debug: true says why)`),
    ),
  trace,
];

/** Grants the module's wish. Texts go by way of its memory. */
export const ask = (wish, number, a, b) => {
  const answer = attempt(() => WISHES[wish](number, textAt(a), textAt(b)), 0);
  if (typeof answer !== "string") return answer;
  hand(answer);
  return 0;
};
