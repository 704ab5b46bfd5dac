// The decision whether may be measured, from what each source of consent has answered. Nothing here knows a browser.

import { filtered, joined, placeOf } from "./lists.js";

/**
 * An answer of a source: `{measure, user}`, each true, false or, as long as there is none, undefined. `measure` is about
 * all that is measured, `user` about the part `user` of it, where a source speaks of that at all.
 *
 * `named` are the sources whose answers count, `answers` what they have answered so far, by name, and `call` what the page
 * has said itself, by `oaiq("consent", …)`: the last word.
 *
 * What comes back is `{state, source, user}`: "pending", "granted" or "denied", who is the reason for it, and whether the
 * part `user` may go as well.
 */
export const decide = (named, answers, call) => {
  const said = (measure) =>
    filtered(named, (name) => answers[name]?.measure === measure);
  const user = placeOf(named, (name) => answers[name]?.user === false) < 0;
  const as = (state, source) => ({ state, source, user });
  if (call !== undefined) return as(call ? "granted" : "denied", "call");
  // one denial is enough
  const denying = said(false);
  if (denying.length) return as("denied", denying[0]);
  const waiting = said(undefined);
  if (waiting.length) return as("pending", joined(waiting, " "));
  return as("granted", joined(named, " "));
};
