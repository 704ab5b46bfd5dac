// A call of the page as text: the copy that is checked and sent (src/raw_json.rs says how it reads).
// JSON.stringify would do most of it, but it obeys every toJSON that a page or an old library has put on a
// prototype, and a page may have replaced it.

export const { isArray } = Array;
const { keys } = Object;
const { fromCharCode } = String;

/** Longer than any event that can be sent; more is not copied. */
const LONGEST = 1 << 20;
/** data -> contents -> item: what lies deeper is part of no event. */
const DEEPEST = 3;

// eslint-disable-next-line no-control-regex -- these are what JSON asks to be escaped
const SPECIAL = /["\\\x00-\x1f]/g;
const ESCAPED = /\\u00(..)/g;

/** The characters of a JSON string. */
export const escape = (text) =>
  text.replace(
    SPECIAL,
    (character) =>
      "\\u" + (character.charCodeAt(0) + 0x10000).toString(16).slice(1),
  );

/** What `escape` has escaped. */
export const unescape = (text) =>
  text.replace(ESCAPED, (_, code) => fromCharCode("0x" + code));

export const quote = (text) => `"${escape(text)}"`;

const unusable = (why) => `x"${why}"`;

/** A value's text. */
export const copy = (value, depth = 1) => {
  switch (typeof value) {
    case "string":
      return value.length > LONGEST ? unusable("too large") : quote(value);
    case "number":
      return value - value === 0 ? "" + value : unusable(value);
    case "boolean":
      return "" + value;
    case "undefined":
      return "u";
    case "object":
      break;
    default:
      return unusable(typeof value);
  }
  if (value === null) return "null";
  if (depth > DEEPEST) return unusable("object");
  const names = isArray(value) ? null : keys(value);
  const length = (names ?? value).length;
  let text = "";
  for (let i = 0; i < length; i += 1) {
    const name = names ? names[i] : i;
    let part;
    try {
      part = copy(value[name], depth + 1);
    } catch {
      part = unusable("getter that throws");
    }
    text += (i ? "," : "") + (names ? quote(name) + ":" : "") + part;
    if (text.length > LONGEST) return unusable("too large");
  }
  return names ? `{${text}}` : `[${text}]`;
};

/** The texts of a call's arguments, which are any array-like. */
export const copies = (args) => {
  const parts = [];
  // no command has more arguments than measureSingle
  for (let i = 0; i < 5 && i < args.length; i += 1) {
    try {
      parts[i] = copy(args[i]);
    } catch {
      parts[i] = unusable("getter that throws");
    }
  }
  return parts;
};
