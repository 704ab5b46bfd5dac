// The gate of a page that waits for an answer about consent: the one owner of `{state, source}`. It holds calls until the
// visitor has answered, forwards the decision to the module, and then forwards or drops the calls.

import {
  hasUser,
  isInit,
  isMeasure,
  pixelIdOf,
  wantsDebug,
  withOptOut,
  withUser,
} from "./call-text.js";
import { decide } from "./decide.js";
import { hold } from "./held-calls.js";
import { forwardClickId } from "./click-passthrough.js";
import { hasGpcSignal, poll, SOURCES } from "./sources.js";
import { append, each, findIndex } from "./lists.js";
import { HELD_FOR_CONSENT } from "../pixel/debug-events.gen.js";
import { serialize } from "../pixel/serialize-call.js";
import {
  defineHidden,
  now,
  on,
  setTimer,
  tryOr,
  warn,
} from "../pixel/safe-builtins.js";

/** @typedef {import("../pixel/consent-gate.js").Call} Call */
/** @typedef {import("../pixel/consent-gate.js").Gate} Gate */

/** Without an answer after this many milliseconds, debug names the source that calls wait for. */
const REMINDER_MS = 5_000;

/** The last events of a page, which may end before a task that has been scheduled. */
const LAST_EVENTS = ["pagehide", "beforeunload", "freeze", "visibilitychange"];

/** Returns what a page reads as `oaiq.consentState`. */
export const consentState = () => {
  /** @type {import("../types/oaiq.js").ConsentState} */
  const consent = window.oaiq.consentState ?? {
    state: "pending",
    source: "call",
  };
  defineHidden(window.oaiq, "consentState", consent);
  return consent;
};

/**
 * @typedef {object} Context
 * @property {import("./options.js").Options} options
 * @property {import("../types/oaiq.js").Config} config
 * @property {(gate: Gate) => void} setGate - lets this gate admit the page's calls, those that wait first
 * @property {Gate} forward - forwards a call to the module
 * @property {string} landingClickId
 * @property {typeof import("../pixel/trace.js").trace} trace
 */

/**
 * Starts the sources and returns the gate.
 *
 * @param {Context} context
 */
