// Decides from the answers of all sources whether the page may measure. Pure: nothing here needs a browser.

import { filter, findIndex, join } from "./lists.js";

/**
 * The answer of a source: whether anything may be measured, and whether user data may be sent. undefined means that the visitor
 * has not answered, or that the source says nothing about user data.
 *
 * @typedef {{ measure?: boolean | undefined, user?: boolean | undefined }} Answer
 */

/**
 * `state` and `source` are what a page reads as `oaiq.consentState`; `user` is whether user data may be sent.
 *
 * @typedef {{ state: "pending" | "granted" | "denied", source: string, user: boolean }} Decision
 */

/**
 * @param {string[]} sources - the sources that count
 * @param {Record<string, Answer>} answers - by source
 * @param {boolean} [pageAnswer] - of `oaiq("consent", …)`, which overrules all sources
 * @returns {Decision}
 */
export const decide = (sources, answers, pageAnswer) => {
  /** @param {boolean | undefined} measure */
  const answering = (measure) =>
    filter(sources, (name) => answers[name]?.measure === measure);
  const user = findIndex(sources, (name) => answers[name]?.user === false) < 0;
  /**
   * @param {Decision["state"]} state
   * @param {string} source
   */
  const decision = (state, source) => ({ state, source, user });
  if (pageAnswer !== undefined)
    return decision(pageAnswer ? "granted" : "denied", "call");
  // one denial is enough
  const denying = answering(false);
  if (denying.length) return decision("denied", denying[0]);
  const silent = answering(undefined);
  if (silent.length) return decision("pending", join(silent, " "));
  return decision("granted", join(sources, " "));
};
