import { CURRENCY_DIGITS } from "./schema.gen.js";
import { toText } from "./to-text.js";

/**
 * An amount in minor units and its currency, if they are valid.
 *
 * @param {unknown} amount
 * @param {unknown} currency
 */
function parseMoney(amount, currency) {
  const code = typeof currency === "string" ? currency.toUpperCase() : "";
  if (
    typeof amount !== "number" ||
    !Number.isInteger(amount) ||
    !/^[A-Z]{3}$/.test(code)
  )
    return undefined;
  // not Intl's digits: CLDR has those in common use, none for HUF, IDR and others, and would show amounts 100 times too high
  return { amount, code, digits: CURRENCY_DIGITS.get(code) ?? 2 };
}

/**
 * An amount in minor units, as sent, in the currency's unit. What is not valid is shown as sent.
 *
 * @param {unknown} amount
 * @param {unknown} currency
 */
export function formatMoney(amount, currency) {
  const money = parseMoney(amount, currency);
  if (!money)
    return [amount, currency]
      .map((part) => (part === undefined ? "" : toText(part)))
      .filter(Boolean)
      .join(" ");
  const { code, digits } = money;
  return formatOf(code, digits).format(money.amount / 10 ** digits);
}

/**
 * All texts by which a search may find an amount: with a point or a comma, with or without thousands separators, with
 * the currency's sign or code on either side.
 *
 * @param {unknown} amount
 * @param {unknown} currency
 */
export function moneyTexts(amount, currency) {
  const money = parseMoney(amount, currency);
  if (!money || !Number.isSafeInteger(money.amount)) return [];
  const { code, digits } = money;
  const plain = (money.amount / 10 ** digits).toFixed(digits);
  const [whole, part] = plain.split(".");
  /** @param {string} mark */
  const grouped = (mark) => whole.replace(/\B(?=(\d{3})+$)/g, mark);
  const numbers =
    part === undefined
      ? [whole, grouped("."), grouped(",")]
      : [
          plain,
          `${whole},${part}`,
          `${grouped(".")},${part}`,
          `${grouped(",")}.${part}`,
        ];
  const sign = signOf(code, digits);
  return [
    ...numbers.flatMap((number) => [
      sign + number + sign,
      code + number + code,
    ]),
    formatMoney(amount, currency),
  ];
}

/** @type {Map<string, string>} */
const signs = new Map();

/**
 * @param {string} code
 * @param {number} digits
 */
function signOf(code, digits) {
  let sign = signs.get(code);
  if (sign === undefined) {
    sign =
      formatOf(code, digits)
        .formatToParts(0)
        .find(({ type }) => type === "currency")?.value ?? code;
    signs.set(code, sign);
  }
  return sign;
}

/**
 * Formats by currency: creating one takes longer than using it a hundred times.
 *
 * @type {Map<string, Intl.NumberFormat>}
 */
const formats = new Map();

/**
 * @param {string} code
 * @param {number} digits
 */
function formatOf(code, digits) {
  let format = formats.get(code);
  if (!format) {
    format = new Intl.NumberFormat(undefined, {
      style: "currency",
      currency: code,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    formats.set(code, format);
  }
  return format;
}

/**
 * The amount as sent, to compare with one's code: "2599 (100 = 1 USD)".
 *
 * @param {unknown} amount
 * @param {unknown} currency
 */
export function describeMinorUnits(amount, currency) {
  const money = parseMoney(amount, currency);
  if (!money) return undefined;
  const { code, digits } = money;
  return digits === 0
    ? `${money.amount} (${code} has no smaller unit)`
    : `${money.amount} (${10 ** digits} = 1 ${code})`;
}
