// Redacts personal data in the paths of URLs, as `oaiq.config.redactPath` says.

import { tryOr } from "../pixel/safe-builtins.js";
import { append, each } from "./lists.js";

/** @typedef {(path: string) => string} Rule */

/** Replaces what is redacted. */
const MASK = "*";

/**
 * Redacts the segments at each `*` of a path pattern, which matches from the start of the path.
 *
 * @param {string} pattern
 * @returns {Rule}
 */
const bySegments = (pattern) => (path) => {
  const wanted = pattern.split("/");
  const segments = path.split("/");
  for (let i = 0; i < wanted.length; i += 1)
    if (wanted[i] !== MASK && wanted[i] !== segments[i]) return path;
  let masked = "";
  each(segments, (segment, i) => {
    masked += (i ? "/" : "") + (wanted[i] === MASK && segment ? MASK : segment);
  });
  return masked;
};

/**
 * Redacts all matches of a regular expression.
 *
 * @param {RegExp} expression
 * @returns {Rule}
 */
const byExpression = ({ source, flags }) => {
  const all = new RegExp(source, flags.replace("g", "") + "g");
  return (path) => path.replace(all, MASK);
};

/** Redacts the whole path: the safe meaning of an invalid pattern. */
const redactAll = () => `/${MASK}`;

/**
 * @param {any} pattern
 * @returns {Rule}
 */
const ruleOf = (pattern) => {
  if (typeof pattern === "string") return bySegments(pattern);
  return tryOr(() => pattern.source && byExpression(pattern)) || redactAll;
};

/**
 * Returns a function that redacts the path of a URL.
 *
 * @param {unknown} patterns - a string, a regular expression, or a list of them
 * @param {() => void} onInvalid - called for each pattern that is neither a string nor a regular expression; it hides the whole path
 * @returns {(url: string) => string}
 */
export const createUrlRedactor = (patterns, onInvalid) => {
  /** @type {Rule[]} */
  const rules = [];
  each(Array.isArray(patterns) ? patterns : [patterns], (pattern) => {
    const rule = ruleOf(pattern);
    append(rules, rule);
    if (rule === redactAll) onInvalid();
  });
  /** @param {string} path */
  const redactPath = (path) => {
    let result = path;
    each(rules, (rule) => {
      result = rule(result);
    });
    return result;
  };
  return (url) =>
    url.replace(
      /^([a-z]+:\/\/[^/?#]*)([^?#]*)/i,
      (_, origin, path) => origin + redactPath(path),
    );
};
