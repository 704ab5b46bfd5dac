// The border between script and module: the order in which calls cross it, and the texts that do.

import { later, warn } from "./guard.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** So many calls are handed over in one go before the page has its turn. */
const AT_ONCE = 100;

/** The module's exports. The build gives their names, wherever `module.` stands before one, the form they have there. */
let module;
let bytes;

const view = () =>
  // memory that has grown leaves an empty view behind
  bytes?.length ? bytes : (bytes = new Uint8Array(module.memory.buffer));

/** The text at an address in the module's memory; a byte 0 ends it. */
export const textAt = (at) => {
  const all = view();
  return all[at] ? decoder.decode(all.subarray(at, all.indexOf(0, at))) : "";
};

/** Puts a text where the module takes the next one from. */
export const hand = (text) => {
  const encoded = encoder.encode(text);
  const at = module.room(encoded.length);
  view().set(encoded, at);
};

/**
 * Counts the times that the module was entered from outside. What a page may have changed meanwhile, its cookies for
 * one, is the same within one of them.
 */
export let entries = 0;
/** The script's own evaluation, with the calls that had been made before, counts as one. */
let starting = true;
export const started = () => {
  starting = false;
};

let stopped = false;
let inside = false;
let scheduled = false;
/** Work for the module, from `head` on. */
let waiting = [];
let head = 0;

/** From now on nothing is accepted. */
export const stop = (why) => {
  stopped = true;
  waiting = [];
  warn(why);
};

/** Does so much of what waits, in its order. What the module calls may call the page, and that may call back. */
const work = (most) => {
  if (!module || inside || stopped) return;
  inside = true;
  if (!starting) entries += 1;
  try {
    for (; head < waiting.length && most; most -= 1) {
      const next = waiting[head];
      waiting[head] = null;
      head += 1;
      next(module);
    }
    if (head === waiting.length) {
      waiting = [];
      head = 0;
    }
  } catch (fault) {
    stop(
      `the pixel has stopped after a fault of its own, please report it: ${fault}`,
    );
  }
  inside = false;
};

const add = (next) => {
  if (!stopped) waiting[waiting.length] = next;
};

/** Work that is done now, after what waits, or as soon as the module is there and nobody is inside. */
export const enter = (next) => {
  add(next);
  work(Infinity);
};

const turn = () => {
  scheduled = false;
  work(AT_ONCE);
  if (head < waiting.length) schedule();
};

const schedule = () => {
  if (scheduled || !module) return;
  scheduled = later(turn, 0);
  // a page without timers
  if (!scheduled) work(Infinity);
};

/** Work that need not be done in the caller's time. */
export const enterLater = (next) => {
  if (starting) enter(next);
  else {
    add(next);
    schedule();
  }
};

/** The module is there: what begins with `first` is done, and then what waits. */
export const open = (exports, first) => {
  module = exports;
  const calls = waiting;
  waiting = [first];
  for (let i = 0; i < calls.length; i += 1) waiting[i + 1] = calls[i];
  work(Infinity);
};
