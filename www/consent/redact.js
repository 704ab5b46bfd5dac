// Takes personal data out of the paths of the addresses that events carry, as the page's oaiq.config.redactPath says.

import { quote, unescape } from "../pixel/serialize-call.js";
import { attempt } from "../pixel/safe-builtins.js";
import { add, each, joined } from "./lists.js";

/** Stands for what is taken out. */
const MASK = "*";

/** A text is a path from its beginning on; each `*` in it is a segment to take out. */
const byText = (text) => (path) => {
  const wanted = text.split("/");
  const given = path.split("/");
  for (let i = 0; i < wanted.length; i += 1)
    if (wanted[i] !== MASK && wanted[i] !== given[i]) return path;
  const masked = [];
  each(given, (segment, i) =>
    add(masked, wanted[i] === MASK && segment ? MASK : segment),
  );
  return joined(masked, "/");
};

/** All that a regular expression finds is taken out. */
const byExpression = ({ source, flags }) => {
  const all = new RegExp(source, flags.replace("g", "") + "g");
  return (path) => path.replace(all, MASK);
};

/** What is neither hides the whole path: it may have been meant to. */
const hideAll = () => `/${MASK}`;

const ruleOf = (pattern) => {
  if (typeof pattern === "string") return byText(pattern);
  return attempt(() => pattern.source && byExpression(pattern)) || hideAll;
};

/**
 * What changes a call: the path of its page and of its referrer. `patterns` is a text or a regular expression, or a list of
 * them; `warn` is told of what is neither.
 */
export const redactor = (patterns, warn) => {
  const rules = [];
  each(Array.isArray(patterns) ? patterns : [patterns], (pattern) => {
    const rule = ruleOf(pattern);
    add(rules, rule);
    if (rule === hideAll)
      warn(
        'oaiq.config.redactPath has an entry that is neither a text nor a regular expression, so it hides the whole path: write "/account/*" or /\\d+/',
      );
  });
  const redacted = (path) => {
    let result = path;
    each(rules, (rule) => {
      result = rule(result);
    });
    return result;
  };
  const address = (text) =>
    text.replace(
      /^([a-z]+:\/\/[^/?#]*)([^?#]*)/i,
      (_, origin, path) => origin + redacted(path),
    );
  return (call) =>
    call.head
      ? {
          ...call,
          head: call.head.replace(/\x22([^\x22]*)\x22/g, (_, text) =>
            quote(address(unescape(text))),
          ),
        }
      : call;
};
