// What a text is worth as a value of some kind (www/matching/values.js).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readValue, sha256 } from "./fixtures.mjs";
import { sha256 as hash } from "../../../www/matching/sha256.js";
import * as words from "../../../www/matching/words.js";

/** The values of a text, by key. */
const read = (kinds, text) =>
  Object.fromEntries(
    readValue(kinds, text).map(({ key, value }) => [key, value]),
  );

/** @param {[text: string, value: string | undefined][]} cases */
const testCases = (kind, key, cases, send = (value) => value) => {
  for (const [text, value] of cases)
    test(`${JSON.stringify(text.slice(0, 40))} is ${value ? `read as ${value.slice(0, 40)}` : "unusable"}`, () => {
      assert.deepEqual(read(kind, text), value ? { [key]: send(value) } : {});
    });
};

describe("an email address", () => {
  testCases(
    words.EMAIL,
    "em",
    [
      ["  Ada.L+1@Example.COM ", "ada.l+1@example.com"],
      ["o'neil!#$%&@a-b.c1.test", "o'neil!#$%&@a-b.c1.test"],
      ["zoë@example.com", undefined],
      ["ada@exämple.com", undefined],
      ["ada@-example.com", undefined],
      ["ada@@example.com", undefined],
      ["ada@localhost", undefined],
      ["Ada <ada@example.com>", undefined],
      ["ada@example.com.", undefined],
      ["", undefined],
    ],
    sha256,
  );

  test("that is a hash already is sent as it is, in lower case", () => {
    assert.deepEqual(read(words.EMAIL, "AB".repeat(32)), {
      em: "ab".repeat(32),
    });
  });
});

describe("a phone number", () => {
  testCases(
    words.PHONE,
    "ph",
    [
      ["+1 (415) 555-0134", "14155550134"],
      ["0415 555 0199", "4155550199"],
      ["555-0134", undefined],
      ["+0415 555 0134", undefined],
    ],
    sha256,
  );
});

describe("a name", () => {
  testCases(
    words.LAST_NAME,
    "ln",
    [
      [" O’Neil-Müller, Jr. ", "o’neilmüllerjr"],
      [" 4711 ", undefined],
      ["x".repeat(1025), undefined],
    ],
    sha256,
  );

  test("in full is split at its first white space", () => {
    assert.deepEqual(read(words.FULL_NAME, " Cc  Dd Ee "), {
      fn: sha256("cc"),
      ln: sha256("ddee"),
    });
    assert.deepEqual(read(words.FULL_NAME, "Ff"), { fn: sha256("ff") });
    assert.deepEqual(read(words.FULL_NAME, "007 Bond"), { ln: sha256("bond") });
  });
});

describe("a country", () => {
  testCases(words.COUNTRY, "co", [
    ["US", "us"],
    [" nl ", "nl"],
    ["United States of America", "us"],
    [" U.K. ", "gb"],
    ["uk", "gb"],
    ["South  Korea", "kr"],
    ["Great Britain", "gb"],
    ["u.s.", "us"],
    ["United Arab Emirates", "ae"],
    ["Netherlands", undefined],
    ["Deutschland", undefined],
    ["usa;us", undefined],
    ["kingdom", undefined],
    ["u1", undefined],
    ["=", undefined],
  ]);
});

describe("a city", () => {
  testCases(words.CITY, "ct", [
    ["San  Francisco ", "san francisco"],
    ["x", "x"],
    ["x".repeat(128), "x".repeat(128)],
    ["x".repeat(129), undefined],
    ["ada@example.com", undefined],
    ["Kiel +49 170 1234567", undefined],
    ["415 555 0134", undefined],
    ["a\0b", undefined],
    [" \t ", undefined],
  ]);
});

describe("a region", () => {
  testCases(words.REGION, "rg", [
    ["CA", "ca"],
    ["12", "12"],
  ]);
});

describe("a postal code", () => {
  testCases(words.POSTAL_CODE, "pc", [
    ["94107-1234", "94107-1234"],
    ["M5V  2T6", "m5v 2t6"],
    ["1".repeat(32), "1".repeat(32)],
    ["1".repeat(33), undefined],
    ["ABC", undefined],
    ["-123", undefined],
    ["12.34", undefined],
  ]);
});

describe("a text for several kinds", () => {
  test("is read as the first one for which it is usable", () => {
    const all = words.EMAIL | words.PHONE | words.FIRST_NAME | words.CITY;
    assert.deepEqual(read(all, "a@b.cd"), { em: sha256("a@b.cd") });
    assert.deepEqual(read(all, "4155550134"), { ph: sha256("4155550134") });
    assert.deepEqual(read(all, "Ada"), { fn: sha256("ada") });
    assert.deepEqual(read(words.PHONE | words.CITY, "Paris"), { ct: "paris" });
  });

  test("of more than 1024 characters is unusable", () => {
    const [name, host] = ["a".repeat(64), "b.".repeat(80) + "c"];
    const email = `${name}@${host}.com`;
    const spaces = (length) => " ".repeat(length - email.length);
    assert.deepEqual(read(words.EMAIL, email + spaces(1024)), {
      em: sha256(email),
    });
    assert.deepEqual(read(words.EMAIL, email + spaces(1025)), {});
  });
});

test("debug gets the first letter of a value, and none of a value of one letter", () => {
  const letters = (kinds, text) =>
    readValue(kinds, text).map(({ letter }) => letter);
  assert.deepEqual(letters(words.EMAIL, " ada@example.com"), ["a"]);
  assert.deepEqual(letters(words.FULL_NAME, "Ada Muster"), ["A", "M"]);
  assert.deepEqual(letters(words.CITY, "x "), [""]);
});

test("a text is hashed like in the standard, whatever its length", () => {
  for (const character of ["a", "ä", "漢", "😀"])
    for (let length = 0; length < 200; length += 1) {
      const text = character.repeat(length);
      assert.equal(hash(text), sha256(text));
    }
});
