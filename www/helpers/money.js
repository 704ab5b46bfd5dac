// Converts amounts in a currency's major unit to its minor unit by ISO 4217, on decimal digits: 8.7 * 100 is not 870 in binary
// arithmetic. src/explain/money.rs reads texts by the same rules, for debug. Works without a page, for servers.

import { CURRENCY_DECIMALS } from "./currencies.gen.js";

/** A double has this many correct decimal digits; those after them are noise, as in 59.97000000000001. */
const CORRECT_DIGITS = 15;
/** No amount is longer, and a regular expression may take long for a long text. */
const MAX_LENGTH = 40;

/** A number without its sign, between codes, symbols or abbreviations of a currency, and with the dash of a round price (25,-). */
const NUMBER =
  /^(?:[\s\p{L}\p{Sc}+]{0,5}\p{L}\.)?[\s\p{L}\p{Sc}+]{0,6}([.,]?\d(?:[\d\s.,'\u2019]*\d)?)(?:[.,][-\u2013\u2212]+)?[\s\p{L}\p{Sc}.]{0,6}$/u;
/**
 * A whole number, with or without groups: three digits at the end, and two or three before them, as in India. One that begins with
 * a zero has no groups.
 */
const WHOLE = /^(\d*|[1-9]\d{0,2}([\s.,'\u2019])(\d{2,3}\2)*\d{3})$/;

/**
 * Why an amount cannot be converted: it is no amount, it means different amounts in different countries, or the currency has
 * fewer decimals.
 *
 * @typedef {"unreadable" | "ambiguous" | "decimals"} AmountProblem
 */

/**
 * The code of a currency, in uppercase; undefined if it is no code.
 *
 * @param {unknown} value
 */
export const currencyCode = (value) =>
  typeof value === "string" && /^\s*[a-z]{3}\s*$/i.test(value)
    ? value.trim().toUpperCase()
    : undefined;

/**
 * How many decimals a currency has.
 *
 * @param {string} code
 */
const decimalsOf = (code) =>
  Number(CURRENCY_DECIMALS.split(code)[1]?.match(/\d/)?.[0] ?? 2);

/**
 * An amount in a currency's minor unit, or why it cannot be converted.
 *
 * @param {unknown} amount - a number, or a text such as "1.299,00 €"
 * @param {string} code - as `currencyCode` returns it
 * @returns {number | AmountProblem}
 */
export const toMinorUnits = (amount, code) => {
  const isNumber = typeof amount === "number";
  const given = isNumber ? `${amount}` : amount;
  if (typeof given !== "string" || given.length > MAX_LENGTH)
    return "unreadable";
  const text =
    isNumber && given.length > CORRECT_DIGITS && /\./.test(given)
      ? amount.toPrecision(CORRECT_DIGITS)
      : given;
  const unsigned = text.replace(/^(\D*)[-\u2212]/, "$1");
  const number = NUMBER.exec(unsigned)?.[1];
  if (!number) return "unreadable";
  const decimals = decimalsOf(code);
  // array patterns would use the iterator of arrays, which a page may have broken
  const split = /^(.*)([.,])(\d*)$/.exec(number);
  const mark = split?.[2];
  let whole = split?.[1] ?? "";
  let part = split?.[3] ?? "";
  const isDecimal = !!mark && !whole.includes(mark) && WHOLE.test(whole);
  const isWhole = !(isNumber && mark) && WHOLE.test(number);
  // 1,299 yen are no fraction of a yen
  if (isWhole && (!isDecimal || !decimals)) {
    whole = number;
    part = "";
  } else if (!isDecimal) return "unreadable";
  // programs write 12.500 for 12.5 dinars, and no dinar is written with a group and without its decimals
  else if (isWhole && (mark === "," || part.length !== decimals))
    return "ambiguous";
  if (/[1-9]/.test(part.slice(decimals))) return "decimals";
  const minor = Number(
    whole.replace(/\D/g, "") + part.slice(0, decimals).padEnd(decimals, "0"),
  );
  // above it, not each whole number is a double
  if (minor >= 2 ** 53) return "unreadable";
  return minor && unsigned !== text ? -minor : minor;
};
