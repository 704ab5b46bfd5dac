/**
 * Personal data in fields that are not hashed: an e-mail address, a phone number or a name in an id, an item's name, the
 * path of the page's URL and the like.
 */
/** @import { EventRecord } from "./types.d.ts" */
import { dataOf, isInternal, isServer, userOf, userValues } from "./event.js";
import { partsFromPage } from "./matching.js";
import { sha256 } from "../../matching/sha256.js";
import { toText } from "./to-text.js";

export const EMAIL = "an e-mail address";
export const PHONE = "a phone number";
export const NAME = "a name";

/** @typedef {{ field: string, kind: string }} Finding */
/** @typedef {{ names: Set<string>, phones: Set<string> }} VisitorHashes */

/**
 * The personal data in an entry, once per field and kind.
 *
 * @param {EventRecord} entry
 * @returns {Finding[]}
 */
export const findPersonalData = (entry) => {
  if (entry.event === null || typeof entry.event !== "object") return [];
  const known = found.get(entry);
  if (known) return known;
  /** @type {Map<string, Finding>} */
  const findings = new Map();
  const hashes = hashesOf(entry);
  for (const [field, text] of textsOf(entry))
    for (const kind of kindsIn(text, field, hashes))
      findings.set(`${field} ${kind}`, { field, kind });
  const list = [...findings.values()];
  found.set(entry, list);
  return list;
};

/** @type {WeakMap<EventRecord, Finding[]>} */
const found = new WeakMap();

/** Longer texts, or more of them, are not what somebody puts into a field by mistake. */
const MAX_TEXTS = 500;
const MAX_LENGTH = 1000;

/**
 * All texts of an entry that are sent unhashed, with what the site's code calls their field.
 *
 * @param {EventRecord} entry
 */
const textsOf = (entry) => {
  const event = entry.event ?? {};
  /** @type {[string, string][]} */
  const texts = [];
  /**
   * @param {string} field
   * @param {unknown} value
   */
  const add = (field, value) => {
    if (typeof value === "string" && value !== "")
      texts.push([field, value.slice(0, MAX_LENGTH)]);
  };
  add(isServer(entry) ? "id" : "event_id", isInternal(event) ? "" : event.id);
  add("custom_event_name", event.custom_event_name);
  addPath("the path of the page's URL", event.source_url, add);
  addPath("the path of the referrer", event.referrer_url, add);
  for (const user of [userOf(entry), ...partsFromPage(entry)])
    for (const [field, name] of UNHASHED_USER_FIELDS)
      for (const value of [user[field]].flat()) add(name, value);

  if (isInternal(event)) return texts;
  // No recursion: what a page sends may be deeply nested.
  /** @type {[string, unknown][]} */
  const left = [["", dataOf(event)]];
  while (texts.length < MAX_TEXTS) {
    const next = left.pop();
    if (!next) break;
    const [field, value] = next;
    if (value === null || typeof value !== "object") {
      if (field !== "type" && !field.endsWith("currency")) add(field, value);
    } else if (Array.isArray(value)) {
      for (const item of value.slice(0, MAX_TEXTS))
        left.push([`${field}[]`, item]);
    } else {
      for (const [name, item] of Object.entries(value).slice(0, MAX_TEXTS))
        left.push([field ? `${field}.${name}`.slice(0, 200) : name, item]);
    }
  }
  return texts;
};

/**
 * @param {string} field
 * @param {unknown} url
 * @param {(field: string, value: unknown) => void} add
 */
