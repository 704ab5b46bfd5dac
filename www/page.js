// The page, as the module sees it (src/browser/page.rs names each function). A browser may refuse any of this, and a
// page may have replaced it: what fails here reads as empty, and nothing is thrown.

const { fetch, setTimeout, clearTimeout } = window;
const { defineProperty } = Object;
const { random } = Math;
const dateNow = window.Date?.now;

let enter;
/** Tells how the module is entered: `enter(work)` calls `work(module)` as soon as nobody else is inside. */
export const connect = (way) => {
  enter = way;
};

/** What the work returns, or the other where the browser or the page does not let it. */
export const attempt = (work, otherwise) => {
  try {
    return work();
  } catch {
    return otherwise;
  }
};

/** A string of the page's, or an empty one. */
const textOf = (read) => {
  const text = attempt(read);
  return typeof text === "string" ? text : "";
};

/** Sets a property that the page's own loops do not see. */
export const hide = (object, name, value) =>
  attempt(() => defineProperty(object, name, { __proto__: null, value }));

export const listen = (target, event, work) =>
  attempt(() => target.addEventListener(event, work));

export const isHidden = () =>
  attempt(() => document.visibilityState === "hidden", false);

const PREFIX = "[oaiq] ";
export const warn = (line) => attempt(() => console.warn(PREFIX + line));

const byPerformance = () =>
  Math.floor(performance.timeOrigin + performance.now());

export const now = () => {
  const time = attempt(dateNow);
  // a page may have put its own clock in the place of Date
  return time > 0 ? Math.floor(time) : attempt(byPerformance, 0);
};

export const ticks = () => attempt(() => performance.now()) ?? now();

/** crypto.randomUUID is missing on plain http, where getRandomValues is not. */
export const uuid = () => {
  const made = textOf(() => crypto.randomUUID());
  if (made.length === 36) return made;
  const bytes = new Uint8Array(16);
  attempt(() => crypto.getRandomValues(bytes));
  let text = "";
  for (let i = 0; i < 16; i += 1) {
    // where nothing random is to be had, the digits below are
    let byte = bytes[i] ^ (attempt(random, 0) * 256);
    if (i === 6) byte = (byte & 0x0f) | 0x40;
    if (i === 8) byte = (byte & 0x3f) | 0x80;
    if (i === 4 || i === 6 || i === 8 || i === 10) text += "-";
    text += (byte + 256).toString(16).slice(1);
  }
  return text;
};

export const cookies = () => textOf(() => document.cookie);

export const referrer = () => textOf(() => document.referrer);

export const setCookie = (cookie) =>
  attempt(() => {
    document.cookie = cookie;
  });

// asked for once: each look at window.localStorage costs more than a read from it
const local = attempt(() => localStorage);
const session = attempt(() => sessionStorage);
const storage = (isLocal) => (isLocal ? local : session);

export const stored = (isLocal, key) =>
  textOf(() => storage(isLocal).getItem(key));

export const store = (isLocal, key, value) =>
  attempt(() => storage(isLocal).setItem(key, value));

export const queryParameter = (url, name) =>
  textOf(() => new URL(url).searchParams.get(name));

export const uriEncoded = (text) => encodeURIComponent(text);

export const uriDecoded = (text) =>
  attempt(() => decodeURIComponent(text), text);

export const folded = (text, lowercase) => {
  const trimmed = text.trim();
  return lowercase ? trimmed.toLowerCase() : trimmed;
};

const beacon = (url, body) =>
  attempt(() => navigator.sendBeacon(url, body), false);

/** True if the browser has taken the request over; otherwise an answer comes. */
export const send = (number, url, body, stripped, leaving, keepalive) => {
  if (leaving && !stripped && beacon(url, body)) return true;
  post(number, url, body, stripped, leaving, keepalive);
  return false;
};

const post = (number, url, body, stripped, leaving, keepalive) => {
  const answer = (arrived) =>
    enter((module) => module.answered(number, arrived));
  const refused = () => {
    // on leaving, what may outlive pages is rationed: what finds no room there goes the ordinary way
    if (leaving && keepalive) post(number, url, body, stripped, leaving, false);
    else answer(false);
  };
  try {
    const request = {
      method: "POST",
      mode: "no-cors",
      headers: { "Content-Type": "text/plain" },
      body,
      keepalive,
      credentials: stripped ? "omit" : "include",
    };
    if (stripped) request.referrerPolicy = "no-referrer";
    // the page's own policy decides, but over an address that has no query to tell
    else if (location.protocol.startsWith("http"))
      request.referrer = location.origin + location.pathname;
    fetch(url, request).then(() => answer(true), refused);
  } catch {
    // the page's own fetch throws, or is no fetch; a beacon cannot leave identity out
    answer(!stripped && beacon(url, body));
  }
};

export const fetchSettings = (pixel, url) => {
  const answer = (status, body) =>
    enter((module) => module.settingsAnswered(pixel, status, body));
  const failed = () => answer(0, "");
  try {
    const aborter = new AbortController();
    const limit = setTimeout(() => aborter.abort(), 3000);
    fetch(url, {
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: aborter.signal,
    })
      .then((response) =>
        response.text().then((body) => {
          clearTimeout(limit);
          answer(response.status, body.slice(0, 4096));
        }),
      )
      .then(null, failed);
  } catch {
    failed();
  }
};

/** Calls back after so many milliseconds, if there are timers. */
const later = (work, ms) => attempt(() => setTimeout(work, ms));

export const afterPaint = () =>
  attempt(() => {
    const work = () => later(() => enter((module) => module.painted()));
    // a hidden page paints nothing
    if (isHidden()) work();
    else requestAnimationFrame(work);
  });

let alarm;
export const wakeIn = (ms) => {
  attempt(() => clearTimeout(alarm));
  alarm = later(() => enter((module) => module.woken()), ms);
};

// Steps are explained by a file of its own, which is loaded when the first one is to be told.
const script = document.currentScript;
const untold = [];
let explain;

export const trace = (step, about) => {
  if (explain) return attempt(() => explain(step, about));
  untold[untold.length] = [step, about];
  if (untold.length === 1) loadExplainer();
};

/** Called by the debug build when it has arrived. */
export const explainBy = (explainer) => {
  explain = explainer;
  for (let i = 0; i < untold.length; i += 1) trace(untold[i][0], untold[i][1]);
};

const loadExplainer = () => {
  const failed = () =>
    warn(
      "debug is on, but oaiq.debug.min.js could not be loaded: put it beside the pixel's script, and allow it in the page's Content-Security-Policy",
    );
  try {
    const element = document.createElement("script");
    element.src = new URL("oaiq.debug.min.js", script?.src ?? location.href);
    element.nonce = script?.nonce ?? "";
    element.onerror = failed;
    document.head.append(element);
  } catch {
    failed();
  }
};
