// A call of the page as one text: the copy that is checked and sent (src/value.rs says how it reads).
// JSON.stringify would do most of it, but it obeys every toJSON that a page or an old library has put on a
// prototype, and a page may have replaced it.

const { isArray } = Array;
const { keys } = Object;

/** Longer than any event that can be sent; more is not copied. */
const LONGEST = 1 << 20;
/** data -> contents -> item: what lies deeper is part of no event. */
const DEEPEST = 3;

// eslint-disable-next-line no-control-regex -- these are what JSON asks to be escaped
const ESCAPED = /["\\\x00-\x1f]/g;
const escape = (character) =>
  "\\u" + (character.charCodeAt(0) + 0x10000).toString(16).slice(1);
const quote = (text) => '"' + text.replace(ESCAPED, escape) + '"';

const unusable = (why) => `x"${why}"`;

const copy = (value, depth) => {
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

/** The text of a call made at that time and address. `args` is any array-like. */
export const callText = (time, url, referrer, args) => {
  let text = `[${time},${quote(url)},${quote(referrer)}`;
  // no command has more arguments than measureSingle
  for (let i = 0; i < args.length && i < 5; i += 1) {
    let part;
    try {
      part = copy(args[i], 1);
    } catch {
      part = unusable("object that throws");
    }
    text += "," + part;
  }
  return text + "]";
};

/** The text that the module begins with. */
export const setupText = (url, events, settings, config) =>
  `[${quote(url)},${quote(events)},${quote(settings)},${copy(config, 1)}]`;
