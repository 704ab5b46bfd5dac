// What is told with debug, by the module and by the script. A file of its own puts it into words, which is loaded when
// the first step is to be told.

import { loadBeside } from "./beside.js";
import { enter } from "./border.js";
import { attempt, warn } from "./guard.js";

/** The script's own steps; their numbers are their places in `Step::ALL` (src/host.rs). */
export const SENT = 8;
export const ANSWERED = 9;
export const SETTINGS = 11;
export const ASKED = 17;

let debugging;

/** Switches debug on or off, also for the module. */
export const debug = (on) => {
  debugging = on;
  enter((module) => module.debug(+on));
};

let untold = [];
let explain;

/** Called with what the file hands over. */
const explainBy = (explainer) => {
  explain = explainer;
  for (let i = 0; i < untold.length; i += 1) trace(untold[i][0], untold[i][1]);
};

/** A step, if debug is on. */
export const trace = (step, about) => {
  if (!debugging) return;
  if (explain) return attempt(() => explain(step, about));
  untold[untold.length] = [step, about];
  if (untold.length === 1)
    loadBeside("debug", explainBy, (why) => {
      untold = [];
      debug(false);
      warn(`no debug: ${why}`);
    });
};
