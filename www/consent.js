// The gate where others answer for the visitor than the page's own calls: consent managers, and the browser. The pixel's
// script loads this file when the page names one of them (www/gate.js).

import {
  hasUser,
  isInit,
  optedOut,
  pixelOf,
  withUser,
} from "./consent/calls.js";
import { decide } from "./consent/decision.js";
import { google } from "./consent/google.js";
import { gpp, tcf } from "./consent/iab.js";
import { passClickOn } from "./consent/passthrough.js";
import { copy } from "./copy.js";
import { attempt, later, listen, now, warn } from "./guard.js";

const gpc = ({ answer, options }) =>
  answer({
    measure: !(options.isOptedOut && options.gpc !== "opt-out"),
  });

const SOURCES = { google, tcf, gpp, gpc };

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

/** What the script's attributes say, or else the page's `oaiq.config`. */
const optionsOf = (element, config) => {
  const of = (attribute, name) =>
    attempt(() => element?.getAttribute(attribute) ?? config[name]) ?? "";
  return {
    sources: `${of("data-consent-source", "consentSource")}`,
    googleDataLayer: `${of("data-google-data-layer", "googleDataLayer")}`,
    region: `${of("data-region", "region")}`.toUpperCase(),
    tcfVendor: `${of("data-tcf-vendor", "tcfVendor")}`,
    gpc: `${of("data-gpc", "gpc")}`,
    passesClick:
      attempt(() => element.hasAttribute("data-click-passthrough")) ||
      attempt(() => config.clickPassthrough) === true,
    isOptedOut: attempt(() => navigator.globalPrivacyControl) === true,
  };
};

const namesOf = ({ sources, gpc }) => {
  const names = new Set(sources.toLowerCase().match(/[^\s,]+/g) ?? []);
  if (gpc) names.add("gpc");
  // nobody but the page itself
  return names.size ? [...names] : ["call"];
};

const start = (element, told, use, keep, pass, replay, landingClick) => {
  const { config } = window.oaiq;
  const options = optionsOf(element, config);
  const named = namesOf(options);
  const optsOut = options.isOptedOut && options.gpc === "opt-out";
  const answers = { __proto__: null };
  /** What the page has answered itself. */
  let said;
  let mayUser = true;
  let isTold =
    attempt(() => config.debug) === true ||
    // as in www/oaiq.js
    /oaiq_debug=1/.test(location.search + window.name);
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
    } else
      pass(optsOut && /^"measure/.test(call.parts[0]) ? optedOut(call) : call);
  };

  /** `call` is the page's own answer, if it has just given one. */
  const settle = (call) => {
    const before = told.state;
    const couldUser = mayUser;
    const { state, source, user } = decide(named, answers, said);
    told.state = state;
    told.source = source;
    mayUser = user;
    if (before !== state) tell(`consent is ${state}, by ${source}`);
    if (state !== "pending" && (call || before !== state)) {
      const answer = ['"consent"', `${state === "granted"}`];
      pass(call ?? { head: `[${now()},"",""`, parts: answer });
    }
    if (couldUser !== user) inits.forEach(passInit);
    if (before !== state) replay();
  };

  const gate = (call) => {
    const [command, given] = call.parts;
    if (command === '"consent"') {
      if (!/^[tf]/.test(given)) return;
      said = given === "true";
      settle(call);
      return;
    }
    if (isInit(call) && /"debug":true/.test(given)) isTold = true;
    if (told.state === "granted") toModule(call);
    // an answer may change, and then the pixels start that were asked for
    else if (told.state === "pending" || !/^"measure/.test(command)) keep(call);
  };

  // the module hears of it by itself; what a source says from then on is new
  listen(window, "storage", ({ key, newValue }) => {
    if (key !== "oaiq_consent" || newValue !== "false") return;
    told.state = "denied";
    told.source = "another tab";
  });
  settle();
  use(gate);
  for (const name of named) {
    const source = SOURCES[name];
    // nothing of ours is thrown into a consent manager
    const answer = (given) =>
      attempt(() => {
        answers[name] = given;
        settle();
      });
    if (source) attempt(() => source({ answer, seek, options }));
    else if (name !== "call")
      warn(
        `nothing is measured: data-consent-source names "${name}", and there are only ${Object.keys(SOURCES).join(", ")}`,
      );
  }
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
