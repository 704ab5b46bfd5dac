// Normalizes identifiers of the visitor before they are hashed, so that two spellings of one identifier give one hash. This is
// JavaScript because the browser brings Unicode case tables and regular expressions, which the module would have to carry.

import { unescapeJson } from "./serialize-call.js";

/** In UTF-16 units. */
const MAX_LENGTH = 1024;
const MAX_EMAIL_LENGTH = 254;

const HASH = /^[\da-f]{64}$/;
const EMAIL = /^[^@\s]+@[^@\s][^@\s]*\.[^@\s]+$/;
/** +1 and 001 are North America, where a number has eleven digits with its country code. */
const PHONE = /^(?!\+0|(\+|00)1(?!\d{10}$))\+?0*([1-9]\d{7,14})$/;

/**
 * By `IdentifierKind` of src/host.rs, less 1: returns the normalized form of a trimmed value, which is also passed in lowercase, or
 * something falsy if the value is unusable.
 *
 * @type {((text: string, lower: string) => string | false | undefined)[]}
 */
const NORMALIZERS = [
  (text) => text,
  (_, lower) => lower.length <= MAX_EMAIL_LENGTH && EMAIL.test(lower) && lower,
  (text) => PHONE.exec(text.replace(/[\s().-]/g, ""))?.[2],
  (_, lower) => {
    // people write a name with and without its spaces, hyphens and apostrophes
    const name = lower.replace(/[\s!-/:-@[-`{-~]/g, "");
    return !/^\d*$/.test(name) && name;
  },
];

/**
 * `Host::normalize_identifier` of src/host.rs.
 *
 * @param {number} kind
 * @param {string} escaped
 */
export const normalizeIdentifier = (kind, escaped) => {
  const text = unescapeJson(escaped);
  // places are sent unhashed, so they must not contain an email address or a phone number
  if (text.length > MAX_LENGTH || (kind ? /\0/ : /@|\+\d|\0/).test(text))
    return "";
  if (!kind) return escaped;
  const trimmed = text.trim();
  const lower = trimmed.toLowerCase();
  if (HASH.test(lower)) return "#" + lower;
  const normalized = NORMALIZERS[kind - 1](trimmed, lower);
  return normalized ? "-" + normalized : "";
};