export const openGate = ({
  options,
  config,
  setGate,
  forward,
  landingClickId,
  trace,
}) => {
  const { sources } = options;
  const optsOut = hasGpcSignal() && options.gpc === "opt-out";
  const consent = consentState();
  /**
   * The last decision. `consent.state` differs from it while measuring is suspended (`suspend`).
   *
   * @type {string}
   */
  let decided = consent.state;
  /** Whether a scheduled task will decide. */
  let isDecisionDue = false;
  /** @type {Record<string, import("./decide.js").Answer>} */
  const answers = /** @type {any} */ ({ __proto__: null });
  /**
   * The answer of the page itself.
   *
   * @type {boolean | undefined}
   */
  let pageAnswer;
  /** Whether user data may be sent. */
  let maySendUser = true;
  /** @type {Call[]} */
  let heldCalls = [];
  /**
   * The `init` calls that were forwarded, as the page made them.
   *
   * @type {Call[]}
   */
  const inits = [];
  /**
   * The functions that search the sources for new answers.
   *
   * @type {(() => void)[]}
   */
  const refreshers = [];
  let isDebug =
    tryOr(() => config.debug) === true ||
    tryOr(() => /oaiq_debug=1/.test(location.search));

  /** @param {string} line */
  const log = (line) => isDebug && tryOr(() => console.info(`[oaiq] ${line}`));

  /**
   * Returns the first `init` of a pixel with the user of `oaiq.config`, if it names none of its own.
   *
   * @param {Call} call
   * @param {number} at
   */
  const withDefaultUser = (call, at) =>
    hasUser(call) ||
    findIndex(inits, (it) => pixelIdOf(it) === pixelIdOf(call)) !== at
      ? call
      : withUser(call, serialize(tryOr(() => config.user)));

  /**
   * @param {Call} call
   * @param {number} at
   */
  const forwardInit = (call, at) =>
    forward(maySendUser ? withDefaultUser(call, at) : withUser(call, "{}"));

  /** @type {Gate} */
  const forwardGranted = (call) => {
    if (isInit(call)) {
      append(inits, call);
      forwardInit(call, inits.length - 1);
    } else forward(optsOut && isMeasure(call) ? withOptOut(call) : call);
  };

  /** Lets the held calls pass the gate again. */
  const replay = () => {
    const calls = heldCalls;
    heldCalls = [];
    each(calls, gate);
  };

  /**
   * Decides, and forwards the decision to the module if it is new.
   *
   * @param {Call} [answerCall] - the page's own answer, which is always forwarded
   */
  const applyDecision = (answerCall) => {
    isDecisionDue = false;
    const previous = decided;
    const wasSuspended = consent.state !== previous;
    const couldSendUser = maySendUser;
    const { state, source, user } = decide(sources, answers, pageAnswer);
    decided = consent.state = state;
    consent.source = source;
    maySendUser = user;
    const isNew = previous !== state;
    if (isNew) log(`consent is ${state}, by ${source}`);
    if (state !== "pending" && (answerCall || isNew))
      forward(
        answerCall ?? {
          head: `[${now()},"",""`,
          parts: ['"consent"', `${state === "granted"}`],
        },
      );
    if (couldSendUser !== user) each(inits, forwardInit);
    if (wasSuspended || isNew) replay();
  };

  const applyDueDecision = () => {
    if (isDecisionDue) applyDecision();
  };

  /** Holds calls from now on if the answers no longer grant consent. */
  const suspend = () => {
    if (consent.state !== "granted" || pageAnswer !== undefined) return;
    const { state, source } = decide(sources, answers);
    if (state === "granted") return;
    consent.state = "pending";
    consent.source = source;
  };

  /**
   * Takes a new answer of a source. It is decided on after the current task, because scripts, and consent managers that call
   * back at once, correct themselves within one.
   */
  const onAnswer = () => {
    if (consent.source === "forget") return;
    suspend();
    if (isDecisionDue) return;
    isDecisionDue = true;
    if (!setTimer(applyDueDecision, 0)) applyDueDecision();
  };

  /** @type {Gate} */
  const gate = (call) => {
    each(refreshers, (refresh) => tryOr(refresh));
    const argument = call.parts[1];
    if (call.parts[0] === '"consent"') {
      if (!/^[tf]/.test(argument)) return;
      pageAnswer = argument === "true";
      applyDecision(call);
      return;
    }
    if (isInit(call) && wantsDebug(call)) isDebug = true;
    if (consent.state === "granted") forwardGranted(call);
    // after a denial an `init` is still held, because the visitor may change their mind
    else if (consent.state === "pending" || !isMeasure(call)) {
      if (call.head) trace(HELD_FOR_CONSENT, call);
      hold(heldCalls, call);
    }
  };

  each(options.warnings, warn);
  on(window, "storage", ({ key, newValue }) => {
    if (key !== "oaiq_consent" || newValue !== "false") return;
    // the module sees the denial itself; earlier answers of the sources no longer count
    isDecisionDue = false;
    decided = consent.state = "denied";
    consent.source = "another tab";
    replay();
  });
  applyDecision();
  setGate(gate);
  each(sources, (name) => {
    const refresh = tryOr(() =>
      SOURCES[name]?.({
        // must not throw into a consent manager
        onAnswer: (answer) =>
          tryOr(() => {
            answers[name] = answer;
            onAnswer();
          }),
        poll,
        options,
      }),
    );
    if (refresh) append(refreshers, refresh);
  });
  // while capturing, so before the script's own listeners, which send what is queued
  each(LAST_EVENTS, (event) =>
    tryOr(() =>
      window.addEventListener(event, () => tryOr(applyDueDecision), true),
    ),
  );
  if (options.forwardsClickId) {
    const query = tryOr(() => new URL(location.href).searchParams);
    const clickId = query?.get("oppref") || landingClickId;
    if (clickId) forwardClickId(clickId, () => consent.state === "pending");
  }
  setTimer(() => {
    if (consent.state === "pending")
      log(
        `no answer about consent after 5 s, from ${consent.source}: calls wait, and nothing is stored or sent`,
      );
  }, REMINDER_MS);
  return gate;
};
