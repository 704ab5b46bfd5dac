// The gate that calls go through: to the module, or, while the visitor has not been asked, to a place where they wait.

import { enter, enterLater, hand } from "./border.js";
import { landingClick } from "./page.js";
import { loadBeside } from "./beside.js";
import { hide, warn } from "./guard.js";
import { HELD, trace } from "./trace.js";
import { element } from "oaiq:beside";

/** So many calls wait at most. */
const MOST_HELD = 200;

export const measures = (parts) => /^"measure/.test(parts[0]);

/**
 * Gives a call to the module. It is `{head, parts}`: the texts of its time and place, and of each argument. One without a
 * head is the page's paint, after which the module looks at cookies and stores.
 */
export const pass = ({ head, parts }) => {
  let text = head;
  for (let i = 0; i < parts.length; i += 1) text += "," + parts[i];
  // a measured event can wait until the caller is done; an answer about consent cannot
  (measures(parts) ? enterLater : enter)((module) => {
    if (!head) return module.painted();
    hand(text + "]");
    module.call();
  });
};

/** The calls that wait. */
let held = [];

const rank = ({ parts }) =>
  measures(parts) + /"(page|contents)_viewed"/.test(parts[1] + parts[2]);

/** Lets a call wait. When too many do, the oldest view goes, or else the oldest event. */
const keep = (call) => {
  trace(HELD, call);
  held[held.length] = call;
  if (held.length <= MOST_HELD) return;
  let least = 0;
  for (let i = MOST_HELD; i >= 0; i -= 1)
    if (rank(held[i]) >= rank(held[least])) least = i;
  for (; least < MOST_HELD; least += 1) held[least] = held[least + 1];
  held.length = MOST_HELD;
};

/** What a page reads as `oaiq.consentState`. */
const told = { state: "pending", source: "call" };

/** The gate where the page itself gives the visitor's answer. */
const ask = (call) => {
  const [command, answer] = call.parts;
  if (command === '"consent"' && /^[tf]/.test(answer)) {
    told.state = answer === "true" ? "granted" : "denied";
    pass(call);
    replay();
  } else if (told.state === "granted") pass(call);
  // an answer may change, and then the pixels start that were asked for
  else if (told.state === "pending" || !measures(call.parts)) keep(call);
};

let gate = pass;
export const take = (call) => gate(call);

const replay = () => {
  const calls = held;
  held = [];
  for (let i = 0; i < calls.length; i += 1) gate(calls[i]);
};

/** From now on calls wait for the visitor's answer. `named`: others give it than the page's calls (www/consent.js). */
export const wait = (named) => {
  if (gate !== pass) return;
  gate = named ? keep : ask;
  hide(window.oaiq, "consentState", told);
  if (!named) return;
  const use = (next) => {
    gate = next;
    replay();
  };
  loadBeside(
    "consent",
    (start) => start(element, told, use, keep, pass, replay, landingClick),
    (why) => {
      use(ask);
      warn(`nothing is measured before oaiq("consent", true): ${why}`);
    },
  );
};