const addPath = (field, url, add) => {
  for (const part of toText(url ?? "").split(/[/?&#=]/)) add(field, part);
};

/** The user fields that are sent unhashed, in every spelling, with the name that a page uses. */
const UNHASHED_USER_FIELDS = [
  ["country", "co", "countries"],
  ["city", "ct", "cities"],
  ["region", "rg", "regions"],
  ["postal_code", "pc", "postal_codes", "zip_code"],
].flatMap(([name, ...spellings]) =>
  [name, ...spellings].map((field) => [field, name]),
);

/**
 * The hashes of the visitor's own names and phone numbers, to compare words with.
 *
 * @param {EventRecord} entry
 * @returns {VisitorHashes}
 */
const hashesOf = (entry) => {
  const user = userOf(entry);
  /** @param {...string} names */
  const all = (...names) =>
    new Set(
      userValues(user, names).filter((value) => /^[0-9a-f]{64}$/.test(value)),
    );
  return {
    names: all(
      ...["fn", "first_name_sha256", "first_names_sha256"],
      ...["ln", "last_name_sha256", "last_names_sha256"],
    ),
    phones: all("ph", "phone_number_sha256", "phone_numbers_sha256"),
  };
};

/**
 * @param {string} sent
 * @param {string} field
 * @param {VisitorHashes} hashes
 */
const kindsIn = (sent, field, hashes) => {
  const text = decodePercent(sent);
  if (UUID.test(text)) return [];
  const kinds = [];
  if (hasEmail(text)) kinds.push(EMAIL);
  if (PHONES.some((form) => form.test(text)) || hasVisitorPhone(text, hashes))
    kinds.push(PHONE);
  if (hasVisitorName(text, hashes) || (isId(field) && FULL_NAME.test(text)))
    kinds.push(NAME);
  return kinds;
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Decodes `jane%40example.com`, also where it is encoded twice.
 *
 * @param {string} text
 */
const decodePercent = (text) => {
  let plain = text;
  for (let times = 0; times < 2 && plain.includes("%"); times += 1)
    try {
      plain = decodeURIComponent(plain);
    } catch {
      return plain.replaceAll(/%40/g, "@").replaceAll(/%2b/gi, "+");
    }
  return plain;
};

/**
 * `logo@2x.png` does not count.
 *
 * @param {string} text
 */
const hasEmail = (text) =>
  /[^\s@"'<>(),;:]@(?!\dx\.)(?:[\p{L}\d-]+\.)+\p{L}{2,}/u.test(text);

/** Digits alone may be the number of an order or an article. These forms are those of phone numbers only. */
const PHONES = [
  // +49 170 1234567
  /(?<![\w+])\+[1-9](?:[\s().-]*\d){7,14}(?!\d)/,
  // 0049 170 1234567
  /(?<!\w)00[1-9]\d{0,2}[\s().-]+\d(?:[\s().-]*\d){5,12}(?!\w)/,
  // 0170 1234567
  /(?<![\w-])0[1-9]\d{1,3}[\s/-]\d{6,8}(?![\w-])/,
  // (555) 123-4567, 555-123-4567
  /(?<![\w-])(?:\(\d{3}\)\s?|\d{3}-)\d{3}-\d{4}(?![\w-])/,
];

/** @param {string} field */
const isId = (field) => field === "event_id" || field === "id";

/** In an id this is a person's name; an item or a city may have such a name too. */
const FULL_NAME = /^\p{Lu}\p{Ll}+[ _.-]\p{Lu}\p{Ll}+$/u;

/**
 * Whether it has the visitor's own phone number, as digits alone.
 *
 * @param {string} text
 * @param {VisitorHashes} hashes
 */
const hasVisitorPhone = (text, { phones }) =>
  phones.size > 0 &&
  (text.match(/\d{8,15}/g) ?? []).some((digits) =>
    phones.has(hashOf(digits.replace(/^0+/, ""))),
  );

/**
 * Hashes by text: the same words come up all the time, and hashing is slow.
 *
 * @type {Map<string, string>}
 */
const hashCache = new Map();
const MAX_CACHED = 20_000;

/** @param {string} text */
const hashOf = (text) => {
  let hash = hashCache.get(text);
  if (hash === undefined) {
    hash = sha256(text);
    if (hashCache.size >= MAX_CACHED) hashCache.clear();
    hashCache.set(text, hash);
  }
  return hash;
};

/** Longer texts are not names, and hashing all their words would take long. */
const MAX_WORDS = 40;

/**
 * Whether a word, or two adjacent ones, is the visitor's own first or last name.
 *
 * @param {string} text
 * @param {VisitorHashes} hashes
 */
const hasVisitorName = (text, { names }) => {
  if (names.size === 0) return false;
  const words = (text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []).slice(
    0,
    MAX_WORDS,
  );
  return words.some(
    (word, i) =>
      names.has(hashOf(word)) ||
      (i > 0 && names.has(hashOf(words[i - 1] + word))),
  );
};
