// Follows what is pushed to the page's `dataLayer`: its `push` is wrapped, and put back at the end.

import { tryOr } from "../pixel/safe-builtins.js";
import { isArray } from "../pixel/serialize-call.js";

const { defineProperty, getOwnPropertyDescriptor } = Object;
const { apply, deleteProperty } = Reflect;

/** How many of the entries of one call are looked at, the last ones. */
const MAX_ENTRIES = 100;

/**
 * Wraps the `push` of a layer. Returns a function that puts it back. If another script has wrapped it in turn, what is left
 * there only calls the page's own.
 *
 * @param {any} layer
 * @param {(entry: unknown) => void} onEntry
 */
const wrap = (layer, onEntry) => {
  const { push } = layer;
  // undefined if it is inherited
  const before = getOwnPropertyDescriptor(layer, "push");
  let isActive = true;
  /** @this {unknown} */
  const wrapper = function () {
    if (isActive && this === layer) {
      const first = arguments.length - MAX_ENTRIES;
      for (let i = first > 0 ? first : 0; i < arguments.length; i += 1)
        tryOr(() => onEntry(arguments[i]));
    }
    return apply(push, this, arguments);
  };
  if (!isArray(layer) || typeof push !== "function") return;
  defineProperty(layer, "push", {
    // @ts-expect-error -- TypeScript does not know that this sets the prototype
    __proto__: null,
    value: wrapper,
    writable: true,
    configurable: true,
    enumerable: before?.enumerable ?? false,
  });
  return () => {
    isActive = false;
    if (getOwnPropertyDescriptor(layer, "push")?.value !== wrapper) return;
    if (before) defineProperty(layer, "push", before);
    else deleteProperty(layer, "push");
  };
};

/**
 * Follows one layer at a time.
 *
 * @param {(entry: unknown) => void} onEntry - called before the page's own `push`
 */
export const createFollower = (onEntry) => {
  /** @type {unknown} */
  let followed;
  /** @type {(() => void) | undefined} */
  let release;
  /**
   * Follows this layer, and no other.
   *
   * @param {unknown} [layer] - not necessarily an array
   */
  return (layer) => {
    if (layer === followed) return;
    if (release) tryOr(release);
    followed = layer;
    release = tryOr(() => wrap(layer, onEntry));
  };
};
