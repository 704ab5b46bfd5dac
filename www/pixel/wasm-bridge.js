// Calls into the WebAssembly module, one at a time, and passes strings through its memory.

import { each, setTimer, warn } from "./safe-builtins.js";
import { encoder } from "./wasm-bytes.js";

/** @typedef {import("oaiq:imports").Exports} Exports */
/** @typedef {(module: Exports) => void} ModuleCall */

const decoder = new TextDecoder();

/**
 * The exports. The build shortens their names wherever `module.` precedes one, so no other name may hold them.
 *
 * @type {Exports}
 */
let module;
/** @type {Uint8Array<ArrayBuffer> | undefined} */
let bytes;

const view = () =>
  // memory that grows detaches its buffer, and the view becomes empty
  bytes?.length ? bytes : (bytes = new Uint8Array(module.memory.buffer));

/**
 * Returns the NUL-terminated string at an address in the memory of the module.
 *
 * @param {number} at
 */
export const readString = (at) => {
  const all = view();
  return all[at] ? decoder.decode(all.subarray(at, all.indexOf(0, at))) : "";
};

/**
 * Passes a string to the module, which takes it in the call that follows.
 *
 * @param {string} text
 */
export const writeString = (text) => {
  const encoded = encoder.encode(text);
  const at = module.allocIncoming(encoded.length);
  view().set(encoded, at);
};

/**
 * Counts the calls into the module. No code of the page runs within one of them, so what the page can change, such as
 * its cookies, may be cached until the next.
 */
export let callEpoch = 0;

let isShutDown = false;
let isInside = false;
/** @type {number | boolean | undefined} */
let scheduled = false;
/** @type {ModuleCall[]} */
let pending = [];

/**
 * Drops all calls from now on. `why` is printed.
 *
 * @param {string} [why]
 */
export const shutDown = (why) => {
  isShutDown = true;
  pending = [];
  if (why) warn(why);
};

/** Makes the pending calls in their order. The module may call the page, which may call back and add to them. */
const flush = () => {
  scheduled = false;
  if (!module || isInside || isShutDown) return;
  isInside = true;
  callEpoch += 1;
  try {
    each(pending, (next) => next(module));
    pending = [];
  } catch (error) {
    shutDown(`internal error, please report it: ${error}`);
  }
  isInside = false;
};

/** @param {ModuleCall} next */
const add = (next) => {
  if (!isShutDown) pending[pending.length] = next;
};

/**
 * Calls the module in a task of its own.
 *
 * @param {ModuleCall} next
 */
export const scheduleCall = (next) => {
  add(next);
  // without timers, the call is made at once
  if (module && !scheduled && !(scheduled = setTimer(flush, 0))) flush();
};

/**
 * Calls the module now, after the pending calls. If the module has not loaded yet, or is running, the call is made as soon
 * as possible.
 *
 * @param {ModuleCall} next
 */
export const callModule = (next) => {
  add(next);
  flush();
};

/**
 * Sets the exports of the module and makes the pending calls.
 *
 * @param {Exports} exports
 */
export const attachModule = (exports) => {
  module = exports;
  flush();
};
