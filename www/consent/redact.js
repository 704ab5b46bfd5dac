// Redacts personal data in the paths of the URLs that events carry.

import { quote, unescapeJson } from "../pixel/serialize-call.js";
import { createUrlRedactor } from "./redact-url.js";

/** @typedef {import("../pixel/consent-gate.js").Call} Call */

/**
 * Returns a function that redacts the paths in a call: that of the page, and that of its referrer.
 *
 * @param {unknown} patterns - a string, a regular expression, or a list of them
 * @param {(line: string) => void} warn
 * @returns {(call: Call) => Call}
 */
export const createRedactor = (patterns, warn) => {
  const redactUrl = createUrlRedactor(patterns, () =>
    warn(
      'oaiq.config.redactPath has an entry that is neither a string nor a regular expression, so it hides the whole path: write "/account/*" or /\\d+/',
    ),
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
