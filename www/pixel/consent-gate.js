// The gate that calls go through: to the module, or, on a page whose visitor is to be asked, to where they wait for
// www/consent/entry.js, which decides.

import { enter, enterLater, hand, stop } from "./wasm-bridge.js";
import { giveUp, landingClick } from "./host.js";
import { loadBeside } from "./lazy-assets.js";
import { each, warn } from "./safe-builtins.js";
import { trace } from "./trace.js";
import { element } from "oaiq:asset-urls";

// In these patterns a dot stands for a quotation mark. Old minifiers take a quotation mark in a regular expression for the
// start of a string.

/** Whether the module has been given an `init` or an answer. What a later `init` says of waiting comes too late then. */
let begun = 0;

/**
 * Gives a call to the module. It is `{head, parts}`: the texts of its time and place, and of each argument. One without a
 * head is the page's paint, after which the module looks at cookies and stores.
 */
const pass = ({ head, parts }) => {
  begun |= /^.(init(ialize|).{|consent.[tf])/.test(parts[0] + parts[1]);
  let text = head;
  for (let i = 0; i < parts.length; i += 1) text += "," + parts[i];
  // a measured event can wait until the caller is done; an answer about consent cannot
  (/^.measure/.test(parts[0]) ? enterLater : enter)((module) => {
    if (!head) return module.onFirstPaint();
    hand(text + "]");
    module.onCall();
  });
};

/** The calls that wait for the consent file. */
let held = [];
const hold = (call) => {
  held[held.length] = call;
};

/** From now on calls go there, those that wait first. */
const use = (next) => {
  gate = next;
  const calls = held;
  held = [];
  each(calls, next);
};

/** Where there is no consent file: until the page itself says that the visitor has agreed, calls wait. */
const untilGranted = (call) => {
  if (!/^.consent.true/.test(call.parts[0] + call.parts[1])) return hold(call);
  pass(call);
  use(pass);
};

/** The gate of a page whose visitor is forgotten. */
const shut = () => {};

let gate = pass;
export const take = (call) => {
  if (call.parts[0] === '"forget"') {
    // a denial deletes most at once, and other tabs hear of it
    pass({ head: call.head, parts: ['"consent"', "false"] });
    gate = shut;
    stop();
    giveUp(1);
    load();
  } else gate(call);
};

/** Loads www/consent/entry.js, which deletes what is stored if the gate is shut. */
const load = () =>
  loadBeside(
    "consent",
    (start) => start(gate === shut, element, use, pass, landingClick, trace),
    (why) => {
      if (gate === shut) warn(`forget is incomplete: ${why}`);
      else if (gate === hold) {
        warn(`nothing is measured before oaiq("consent", true): ${why}`);
        use(untilGranted);
      }
    },
  );

/** From now on calls wait for the visitor's answer. */
export const wait = () => {
  if (begun || gate !== pass) return;
  gate = hold;
  load();
};
