import { textOf } from "./to-text.js";

/**
 * Digits after the decimal point by ISO 4217, where they are not 2. Intl cannot be asked: its digits are those in
 * common use (CLDR: none for HUF, IDR, COP, PKR and others), which would show such amounts a hundred times too high.
 * https://www.six-group.com/en/products-services/financial-information/data-standards.html
 */
const DIGITS = new Map([
  ...codes("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND", 0),
  ...codes("VUV XAF XOF XPF", 0),
  ...codes("BHD IQD JOD KWD LYD OMR TND", 3),
  ...codes("CLF UYW", 4),
]);

function codes(list, digits) {
  return list.split(" ").map((code) => [code, digits]);
}

/** `amount` is in minor units, as on the wire. What is no such amount is shown as it came. */
export function formatMoney(amount, currency) {
  const code = typeof currency === "string" ? currency.toUpperCase() : "";
  if (!Number.isInteger(amount) || !/^[A-Z]{3}$/.test(code)) {
    return [asText(amount), asText(currency)].filter(Boolean).join(" ");
  }
  const digits = DIGITS.get(code) ?? 2;
  return formatOf(code, digits).format(amount / 10 ** digits);
}

/**
 * What somebody may type who looks for an amount that they have seen: with a point or a comma, with thousands set off or not,
 * with the currency's sign or code on either side.
 */
export function moneyTexts(amount, currency) {
  const code = typeof currency === "string" ? currency.toUpperCase() : "";
  if (!Number.isSafeInteger(amount) || !/^[A-Z]{3}$/.test(code)) return [];
  const digits = DIGITS.get(code) ?? 2;
  const plain = (amount / 10 ** digits).toFixed(digits);
  const [whole, part] = plain.split(".");
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

const signs = new Map();

function signOf(code, digits) {
  if (!signs.has(code))
    signs.set(
      code,
      formatOf(code, digits)
        .formatToParts(0)
        .find(({ type }) => type === "currency").value,
    );
  return signs.get(code);
}

/** By currency: to make one takes longer than to use it a hundred times. */
const formats = new Map();

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

/** The amount as the wire has it, for whoever compares it with their code. */
export function minorUnits(amount, currency) {
  const code = typeof currency === "string" ? currency.toUpperCase() : "";
  if (!Number.isInteger(amount) || !/^[A-Z]{3}$/.test(code)) return undefined;
  const digits = DIGITS.get(code) ?? 2;
  return digits === 0
    ? `${amount} (${code} has no smaller unit)`
    : `${amount} (${10 ** digits} = 1 ${code})`;
}

function asText(value) {
  return value === undefined ? "" : textOf(value);
}
