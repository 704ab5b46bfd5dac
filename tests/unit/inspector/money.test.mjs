import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMoney, minorUnits } from "../../../www/inspector/model/money.js";

/** The digits and separators alone: where the sign stands is the reader's language's. */
const figures = (text) => text.replaceAll(/[^\d.,-]/g, "");

test("an amount is shown in the currency's own unit, by ISO 4217", () => {
  for (const [amount, currency, shown] of [
    [2599, "USD", "25.99"],
    [2599, "usd", "25.99"],
    [500, "JPY", "500"],
    [1234567, "KRW", "1,234,567"],
    [25990, "KWD", "25.990"],
    [1500, "BHD", "1.500"],
    [-250, "EUR", "-2.50"],
    // in common use without decimals, and with two by the standard
    [500000, "HUF", "5,000.00"],
    [500000, "IDR", "5,000.00"],
    [12345, "CLF", "1.2345"],
    [0, "EUR", "0.00"],
  ])
    assert.equal(figures(formatMoney(amount, currency)), shown, currency);
});

test("what is no amount is shown as it came", () => {
  assert.equal(formatMoney(25.99, "USD"), "25.99 USD");
  assert.equal(formatMoney("2599", "USD"), "2599 USD");
  assert.equal(formatMoney(2599, undefined), "2599");
  assert.equal(formatMoney(2599, "EURO"), "2599 EURO");
  assert.equal(formatMoney(null, { a: 1 }), 'null {"a":1}');
  assert.equal(minorUnits(25.99, "USD"), undefined);
});

test("the number that was sent is explained, also where there is no smaller unit", () => {
  assert.equal(minorUnits(2599, "USD"), "2599 (100 = 1 USD)");
  assert.equal(minorUnits(2599, "KWD"), "2599 (1000 = 1 KWD)");
  assert.equal(minorUnits(500, "JPY"), "500 (JPY has no smaller unit)");
});
