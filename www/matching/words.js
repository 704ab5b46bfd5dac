// What the words in a text say: about the kind of a field, and about what must not be read.

import { createTable } from "./tables.js";

/** One bit for each thing that the words in a text can say. */
export const EMAIL = 1 << 0;
export const PHONE = 1 << 1;
export const FIRST_NAME = 1 << 2;
export const LAST_NAME = 1 << 3;
export const FULL_NAME = 1 << 4;
export const COUNTRY = 1 << 5;
export const CITY = 1 << 6;
export const REGION = 1 << 7;
export const POSTAL_CODE = 1 << 8;
/** A street address, which says that the field is none of the places above. */
export const STREET = 1 << 9;
/** A place of someone else, such as a shop. */
export const OTHER_PLACE = 1 << 10;
/** Somebody else than the visitor. */
export const OTHER_PERSON = 1 << 11;
/** Passwords, card numbers, and what else is nobody's business. */
export const SECRET = 1 << 12;
/** A payment, whose names are those of cardholders. */
export const PAYMENT = 1 << 13;
/** A company's own contact details. */
export const COMPANY = 1 << 14;
/** A second field for the same value. */
export const CONFIRMATION = 1 << 15;
/** The first word is "billing" or "shipping". */
export const ADDRESSEE = 1 << 16;
/** A section of an account page. */
export const ACCOUNT = 1 << 17;
export const PRODUCT = 1 << 18;

/** Marks of fields, which no words say. */
/** An email address belongs here; otherwise any text field may hold one. */
export const CERTAIN = 1 << 19;
/** `address-level2`, which comes before other cities. */
export const CITY_LEVEL = 1 << 20;

/** What a scan of the page keeps away from, where attributes say it. */
export const KEEP_AWAY = OTHER_PERSON | SECRET | COMPANY;

/** Longer texts are cut, in UTF-16 units: no attribute that a person writes is longer. */
const MAX_LENGTH = 2_000;
/** How many texts are remembered. */
const MAX_REMEMBERED = 2_000;

/**
 * Compiles a pattern in which a blank stands for any number of white space, `_` and `-`.
 *
 * @param {string} pattern
 */
const compile = (pattern) => new RegExp(pattern.replace(/ /g, "[\\s_-]*"));
/**
 * Matches a word, which letters and digits of ASCII must not touch. Old browsers have no lookbehind.
 *
 * @param {string} pattern
 */
const word = (pattern) => compile(`(?:^|[^a-z\\d])(?:${pattern})(?![a-z\\d])`);
/**
 * Matches a whole text, apart from white space at its ends.
 *
 * @param {string} pattern
 */
const whole = (pattern) => compile(`^\\s*(?:${pattern})\\s*$`);

/** @type {[bit: number, pattern: RegExp][]} */
const PATTERNS = [
  [
    EMAIL,
    word("u?e mail( address)?\\d*|mail address\\d*|メールアドレス|이메일"),
  ],
  [PHONE, /phone|mobile|contact[\s_-]*number/],
  [PHONE, word("cell|tel|電話|휴대폰|전화번호")],
  // a label "Name" often means something else if there is text around it
  [FULL_NAME, /^name$/],
  [
    FULL_NAME,
    whole(
      "(full|customer|your|billing|shipping) name|name first last|first last name",
    ),
  ],
  [COUNTRY, word("country( code)?|countries|país|国家")],
  [CITY, word("city|town|locality")],
  [REGION, word("state|region|province")],
  [
    POSTAL_CODE,
    word(
      "zip|(zip|p|z|post|postal) code|postal(?! address)|(shipping|billing|postal)[\\s_-]+pin code",
    ),
  ],
  [
    STREET,
    whole(
      "(customer )?address|(customer[\\s_-]+)?(full|street|shipping|billing|delivery|home) address",
    ),
  ],
  [
    OTHER_PLACE,
    word("phone|dial(ing)?|store|merchant|shop|organization|locale|consent"),
  ],
  [
    OTHER_PERSON,
    word(
      "((gift )?recipient|invitee?|donor|beneficiary|third party|customer service|support|refer(ral|rer|red)|seller|organizer|affiliate|friend|sku)s?",
    ),
  ],
  [
    SECRET,
    word(
      "passw(or)?d|pass code|one time (code|password|pass code)|(verification|security|recovery) code|otp|cv[vcn]|csc|" +
        "credit card(?!( holder)?( (first|given|last|family))? name(\\||$))|card (number|security|verification)|cc (number|exp|csc)|" +
        "social security|ssn|date of birth|birth date|dob|court( (date|name|case))?|case (description|details|type)|" +
        "medical (record|history)|diagnosis|offen[cs]e",
    ),
  ],
  [PAYMENT, word("cc|(credit )?card|cardholder|pay(ment)?|security")],
  [
    COMPANY,
    word("(company|business) (contact|support|email|phone)|contact us"),
  ],
  [CONFIRMATION, word("confirm(ation|ed)?|re enter|verify")],
  [ADDRESSEE, /^[\s!-/:-@[-`{-~]*(?:billing|shipping)(?![a-z\d])/],
  [ACCOUNT, word("account|profile|customer|order confirmation")],
  [PRODUCT, word("products?")],
];

/** Names without white space and punctuation, after a first word "billing" or "shipping". */
const FIRST_NAMES =
  /^(billing|shipping)?(firstname|fn|fname|givenname|forename)$/;
const LAST_NAMES =
  /^(billing|shipping)?(lastname|ln|lname|surname|familyname)$/;

/**
 * @param {RegExp} names
 * @param {string} letters
 * @param {number} bits
 */
const isName = (names, letters, bits) => {
  const match = names.exec(letters);
  // "billing" counts only as a word of its own
  return match !== null && (!match[1] || (bits & ADDRESSEE) !== 0);
};

/**
 * Separates the words of `camelCase`, and lowercases a text.
 *
 * @param {string} text
 */
export const prepare = (text) =>
  text.replace(/([a-z\d])([A-Z])/g, "$1 $2").toLowerCase();

/** @param {string} text */
const computeWords = (text) => {
  const prepared = prepare(text);
  let bits = 0;
  for (let i = 0; i < PATTERNS.length; i += 1)
    if (PATTERNS[i][1].test(prepared)) bits |= PATTERNS[i][0];
  const letters = prepared.replace(/[\s!-/:-@[-`{-~]/g, "");
  if (isName(FIRST_NAMES, letters, bits)) bits |= FIRST_NAME;
  if (isName(LAST_NAMES, letters, bits)) bits |= LAST_NAME;
  return bits;
};

/**
 * A page has the same texts at each scan, so the answers are remembered.
 *
 * @type {Record<string, number | undefined>}
 */
let known = createTable();
let count = 0;

/**
 * What the words in a text say.
 *
 * @param {string} text
 */
export const wordsIn = (text) => {
  const start = text.slice(0, MAX_LENGTH);
  let words = known[start];
  if (words === undefined) {
    count += 1;
    if (count > MAX_REMEMBERED) {
      known = createTable();
      count = 0;
    }
    words = known[start] = computeWords(start);
  }
  return words;
};
