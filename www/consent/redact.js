// Redacts personal data in the paths of the URLs that events carry, as `oaiq.config.redactPath` says.

import { quote, unescapeJson } from "../pixel/serialize-call.js";
import { tryOr } from "../pixel/safe-builtins.js";
import { append, each, join } from "./lists.js";

/** @typedef {import("../pixel/consent-gate.js").Call} Call */
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
  /** @type {string[]} */
  const masked = [];
  each(segments, (segment, i) =>
    append(masked, wanted[i] === MASK && segment ? MASK : segment),
  );
  return join(masked, "/");
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
 * Returns a function that redacts the paths in a call: that of the page, and that of its referrer.
 *
 * @param {unknown} patterns - a string, a regular expression, or a list of them
 * @param {(line: string) => void} warn
 * @returns {(call: Call) => Call}
 */
export const createRedactor = (patterns, warn) => {
  /** @type {Rule[]} */
  const rules = [];
  each(Array.isArray(patterns) ? patterns : [patterns], (pattern) => {
    const rule = ruleOf(pattern);
    append(rules, rule);
    if (rule === redactAll)
      warn(
        'oaiq.config.redactPath has an entry that is neither a string nor a regular expression, so it hides the whole path: write "/account/*" or /\\d+/',
      );
  });
  /** @param {string} path */
  const redactPath = (path) => {
    let result = path;
    each(rules, (rule) => {
      result = rule(result);
    });
    return result;
  };
  /** @param {string} url */
  const redactUrl = (url) =>
    url.replace(
      /^([a-z]+:\/\/[^/?#]*)([^?#]*)/i,
      (_, origin, path) => origin + redactPath(path),
    );
  return (call) =>
    call.head
      ? {
          ...call,
          head: call.head.replace(/\x22([^\x22]*)\x22/g, (_, text) =>
            quote(redactUrl(unescapeJson(text))),
          ),
        }
      : call;
};
