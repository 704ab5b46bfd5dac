// The border between script and module: the order in which calls cross it, and the texts that do.

import { each, later, warn } from "./safe-builtins.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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
  const at = module.allocIncoming(encoded.length);
  view().set(encoded, at);
};

/**
 * Counts the times that the module was entered from outside. What a page may have changed meanwhile, its cookies for
 * one, is the same within one of them.
 */
export let entries = 0;

let stopped = false;
let inside = false;
let scheduled = false;
/** Work for the module. */
let waiting = [];

/** From now on nothing is accepted. */
export const stop = (why) => {
  stopped = true;
  waiting = [];
  if (why) warn(why);
};

/** Does what waits, in its order. What the module calls may call the page, and that may call back. */
const work = () => {
  scheduled = false;
  if (!module || inside || stopped) return;
  inside = true;
  entries += 1;
  try {
    each(waiting, (next) => next(module));
    waiting = [];
  } catch (fault) {
    stop(`stopped by a fault of its own, please report it: ${fault}`);
  }
  inside = false;
};

const add = (next) => {
  if (!stopped) waiting[waiting.length] = next;
};

/** Work that need not be done in the caller's time. */
export const enterLater = (next) => {
  add(next);
  // there may be no timers
  if (module && !scheduled && !(scheduled = later(work, 0))) work();
};

/** Work that is done now, after what waits, or as soon as the module is there and nobody is inside. */
export const enter = (next) => {
  add(next);
  work();
};

/** The module is there, and what waits is done. */
export const open = (exports) => {
  module = exports;
  work();
};
