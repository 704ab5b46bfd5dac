// Serializes the arguments of a call; src/raw_json.rs reads the result. JSON.stringify would do most of this, but it obeys
// every toJSON method that a page or an old library has put on a prototype, and a page may have replaced it.
//
// The format is JSON with these differences: "u" is undefined, and x"reason" is a value that cannot be serialized.
// Quotation marks within strings are written as \u0022, so each `"` starts or ends a string.

import { tryOr } from "./safe-builtins.js";

export const { isArray } = Array;
const { keys } = Object;
const { fromCharCode } = String;

/** In UTF-16 units. No event that can be sent is longer, so the rest is not serialized. */
const MAX_LENGTH = 1 << 20;
/** data -> contents -> item: no event has anything deeper. */
const MAX_DEPTH = 3;
/** `measureSingle` takes the most arguments. */
const MAX_ARGUMENTS = 5;

// eslint-disable-next-line no-control-regex -- JSON requires these to be escaped
const SPECIAL = /["\\\x00-\x1f]/g;
const ESCAPED = /\\u00(..)/g;

/**
 * Returns the characters of a JSON string, without its quotes.
 *
 * @param {string} text
 */
export const escapeJson = (text) =>
  text.replace(
    SPECIAL,
    (character) =>
      "\\u" + (character.charCodeAt(0) + 0x10000).toString(16).slice(1),
  );

/**
 * Reverts `escapeJson`.
 *
 * @param {string} text
 */
export const unescapeJson = (text) =>
  // fromCharCode converts "0x22" to a number
  text.replace(ESCAPED, (_, code) =>
    fromCharCode(/** @type {any} */ ("0x" + code)),
  );

/** @param {string} text */
export const quote = (text) => `"${escapeJson(text)}"`;

/** @param {unknown} why */
const unserializable = (why) => `x"${why}"`;

/**
 * @param {object} holder
 * @param {string | number} name
 * @param {number} [depth]
 */
const serializeMember = (holder, name, depth) =>
  tryOr(
    () =>
      serialize(
        /** @type {Record<string | number, unknown>} */ (holder)[name],
        depth,
      ),
    unserializable("getter that throws"),
  );

/**
 * @param {unknown} value
 * @returns {string}
 */
export const serialize = (value, depth = 1) => {
  switch (typeof value) {
    case "string":
      return value.length > MAX_LENGTH
        ? unserializable("too large")
        : quote(value);
    case "number":
      return value - value === 0 ? "" + value : unserializable(value);
    case "boolean":
      return "" + value;
    case "undefined":
      return "u";
    case "object":
      break;
    default:
      return unserializable(typeof value);
  }
  if (value === null) return "null";
  if (depth > MAX_DEPTH) return unserializable("object");
  const names = isArray(value) ? null : keys(value);
  const length = (names ?? /** @type {unknown[]} */ (value)).length;
  let text = "";
  for (let i = 0; i < length; i += 1) {
    const name = names ? names[i] : i;
    const part = serializeMember(value, name, depth + 1);
    text +=
      (i ? "," : "") +
      (names ? quote(/** @type {string} */ (name)) + ":" : "") +
      part;
    if (text.length > MAX_LENGTH) return unserializable("too large");
  }
  return names ? `{${text}}` : `[${text}]`;
};

/**
 * Serializes each argument of a call.
 *
 * @param {ArrayLike<unknown>} args
 */
export const serializeArgs = (args) => {
  /** @type {string[]} */
  const parts = [];
  for (let i = 0; i < MAX_ARGUMENTS && i < args.length; i += 1)
    parts[i] = serializeMember(args, i);
  return parts;
};
