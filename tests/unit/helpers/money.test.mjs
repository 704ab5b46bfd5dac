// The exact conversion of amounts to the minor unit (www/helpers/money.js).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CURRENCY_DIGITS } from "../../../www/inspector/model/schema.gen.js";
import { Prng } from "../../soak/prng.mjs";
import { currencyCode, toMinorUnits } from "../../../www/helpers/money.js";

/** One currency for each number of decimals that ISO 4217 has, and all that do not have 2. */
const CURRENCIES = new Map([["USD", 2], ["EUR", 2], ...CURRENCY_DIGITS]);

/** An amount in the major unit: `group` between groups of three digits, and `point` before the decimals. */
const written = (minor, decimals, group = "", point = ".") => {
  const digits = String(minor).padStart(decimals + 1, "0");
  const whole = digits
    .slice(0, digits.length - decimals)
    .replace(/\B(?=(\d{3})+$)/g, group);
  return decimals ? whole + point + digits.slice(-decimals) : whole;
};

/** Amounts of all lengths, small ones, and those with zeros at the end. */
const amounts = function* () {
  const random = new Prng(4217);
  for (let i = 0; i < 300; i += 1) yield i;
  for (let i = 0; i < 3_000; i += 1)
    yield (
      random.integer(0, 10 ** random.integer(1, 12)) *
      10 ** random.integer(0, 2)
    );
};

describe("an amount of any currency is exact", () => {
  test("for all numbers of decimals of ISO 4217", () => {
    assert.deepEqual([...new Set(CURRENCIES.values())].sort(), [0, 2, 3, 4]);
  });

  for (const [code, decimals] of CURRENCIES)
    test(`as a number and as a text in ${code}, with ${decimals} decimals`, () => {
      for (const minor of amounts()) {
        const text = written(minor, decimals);
        assert.equal(toMinorUnits(Number(text), code), minor, text);
        assert.equal(toMinorUnits(text, code), minor, text);
        if (minor) {
          assert.equal(toMinorUnits(-Number(text), code), -minor, text);
          assert.equal(toMinorUnits(`-${text}`, code), -minor, text);
        }
      }
    });

  for (const [group, point] of [
    [",", "."],
    [".", ","],
    [" ", ","],
    ["\u00a0", ","],
    ["\u202f", ","],
    ["'", "."],
    ["\u2019", "."],
    ["", ","],
  ])
    test(`or left out as ambiguous, written with ${JSON.stringify(group)} and ${point}`, () => {
      for (const code of ["JPY", "USD", "KWD", "CLF"])
        for (const minor of amounts())
          for (const [before, after] of [
            ["", ""],
            ["$", ""],
            ["CHF ", ""],
            ["", " €"],
            ["", " kr"],
          ]) {
            const number = written(minor, CURRENCIES.get(code), group, point);
            const text = before + number + after;
            const isAmbiguous = /^[1-9]\d{0,2}[.,]\d{3}$/.test(number);
            // a yen has no decimals, and a point before three of them is usual for a dinar
            const isClear =
              code === "JPY" || (code === "KWD" && number.includes("."));
            assert.equal(
              toMinorUnits(text, code),
              isAmbiguous && !isClear ? "ambiguous" : minor,
              `${code} ${text}`,
            );
          }
    });

  test("after the noise of binary arithmetic", () => {
    for (const cents of amounts()) {
      if (cents > 10 ** 10) continue;
      const sum = cents / 100 + 0.1 + 0.2;
      assert.equal(toMinorUnits(sum, "USD"), cents + 30, String(sum));
      const product = (cents / 100) * 3;
      assert.equal(toMinorUnits(product, "USD"), cents * 3, String(product));
    }
  });
});

for (const [amount, code, expected] of [
  [19.99, "USD", 1999],
  [8.7, "EUR", 870],
  [1.005, "KWD", 1005],
  [0, "USD", 0],
  [-0, "USD", 0],
  ["-0", "USD", 0],
  [500, "JPY", 500],
  ["129.99", "USD", 12999],
  ["25.99", "USD", 2599],
  ["1.299,00", "EUR", 129900],
  ["1,299.00", "USD", 129900],
  ["1,23,456.00", "INR", 12345600],
  ["1.299.000", "EUR", 129900000],
  ["25.9900", "USD", 2599],
  ["0,500", "EUR", 50],
  ["25,-", "EUR", 2500],
  ["25.\u2013", "CHF", 2500],
  ["Rs. 25.50", "INR", 2550],
  ["US$ 5", "USD", 500],
  ["-$5", "USD", -500],
  [".5", "USD", 50],
  ["5.", "USD", 500],
  [" 7 ", "USD", 700],
  ["1.299", "EUR", "ambiguous"],
  ["1,299", "USD", "ambiguous"],
  ["1,299", "KWD", "ambiguous"],
  ["1.299 €", "EUR", "ambiguous"],
  ["1,299", "JPY", 1299],
  ["25.000", "VND", 25000],
  ["19.8", "JPY", "decimals"],
  ["1.299", "KWD", 1299],
  [1.299, "EUR", "decimals"],
  [19.8, "JPY", "decimals"],
  ["25.995", "CLF", "ambiguous"],
  ["0.001", "USD", "decimals"],
  [21.8403361, "EUR", "decimals"],
  [NaN, "USD", "unreadable"],
  [Infinity, "USD", "unreadable"],
  [1e21, "USD", "unreadable"],
  [2 ** 53, "JPY", "unreadable"],
  ["", "USD", "unreadable"],
  ["free", "USD", "unreadable"],
  ["1e3", "USD", "unreadable"],
  ["1.2.3", "USD", "unreadable"],
  ["1,2,3", "USD", "unreadable"],
  ["1.29,00.5", "USD", "unreadable"],
  ["1 2", "USD", "unreadable"],
  ["12-34", "USD", "unreadable"],
  ["--5", "USD", "unreadable"],
  ["5-", "USD", "unreadable"],
  ["(5.00)", "USD", "unreadable"],
  ["5 %", "USD", "unreadable"],
  ["5.00 per month", "USD", "unreadable"],
  ["from 5", "USD", 500],
  ["0x10", "USD", "unreadable"],
  ["99999999999999999999", "USD", "unreadable"],
  ["1".repeat(1_000_000), "USD", "unreadable"],
  [null, "USD", "unreadable"],
  [undefined, "USD", "unreadable"],
  [5n, "USD", "unreadable"],
  [[5], "USD", "unreadable"],
  [{ valueOf: () => 5 }, "USD", "unreadable"],
  [true, "USD", "unreadable"],
])
  test(`${typeof amount} ${typeof amount === "object" ? JSON.stringify(amount) : String(amount).slice(0, 30)} ${code} gives ${expected}`, () => {
    assert.ok(Object.is(toMinorUnits(amount, code), expected));
  });

test("a currency is three letters, in any case", () => {
  for (const code of ["USD", "usd", " Usd "])
    assert.equal(currencyCode(code), "USD");
  for (const value of [
    "$",
    "€",
    "",
    "US",
    "EURO",
    "U5D",
    "ſek",
    840,
    null,
    ["USD"],
  ])
    assert.equal(currencyCode(value), undefined, String(value));
});
