// The normalization of identifiers (www/pixel/normalize-identifier.js).
import assert from "node:assert/strict";
import { describe, test } from "node:test";

// the scripts take built-ins from it when they load
globalThis.window = globalThis;
const { escapeJson } = await import("../../www/pixel/serialize-call.js");
const { normalizeIdentifier } =
  await import("../../www/pixel/normalize-identifier.js");

const [PLACE, EXTERNAL_ID, EMAIL, PHONE, NAME] = [0, 1, 2, 3, 4];

const of = (kind, text) => normalizeIdentifier(kind, escapeJson(text));

/** Pseudo-random texts of these characters, the same in each run. */
const texts = function* (characters, most) {
  let state = 1;
  const next = (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let i = 0; i < 20_000; i += 1)
    yield Array.from(
      { length: next(most) },
      () => characters[next(characters.length)],
    ).join("");
};

describe("an identifier", () => {
  for (const [kind, given, hashed] of [
    [EXTERNAL_ID, " USER-TEST-0001 ", "USER-TEST-0001"],
    [EXTERNAL_ID, '#1 "quoted" \\', '#1 "quoted" \\'],
    [EMAIL, "  Test@Example.COM ", "test@example.com"],
    [EMAIL, "a@b.c", "a@b.c"],
    [EMAIL, "a@.b.c", "a@.b.c"],
    [EMAIL, `${"a".repeat(242)}@example.com`, `${"a".repeat(242)}@example.com`],
    [PHONE, "+49 (170) 123-4567", "491701234567"],
    [PHONE, "0049 170.1234567", "491701234567"],
    [PHONE, "0170 1234567", "1701234567"],
    [PHONE, "+1 415 555 2671", "14155552671"],
    [PHONE, "001 415 555 2671", "14155552671"],
    [PHONE, "0001 415 555 267", "1415555267"],
    [PHONE, "415 555 2671", "4155552671"],
    [NAME, "Max", "max"],
    [NAME, "O'Müster Mann", "omüstermann"],
    [NAME, "X Æ A-12", "xæa12"],
  ])
    test(`${given.slice(0, 40)} is normalized to ${hashed.slice(0, 40)}`, () => {
      assert.equal(of(kind, given), `-${hashed}`);
    });

  for (const [kind, given] of [
    [EXTERNAL_ID, "   "],
    [EXTERNAL_ID, ""],
    [EXTERNAL_ID, "a\0b"],
    [EXTERNAL_ID, "a".repeat(1025)],
    [PLACE, "a".repeat(1025)],
    [PLACE, "me@shop.test"],
    [PLACE, "Kiel, +49 170 1234567"],
    [PLACE, "+49(170)1234567"],
    [PLACE, "a\0b"],
    [EMAIL, "not an email"],
    [EMAIL, "a@b"],
    [EMAIL, "a@@b.c"],
    [EMAIL, "a@b.c@d.e"],
    [EMAIL, "@b.c"],
    [EMAIL, "a@.c"],
    [EMAIL, "a@c."],
    [EMAIL, "a b@c.d"],
    [EMAIL, `${"a".repeat(243)}@example.com`],
    [PHONE, "12"],
    [PHONE, "0001234567"],
    [PHONE, "1234567890123456"],
    [PHONE, "+0170 1234567"],
    [PHONE, "+1 415 555 267"],
    [PHONE, "001 415 555 26711"],
    [PHONE, "49+1701234567"],
    [PHONE, "call me maybe"],
    [NAME, "123"],
    [NAME, "1 2-3"],
    [NAME, " - "],
  ])
    test(`${JSON.stringify(given.slice(0, 40))} is unusable as an identifier of kind ${kind}`, () => {
      assert.equal(of(kind, given), "");
    });

  test("is passed on if it is a hash, in lower case", () => {
    for (const kind of [EXTERNAL_ID, EMAIL, PHONE, NAME])
      assert.equal(of(kind, ` ${"aB1".repeat(21)}F `), `#${"ab1".repeat(21)}f`);
  });

  test("is marked as a hash only if it is one", () => {
    for (const kind of [EXTERNAL_ID, EMAIL, PHONE, NAME])
      for (const text of texts("#-ab1+. @\t\"'ÄØ0", 70))
        assert.match(of(kind, text), /^(-[^]+|)$/);
  });

  test("of digits is normalized to 8 to 15 digits, or unusable", () => {
    for (const text of texts("+0123456789 ().-", 24))
      assert.match(of(PHONE, text), /^(-[1-9]\d{7,14}|)$/);
  });
});

test("a place is not changed, and stays escaped", () => {
  for (const place of [' San "F ', "94107-1234", "Foo + Bar", "San+José"])
    assert.equal(of(PLACE, place), escapeJson(place));
});
