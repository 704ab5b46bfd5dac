import { toText } from "./to-text.js";

/**
 * Characters that are invisible or that reorder the text around them (https://www.unicode.org/reports/tr9/, "Trojan
 * Source"). The joiners U+200C and U+200D are not among them: words and emoji need them.
 */
const INVISIBLE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}|[\u{e0000}-\u{e007f}]/gu;

/** @param {string} text */
const escape = (text) =>
  text.replace(
    INVISIBLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );

/**
 * Untrusted text with its invisible characters as escapes, cut at `longest` characters.
 *
 * @param {unknown} value
 */
export const escapeInvisible = (value, longest = 2000) => {
  const text = toText(value);
  if (text.length <= longest) return escape(text);
  const more = text.length - longest;
  return `${escape(text.slice(0, longest))}… (${more.toLocaleString()} more)`;
};

/**
 * The same for text of several lines.
 *
 * @param {string} text
 */
export const escapeInvisibleLines = (text, longest = 100_000) => {
  const cut = text.slice(0, longest);
  const lines = cut.split("\n").map(escape).join("\n");
  return cut.length === text.length
    ? lines
    : `${lines}\n… (${(text.length - longest).toLocaleString()} more characters)`;
};

/**
 * Indented JSON, or a sentence where the value is nested too deeply.
 *
 * @param {unknown} value
 * @returns {string}
 */
export const toPrettyJson = (value) => {
  try {
    return JSON.stringify(value, null, 2) ?? "";
  } catch {
    return "It is nested too deeply to be shown.";
  }
};
