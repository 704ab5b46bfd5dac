// The gate where others answer for the visitor than the page's own calls: consent managers, and the browser. The pixel's
// script loads this file when the page names one of them, and when a page calls oaiq("forget") (www/gate.js).

import {
  hasUser,
  isInit,
  isMeasure,
  optedOut,
  pixelOf,
  wantsDebug,
  withUser,
} from "./consent/calls.js";
import { decide } from "./consent/decision.js";
import { forget } from "./consent/forget.js";
import { google } from "./consent/google.js";
import { gpp, tcf } from "./consent/iab.js";
import { optionsOf } from "./consent/options.js";
import { passClickOn } from "./consent/passthrough.js";
import { copy } from "./copy.js";
import { attempt, later, now, warn } from "./guard.js";

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

const seek = (isFound, pause = FIRST_LOOK) => {
  if (!attempt(isFound) && pause <= LAST_LOOK)
    later(() => seek(isFound, pause * 2), pause);
};

/** A page may end before a task that has been asked for: these events are its last. */
const LAST_EVENTS = ["pagehide", "beforeunload", "freeze", "visibilitychange"];

const start = (isForgotten, element, told, use, keep, pass, landingClick) => {
  if (isForgotten) {
    told.state = "denied";
    told.source = "forget";
    // the script knows by this that the file has come
    use(() => {});
    forget();
    return;
  }
  const { config } = window.oaiq;
  const options = optionsOf((name) => element?.getAttribute(name), config);
  const { names } = options;
  const optsOut = isOptedOut() && options.gpc === "opt-out";
  const answers = { __proto__: null };
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
    inits.findIndex((it) => pixelOf(it) === pixelOf(call)) !== at
      ? call
      : withUser(call, copy(attempt(() => config.user)));

  const passInit = (call, at) =>
    pass(mayUser ? ofPage(call, at) : withUser(call, "{}"));

  const toModule = (call) => {
    if (isInit(call)) {
      inits.push(call);
      passInit(call, inits.length - 1);
    } else pass(optsOut && isMeasure(call) ? optedOut(call) : call);
  };

  /** The last decision, which `told` leaves where the page may no longer be measured by it. */
  let decided = told.state;
  /** Whether a task will decide, and who had decided when that was asked for. */
  let due;

  /** `call` is the page's own answer, if it has just given one. */
  const settle = (call) => {
    due = undefined;
    const before = decided;
    const held = told.state !== before;
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
    if (couldUser !== user) inits.forEach(passInit);
    if (held || before !== state) use(gate);
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
    for (const look of looks) attempt(look);
    const [command, given] = call.parts;
    if (command === '"consent"') {
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

  for (const fault of options.faults) warn(fault);
  if (told.source !== "another tab") settle();
  use(gate);
  for (const name of names) {
    // nothing of ours is thrown into a consent manager
    const answer = (given) =>
      attempt(() => {
        answers[name] = given;
        revise();
      });
    const look = attempt(() => SOURCES[name]?.({ answer, seek, options }));
    if (look) looks.push(look);
  }
  // before the script's own listeners, which send what waits
  for (const event of LAST_EVENTS)
    attempt(() =>
      window.addEventListener(event, () => attempt(settleNow), true),
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
};

try {
  window.oaiq.__consent(start);
} catch (fault) {
  warn(
    `nothing is measured before oaiq("consent", true): a fault of the pixel's own, please report it: ${fault}`,
  );
}
