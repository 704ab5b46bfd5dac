import { textOf } from "./to-text.js";

/**
 * Characters that show as nothing, or that reorder the text around them (https://www.unicode.org/reports/tr9/,
 * "Trojan Source"). The joiners U+200C and U+200D belong to words and emoji.
 */
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}|[\u{e0000}-\u{e007f}]/gu;

const asEscape = (character) => `\\u{${character.codePointAt(0).toString(16)}}`;

/** What a page sent, so that every character of it is seen and none acts; at most `longest` characters of it. */
export const visible = (value, longest = 2000) => {
  const text = textOf(value);
  if (text.length <= longest) return text.replace(HIDDEN, asEscape);
  const more = text.length - longest;
  return `${text.slice(0, longest).replace(HIDDEN, asEscape)}… (${more.toLocaleString()} more)`;
};

/** The same for a text of several lines. */
export const visibleLines = (text, longest = 100_000) => {
  const cut = text.slice(0, longest);
  const lines = cut
    .split("\n")
    .map((line) => line.replace(HIDDEN, asEscape))
    .join("\n");
  return cut.length === text.length
    ? lines
    : `${lines}\n… (${(text.length - longest).toLocaleString()} more characters)`;
};

/** JSON to be read, or a sentence where it is nested too deeply. */
export const asJson = (value) => {
  try {
    return JSON.stringify(value, null, 2) ?? "";
  } catch {
    return "It is nested too deeply to be shown.";
  }
};
