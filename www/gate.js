// The gate that calls go through: to the module, or, while the visitor has not been asked, to a place where they wait.

import { enter, enterLater, hand, stop } from "./border.js";
import { giveUp, landingClick } from "./page.js";
import { loadBeside } from "./beside.js";
import { hide, listen, warn } from "./guard.js";
import { HELD, trace } from "./trace.js";
import { element } from "oaiq:beside";

/** At most this many calls wait. */
const MOST_HELD = 200;

// In these patterns a dot stands for a quotation mark. Old minifiers take a quotation mark in a regular expression for the
// start of a string.
const measures = (parts) => /^.measure/.test(parts[0]);

/** Whether the module has been given an `init` or an answer. What a later `init` says of waiting comes too late then. */
let begun = 0;

/**
 * Gives a call to the module. It is `{head, parts}`: the texts of its time and place, and of each argument. One without a
 * head is the page's paint, after which the module looks at cookies and stores.
 */
export const pass = ({ head, parts }) => {
  begun |= /^.(consent.[tf]|init(ialize)?.{)/.test(parts[0] + parts[1]);
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

/** The name is the first or the second argument; an object, `null` or nothing may follow. */
const rank = ({ parts }) =>
  measures(parts) + /_viewed.({|$)/.test(parts[1] + parts[2]);

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
  if (/^.consent.[tf]/.test(call.parts[0] + call.parts[1])) {
    told.state = call.parts[1] === "true" ? "granted" : "denied";
    told.source = "call";
    pass(call);
    replay();
  } else if (told.state === "granted") pass(call);
  // an answer may change, and then the pixels start that were asked for
  else if (told.state === "pending" || !measures(call.parts)) keep(call);
};

/** The gate of a page whose visitor is forgotten. */
const shut = () => {};

let gate = pass;
export const take = (call) => {
  if (call.parts[0] === '"forget"') {
    // a denial deletes most at once, and other tabs hear of it
    pass({ head: call.head, parts: ['"consent"', "false"] });
    told.state = "denied";
    gate = shut;
    stop();
    giveUp(1);
    load();
  } else gate(call);
};

const replay = () => {
  const calls = held;
  held = [];
  for (let i = 0; i < calls.length; i += 1) gate(calls[i]);
};

const use = (next) => {
  gate = next;
  replay();
};

/** Loads www/consent.js, which deletes what is stored if the gate is shut. */
const load = () =>
  loadBeside(
    "consent",
    (start) =>
      start(gate === shut, element, told, use, keep, pass, landingClick),
    (why) => {
      if (gate === keep) {
        use(ask);
        warn(`nothing is measured before oaiq("consent", true): ${why}`);
      } else if (gate === shut) warn(`forget leaves a denial stored: ${why}`);
    },
  );

/** From now on calls wait for the visitor's answer. `named`: others give it than the page's calls (www/consent.js). */
export const wait = (named) => {
  if (begun || gate !== pass) return;
  gate = named ? keep : ask;
  hide(window.oaiq, "consentState", told);
  listen(window, "storage", ({ key, newValue }) => {
    if (key !== "oaiq_consent" || newValue !== "false") return;
    told.state = "denied";
    told.source = "another tab";
    replay();
  });
  if (named) load();
};
