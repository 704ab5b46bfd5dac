import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatMoney,
  describeMinorUnits,
} from "../../../www/inspector/model/money.js";

/** The digits and separators; the place of the sign depends on the locale. */
const figures = (/** @type {string} */ text) =>
  text.replaceAll(/[^\d.,-]/g, "");

test("an amount has the decimals that ISO 4217 gives its currency", () => {
  /** @type {[number, string, string][]} */
  const cases = [
    [2599, "USD", "25.99"],
    [2599, "usd", "25.99"],
    [500, "JPY", "500"],
    [1234567, "KRW", "1,234,567"],
    [25990, "KWD", "25.990"],
    [1500, "BHD", "1.500"],
    [-250, "EUR", "-2.50"],
    // CLDR has no decimals for these, ISO 4217 has two
    [500000, "HUF", "5,000.00"],
    [500000, "IDR", "5,000.00"],
    [12345, "CLF", "1.2345"],
    [0, "EUR", "0.00"],
  ];
  for (const [amount, currency, shown] of cases)
    assert.equal(figures(formatMoney(amount, currency)), shown, currency);
});

test("an invalid amount is shown as sent", () => {
  assert.equal(formatMoney(25.99, "USD"), "25.99 USD");
  assert.equal(formatMoney("2599", "USD"), "2599 USD");
  assert.equal(formatMoney(2599, undefined), "2599");
  assert.equal(formatMoney(2599, "EURO"), "2599 EURO");
  assert.equal(formatMoney(null, { a: 1 }), 'null {"a":1}');
  assert.equal(describeMinorUnits(25.99, "USD"), undefined);
});

test("the sent number is explained, also where a currency has no minor unit", () => {
  assert.equal(describeMinorUnits(2599, "USD"), "2599 (100 = 1 USD)");
  assert.equal(describeMinorUnits(2599, "KWD"), "2599 (1000 = 1 KWD)");
  assert.equal(describeMinorUnits(500, "JPY"), "500 (JPY has no smaller unit)");
});
