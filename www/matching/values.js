// What a text is worth as a value of some kind: an identifier becomes its hash, a place its normal form.

import { escapeJson } from "../pixel/serialize-call.js";
import { append, each } from "../consent/lists.js";
import { sha256 } from "./sha256.js";
import {
  CITY,
  COUNTRY,
  EMAIL,
  FIRST_NAME,
  FULL_NAME,
  LAST_NAME,
  PHONE,
  POSTAL_CODE,
  REGION,
} from "./words.js";

/**
 * The keys of user data that this file makes.
 *
 * @typedef {"em" | "ph" | "fn" | "ln" | "co" | "ct" | "rg" | "pc"} Key
 */

/**
 * A value as it is sent: a hash, or a place. `letter` is the first letter of what was read, for debug.
 *
 * @typedef {{ key: Key, value: string, letter: string }} Value
 */

/**
 * Reads a text as a value of one of these kinds, and of the first of them for which it is usable.
 *
 * @typedef {(kinds: number, text: string) => Value[]} ReadValue
 */

/** In UTF-16 units. */
const MAX_LENGTH = 1024;
const MAX_PLACE_LENGTH = 128;
const MAX_POSTAL_CODE_LENGTH = 32;

/** @type {Key[]} */
export const PLACE_KEYS = ["co", "ct", "rg", "pc"];

/** `IdentifierKind` of src/host.rs. */
const AS_PLACE = 0;
const AS_EMAIL = 2;
const AS_PHONE = 3;
const AS_NAME = 4;

/** Pairs of a code and its names. */
const COUNTRIES =
  "au=australia;br=brazil;ca=canada;fr=france;de=germany;gb=great britain;gb=united kingdom;gb=u.k.;gb=uk;in=india;ie=ireland;" +
  "it=italy;jp=japan;mx=mexico;nz=new zealand;sg=singapore;kr=south korea;es=spain;ch=switzerland;ae=united arab emirates;" +
  "us=united states;us=united states of america;us=u.s.;us=u.s.a.;us=usa;";

/**
 * The email addresses of forms (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address) whose domain has a dot:
 * stricter than what a site gives itself.
 */
const EMAIL_ADDRESS =
  /^[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d]+(?:-+[a-z\d]+)*(?:\.[a-z\d]+(?:-+[a-z\d]+)*)+$/;

/** @param {string} text */
const normalizeSpace = (text) => text.trim().toLowerCase().replace(/\s+/g, " ");

/** @param {string} place */
const countryCode = (place) => {
  const at = COUNTRIES.indexOf(`=${place};`);
  if (at > 0) return COUNTRIES.slice(at - 2, at);
  return /^[a-z]{2}$/.test(place) ? place : "";
};

/** @param {string} place */
const postalCode = (place) =>
  place.length <= MAX_POSTAL_CODE_LENGTH &&
  /^[a-z\d][a-z\d -]*$/.test(place) &&
  /\d/.test(place)
    ? place
    : "";

/**
 * @param {(kind: number, escaped: string) => string} normalizeIdentifier - of www/pixel/normalize-identifier.js
 * @returns {ReadValue}
 */
export const createReader = (normalizeIdentifier) => {
  /**
   * The hash of a text as an identifier; empty if it is none.
   *
   * @param {number} kind
   * @param {string} text
   */
  const identify = (kind, text) => {
    const normalized = normalizeIdentifier(kind, escapeJson(text));
    // "#" marks what was a hash already
    const value = normalized.slice(1);
    if (normalized[0] !== "-") return value;
    return kind === AS_EMAIL && !EMAIL_ADDRESS.test(value) ? "" : sha256(value);
  };

  /** @param {string} text */
  const openPlace = (text) => {
    const place = normalizeSpace(text);
    // places are sent as they are, so they must not be an email address or a phone number
    return place.length <= MAX_PLACE_LENGTH &&
      normalizeIdentifier(AS_PLACE, escapeJson(place)) &&
      !normalizeIdentifier(AS_PHONE, escapeJson(place))
      ? place
      : "";
  };

  /** @type {[kind: number, key: Key, read: (text: string) => string][]} */
  const readers = [
    [EMAIL, "em", (text) => identify(AS_EMAIL, text)],
    [PHONE, "ph", (text) => identify(AS_PHONE, text)],
    [FIRST_NAME, "fn", (text) => identify(AS_NAME, text)],
    [LAST_NAME, "ln", (text) => identify(AS_NAME, text)],
    [FULL_NAME, "fn", () => ""],
    [COUNTRY, "co", (text) => countryCode(normalizeSpace(text))],
    [CITY, "ct", openPlace],
    [REGION, "rg", openPlace],
    [POSTAL_CODE, "pc", (text) => postalCode(normalizeSpace(text))],
  ];

  return (kinds, text) => {
    /** @type {Value[]} */
    const values = [];
    if (text.length > MAX_LENGTH || !/\S/.test(text)) return values;
    /**
     * @param {Key} key
     * @param {string} value
     * @param {string} of
     */
    const add = (key, value, of) => {
      // the letter of a text of one letter would be all of it
      if (value)
        append(values, { key, value, letter: of.length > 1 ? of[0] : "" });
    };
    each(readers, ([kind, key, read]) => {
      if (values.length || !(kinds & kind)) return;
      const trimmed = text.trim();
      if (kind !== FULL_NAME) return add(key, read(text), trimmed);
      const { 1: first, 2: rest } = /** @type {RegExpExecArray} */ (
        /^(\S+)\s*([^]*)$/.exec(trimmed)
      );
      add("fn", identify(AS_NAME, first), first);
      add("ln", identify(AS_NAME, rest), rest);
    });
    return values;
  };
};
