// The calls that wait for the visitor's answer.

import { isMeasure } from "./call-text.js";
import { append, each, findIndex, removeAt } from "./lists.js";
import { VIEW } from "./views.gen.js";

/** @typedef {import("../pixel/consent-gate.js").Call} Call */

const MAX_HELD = 200;

/**
 * How dispensable a call is: 2 for a view of a page or of what is on it, 1 for any other event, 0 for an `init`, which is
 * dropped last.
 *
 * @param {Call} call
 */
const rank = (call) =>
  +isMeasure(call) + +VIEW.test(call.parts[1] + call.parts[2]);

/**
 * Adds a call. If there are too many, drops the oldest of the most dispensable ones.
 *
 * @param {Call[]} calls
 * @param {Call} call
 */
export const hold = (calls, call) => {
  append(calls, call);
  if (calls.length <= MAX_HELD) return;
  let highest = 0;
  each(calls, (it) => {
    if (rank(it) > highest) highest = rank(it);
  });
  removeAt(
    calls,
    findIndex(calls, (it) => rank(it) === highest),
  );
};
