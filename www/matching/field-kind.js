// Which kinds of value a field is for, from a plain description of it.

import {
  ADDRESSEE,
  CERTAIN,
  CITY,
  CITY_LEVEL,
  CONFIRMATION,
  COUNTRY,
  EMAIL,
  FIRST_NAME,
  FULL_NAME,
  LAST_NAME,
  OTHER_PERSON,
  OTHER_PLACE,
  PAYMENT,
  PHONE,
  POSTAL_CODE,
  REGION,
  SECRET,
  STREET,
  wordsIn,
} from "./words.js";
import { each } from "../consent/lists.js";

/**
 * A field as its element and its labels describe it.
 *
 * @typedef {object} Description
 * @property {string} type - the property of the element, which also tells "select-one" and "textarea"
 * @property {string[]} hints - `name`, `id`, and after these `aria-label`, `placeholder` and the labels
 * @property {string} autocomplete
 * @property {string} inputMode
 * @property {boolean} hasForm
 */

/**
 * What a field is for, as bits: its kinds (EMAIL, PHONE, FIRST_NAME, LAST_NAME, FULL_NAME, COUNTRY, CITY, REGION, POSTAL_CODE),
 * and CERTAIN, CONFIRMATION, CITY_LEVEL, and ADDRESSEE for one whose names are not those of a cardholder. 0 if it must not be
 * read, or is for nothing.
 *
 * @typedef {number} Field
 */

/** Longer hints make a field unusable, in UTF-16 units. */
const MAX_HINT_LENGTH = 256;
/** The first hints are the element's `name` and `id`. */
const OWN_HINTS = 2;

export const NAMES = FIRST_NAME | LAST_NAME | FULL_NAME;
export const PLACES = COUNTRY | CITY | REGION | POSTAL_CODE;

/** @type {Record<string, number>} */
const KIND_BY_TOKEN = {
  // @ts-expect-error -- TypeScript does not know that this sets the prototype
  __proto__: null,
  email: EMAIL,
  tel: PHONE,
  "tel-national": PHONE,
  "tel-local": PHONE,
  "given-name": FIRST_NAME,
  "family-name": LAST_NAME,
  name: FULL_NAME,
  country: COUNTRY,
  "country-name": COUNTRY,
  "address-level1": REGION,
  "address-level2": CITY,
  "address-level3": CITY,
  "postal-code": POSTAL_CODE,
};

/** https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#autofill-detail-tokens */
const AUTOCOMPLETE =
  /^(?:section-\S+\s+)?(?:(shipping|billing)\s+)?(?:(?:home|work|mobile|fax|pager)\s+)?(\S+)(?:\s+webauthn)?$/;
const SECRET_TOKEN =
  /(?:^|\s)(?:(?:current|new)-password|one-time-code|cc-[a-z-]+|transaction-(?:currency|amount))(?!\S)/;

/**
 * The kinds that an element can be for.
 *
 * @param {Description} description
 */
const kindsOfElement = ({ type, hasForm }) => {
  if (type === "email") return EMAIL;
  if (type === "tel") return PHONE | PLACES;
  if (type === "number") return POSTAL_CODE;
  if (!/^(?:text(?:area)?|hidden|select-.*)$/.test(type)) return 0;
  return EMAIL | PHONE | PLACES | (hasForm ? NAMES : 0);
};

/**
 * Whether more than one bit is set.
 *
 * @param {number} bits
 */
const isSeveral = (bits) => (bits & (bits - 1)) !== 0;

/**
 * Whether `autocomplete` says that an element must not be read.
 *
 * @param {string} autocomplete
 */
export const hasSecretToken = (autocomplete) =>
  SECRET_TOKEN.test(autocomplete.toLowerCase());

/**
 * @param {Description} description
 * @returns {Field}
 */
export const fieldOf = (description) => {
  const possible = kindsOfElement(description);
  if (!possible) return 0;
  const { type, hints } = description;
  let words = 0;
  let ownWords = 0;
  let places = 0;
  let isUnusable = false;
  each(hints, (hint, i) => {
    isUnusable ||= hint.length > MAX_HINT_LENGTH;
    const bits = wordsIn(hint);
    words |= bits;
    if (i < OWN_HINTS) {
      ownWords |= bits;
      // the state of OAuth (https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1), not of a country
      isUnusable ||= type === "hidden" && hint.toLowerCase() === "state";
    }
    if (!(bits & OTHER_PLACE)) places |= bits & PLACES;
  });
  if (isUnusable || words & OTHER_PERSON) return 0;
  // a place of someone else, by name or id, is none of the visitor's, whatever its label says
  if (ownWords & OTHER_PLACE) places = 0;

  const autocomplete = description.autocomplete.trim().toLowerCase();
  if (hasSecretToken(autocomplete)) return 0;
  const detail = AUTOCOMPLETE.exec(autocomplete);
  const token = detail ? detail[2] : "";
  const kindOfToken = KIND_BY_TOKEN[token];
  const isStreet =
    words & STREET || /(?:^|\s)street-address(?!\S)/.test(autocomplete);
  const isAddressee = Boolean(
    words & ADDRESSEE || (kindOfToken && detail?.[1]),
  );

  let kinds;
  let isCertain;
  if (kindOfToken) {
    kinds = kindOfToken & possible;
    isCertain = kinds === EMAIL;
  } else {
    kinds = (words & (PHONE | FIRST_NAME | LAST_NAME)) | places;
    // the parts of a name are better than the whole
    if (!(words & (FIRST_NAME | LAST_NAME))) kinds |= words & FULL_NAME;
    const inputMode = description.inputMode.trim().toLowerCase();
    if (type === "tel" || inputMode === "tel") kinds |= PHONE;
    isCertain =
      (words & EMAIL) !== 0 ||
      type === "email" ||
      inputMode === "email" ||
      /(?:^|\s)username(?!\S)/.test(autocomplete);
    if (isCertain || (type === "text" && /^(?:on|off)?$/.test(autocomplete)))
      kinds |= EMAIL;
    kinds &= possible;
  }
  isCertain &&= (kinds & EMAIL) !== 0;
  if (words & PAYMENT && !isAddressee) kinds &= ~NAMES;
  if (isStreet) kinds &= ~PLACES;
  if (isSeveral(kinds & (PLACES | FIRST_NAME | LAST_NAME))) return 0;
  if (!kindOfToken && kinds & POSTAL_CODE) kinds &= ~PHONE;
  if (words & SECRET) {
    if (!isCertain || type === "hidden") return 0;
    kinds = EMAIL;
  }
  if (!kinds) return 0;
  if (isCertain) kinds |= CERTAIN;
  if (isAddressee) kinds |= ADDRESSEE;
  if (token === "address-level2") kinds |= CITY_LEVEL;
  return kinds | (words & CONFIRMATION);
};
