// The gate of a page whose visitor is to be asked: the page's own calls answer, a consent manager, or the browser. The
// pixel's script loads this file for such pages, for those that redact paths, and when a page calls oaiq("forget")
// (www/pixel/consent-gate.js).

import {
  hasUser,
  isInit,
  isMeasure,
  isPending,
  optedOut,
  pixelOf,
  wantsDebug,
  withUser,
} from "./call-text.js";
import { decide } from "./decide.js";
import { forget } from "./forget.js";
import { google } from "./google.js";
import { gpp, tcf } from "./iab.js";
import { optionsOf } from "./options.js";
import { passClickOn } from "./click-passthrough.js";
import { redactor } from "./redact.js";
import { add, each, placeOf, removeAt } from "./lists.js";
import { copy } from "../pixel/serialize-call.js";
import {
  attempt,
  hide,
  later,
  listen,
  now,
  warn,
} from "../pixel/safe-builtins.js";

const isOptedOut = () => attempt(() => navigator.globalPrivacyControl) === true;

const gpc = ({ answer, options }) =>
  answer({ measure: !(isOptedOut() && options.gpc !== "opt-out") });

/** A source may return what looks once more for an answer, before each call. */
const SOURCES = { __proto__: null, google, tcf, gpp, gpc };

/** So long nobody wonders, in milliseconds. */
const PATIENCE = 5_000;
/** What a source needs is looked for at growing intervals, in milliseconds, from this one */
const FIRST_LOOK = 50;
/** to this one; after a minute and a half the page is left in peace. */
const LAST_LOOK = 51_200;

/** At most this many calls wait. */
const MOST_HELD = 200;
/** In `DebugEvent::ALL` (src/host.rs). */
const HELD_FOR_CONSENT = 18;

const seek = (isFound, pause = FIRST_LOOK) => {
  if (!attempt(isFound) && pause <= LAST_LOOK)
    later(() => seek(isFound, pause * 2), pause);
};

/** A page may end before a task that has been asked for: these events are its last. */
const LAST_EVENTS = ["pagehide", "beforeunload", "freeze", "visibilitychange"];

