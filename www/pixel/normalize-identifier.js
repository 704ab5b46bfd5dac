// Who the site says the visitor is: what two spellings of one identifier have in common. The script finds that and not the
// module, because letters and patterns are what it has at hand.

import { unescape } from "./serialize-call.js";

/** Longer is no identifier. */
const LONGEST = 1024;
const LONGEST_EMAIL = 254;

const HASH = /^[\da-f]{64}$/;
const EMAIL = /^[^@\s]+@[^@\s][^@\s]*\.[^@\s]+$/;
/** +1 and 001 are North America, where a number has eleven digits with its country code. */
const PHONE = /^(?!\+0|(\+|00)1(?!\d{10}$))\+?0*([1-9]\d{7,14})$/;

/** By `Kind` in src/host.rs: what is hashed of a text, which is also given in lowercase. Nothing if it is not usable. */
const KINDS = [
  (text) => text,
  (_, text) => text.length <= LONGEST_EMAIL && EMAIL.test(text) && text,
  (text) => PHONE.exec(text.replace(/[\s().-]/g, ""))?.[2],
  (_, text) => {
    // a name is spelt with and without its spaces, hyphens and apostrophes
    const name = text.replace(/[\s!-/:-@[-`{-~]/g, "");
    return !/^\d*$/.test(name) && name;
  },
];

/** As `Host::normalize_identifier` in src/host.rs says. */
export const comparable = (kind, escaped) => {
  const text = unescape(escaped);
  // places go as they are, and so must be none of a person's addresses
  if (text.length > LONGEST || (kind ? /\0/ : /@|\+\d|\0/).test(text))
    return "";
  if (!kind) return escaped;
  const trimmed = text.trim();
  const lower = trimmed.toLowerCase();
  if (HASH.test(lower)) return "#" + lower;
  const found = KINDS[kind - 1](trimmed, lower);
  return found ? "-" + found : "";
};