/** An event that somebody has seen a page or what is on it counts least. An answer or an `init` is never dropped. */
const rank = (call) =>
  isMeasure(call) + /_viewed.({|$)/.test(call.parts[1] + call.parts[2]);

/** Lets a call wait. When too many do, the oldest view goes, or else the oldest event. */
const hold = (calls, call) => {
  add(calls, call);
  if (calls.length <= MOST_HELD) return;
  let most = 0;
  each(calls, (it) => {
    if (rank(it) > most) most = rank(it);
  });
  removeAt(
    calls,
    placeOf(calls, (it) => rank(it) === most),
  );
};

/** What a page reads as `oaiq.consentState`. */
const consentState = () => {
  const told = window.oaiq.consentState ?? { state: "pending", source: "call" };
  hide(window.oaiq, "consentState", told);
  return told;
};

/** Lets calls wait until the visitor has been asked. The gate comes back. */
const ask = (isForgotten, options, config, use, pass, landingClick, trace) => {
  const told = consentState();
  if (isForgotten) {
    told.state = "denied";
    told.source = "forget";
    // the script knows by this that the file has come
    use(() => {});
    forget();
    return;
  }
  const { names } = options;
  const optsOut = isOptedOut() && options.gpc === "opt-out";
  const answers = { __proto__: null };
  let held = [];
  const looks = [];
  /** What the page has answered itself. */
  let said;
  let mayUser = true;
  let isTold =
    attempt(() => config.debug) === true ||
    attempt(() => /oaiq_debug=1/.test(location.search));
  /** The pixels' `init` calls that the module has been given, as the page has made them. */
  const inits = [];

  const tell = (line) =>
    isTold && attempt(() => console.info(`[oaiq] ${line}`));

  /** What a page has left in `oaiq.config` is the user of each pixel that is not told of another. */
  const ofPage = (call, at) =>
    hasUser(call) ||
    placeOf(inits, (it) => pixelOf(it) === pixelOf(call)) !== at
      ? call
      : withUser(call, copy(attempt(() => config.user)));

  const passInit = (call, at) =>
    pass(mayUser ? ofPage(call, at) : withUser(call, "{}"));

  const toModule = (call) => {
    if (isInit(call)) {
      add(inits, call);
      passInit(call, inits.length - 1);
    } else pass(optsOut && isMeasure(call) ? optedOut(call) : call);
  };

  const keep = (call) => {
    trace(HELD_FOR_CONSENT, call);
    hold(held, call);
  };

  /** Calls that have waited meet the gate again. */
  const replay = () => {
    const calls = held;
    held = [];
    each(calls, gate);
  };

  /** The last decision, which `told` leaves where the page may no longer be measured by it. */
  let decided = told.state;
  /** Whether a task will decide, and who had decided when that was asked for. */
  let due;

  /** `call` is the page's own answer, if it has just given one. */
  const settle = (call) => {
    due = undefined;
    const before = decided;
    const wasRevised = told.state !== before;
    const couldUser = mayUser;
    const { state, source, user } = decide(names, answers, said);
    decided = told.state = state;
    told.source = source;
    mayUser = user;
    if (before !== state) tell(`consent is ${state}, by ${source}`);
    if (state !== "pending" && (call || before !== state)) {
      const answer = ['"consent"', `${state === "granted"}`];
      pass(call ?? { head: `[${now()},"",""`, parts: answer });
    }
    if (couldUser !== user) each(inits, passInit);
    if (wasRevised || before !== state) replay();
  };

  /** A denial elsewhere ends what this page has been allowed: what a source says from then on is new. */
  const heed = () => {
    if (told.source === "another tab") decided = told.state;
  };

  const settleNow = () => {
    if (!due) return;
    heed();
    // whatever was answered before somebody denied elsewhere is over
    if (due.source === told.source) settle();
    due = undefined;
  };

  /**
   * An answer is one once its task is over: scripts, and consent managers that call back at once, correct themselves within
   * it. Until then nothing more is measured of a page that may no longer be.
   */
  const revise = () => {
    if (told.source === "forget") return;
    heed();
    if (told.state === "granted" && said === undefined) {
      const { state, source } = decide(names, answers);
      if (state !== "granted") {
        told.state = "pending";
        told.source = source;
      }
    }
    if (due) due.source = told.source;
    else {
      due = { source: told.source };
      if (!later(settleNow, 0)) settleNow();
    }
  };

  const gate = (call) => {
    each(looks, attempt);
    const given = call.parts[1];
    if (call.parts[0] === '"consent"') {
      if (!/^[tf]/.test(given)) return;
      heed();
      said = given === "true";
      settle(call);
      return;
    }
    if (isInit(call) && wantsDebug(call)) isTold = true;
    if (told.state === "granted") toModule(call);
    // an answer may change, and then the pixels start that were asked for
    else if (told.state === "pending" || !isMeasure(call)) keep(call);
  };

  each(options.faults, warn);
  listen(window, "storage", ({ key, newValue }) => {
    if (key !== "oaiq_consent" || newValue !== "false") return;
    told.state = "denied";
    told.source = "another tab";
    replay();
  });
  settle();
  use(gate);
  each(names, (name) => {
    // nothing of ours is thrown into a consent manager
    const answer = (given) =>
      attempt(() => {
        answers[name] = given;
        revise();
      });
    const look = attempt(() => SOURCES[name]?.({ answer, seek, options }));
    if (look) add(looks, look);
  });
  // before the script's own listeners, which send what waits
  each(LAST_EVENTS, (event) =>
    attempt(() =>
      window.addEventListener(event, () => attempt(settleNow), true),
    ),
  );
  if (options.passesClick) {
    const address = attempt(() => new URL(location.href).searchParams);
    const click = address?.get("oppref") || landingClick;
    if (click) passClickOn(click, () => told.state === "pending");
  }
  later(() => {
    if (told.state === "pending")
      tell(
        `no answer about consent after 5 s, from ${told.source}: calls wait, and nothing is stored or sent`,
      );
  }, PATIENCE);
  return gate;
};

const start = (isForgotten, element, use, passAsItIs, landingClick, trace) => {
  const { config } = window.oaiq;
  const options = optionsOf((name) => element?.getAttribute(name), config);
  const redacted =
    options.redactPath === false
      ? (call) => call
      : redactor(options.redactPath, warn);
  const pass = (call) => passAsItIs(redacted(call));
  if (isForgotten || options.asks)
    return ask(isForgotten, options, config, use, pass, landingClick, trace);
  each(options.faults, warn);
  let begun = false;
  let gate;
  use((call) => {
    // the first init says whether the visitor is to be asked
    if (!begun && isPending(call))
      gate = ask(false, options, config, use, pass, landingClick, trace);
    begun ||= isInit(call) || call.parts[0] === '"consent"';
    (gate ?? pass)(call);
  });
};

try {
  window.oaiq.__consent(start);
} catch (fault) {
  warn(
    `nothing is measured before oaiq("consent", true): a fault of the pixel's own, please report it: ${fault}`,
  );
}
