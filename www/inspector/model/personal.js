/**
 * Identifiers of a person in fields that leave unhashed: an e-mail address, a phone number or a name in an id, an item's
 * name, the path of the page's address and the like.
 */
import { asObject, dataOf, isInternal, isServer } from "./event.js";
import { sha256 } from "./sha256.js";
import { textOf } from "./to-text.js";

export const EMAIL = "an e-mail address";
export const PHONE = "a phone number";
export const NAME = "a name";

/** What is found in an entry, once for each field and kind: `[{field, kind}]`. */
export const personalData = (entry) => {
  if (entry.event === null || typeof entry.event !== "object") return [];
  const known = found.get(entry);
  if (known) return known;
  const findings = new Map();
  const hashes = hashesOf(entry);
  for (const [field, text] of textsOf(entry))
    for (const kind of kindsIn(text, field, hashes))
      findings.set(`${field} ${kind}`, { field, kind });
  const list = [...findings.values()];
  found.set(entry, list);
  return list;
};

/** An entry never changes. */
const found = new WeakMap();

/** A longer text, or more of them, is no field that somebody has filled in by mistake. */
const MOST_TEXTS = 500;
const LONGEST = 1000;

/** All texts of an entry that leave as they are, as `[field, text]`; `field` is what the site's code calls it. */
const textsOf = (entry) => {
  const { event } = entry;
  const texts = [];
  const add = (field, value) => {
    if (typeof value === "string" && value !== "")
      texts.push([field, value.slice(0, LONGEST)]);
  };
  add(isServer(entry) ? "id" : "event_id", isInternal(event) ? "" : event.id);
  add("custom_event_name", event.custom_event_name);
  for (const [field, address] of [
    ["the path of the page's address", event.source_url],
    ["the path of the referrer", event.referrer_url],
  ])
    for (const part of textOf(address ?? "").split(/[/?&#=]/)) add(field, part);
  const user = asObject(asObject(entry.user).in ?? event.user);
  for (const [field, name] of RAW_USER_FIELDS)
    for (const value of [user[field]].flat()) add(name, value);

  if (isInternal(event)) return texts;
  // Not by recursion: what a page sends may be nested deeply.
  const left = [["", dataOf(event)]];
  while (left.length > 0 && texts.length < MOST_TEXTS) {
    const [field, value] = left.pop();
    if (value === null || typeof value !== "object") {
      if (field !== "type" && !field.endsWith("currency")) add(field, value);
    } else if (Array.isArray(value)) {
      for (const item of value.slice(0, MOST_TEXTS))
        left.push([`${field}[]`, item]);
    } else {
      for (const [name, item] of Object.entries(value).slice(0, MOST_TEXTS))
        left.push([field ? `${field}.${name}`.slice(0, 200) : name, item]);
    }
  }
  return texts;
};

/** The fields of a visitor that are sent as given, in the pixel's spelling and in both of the Conversions API. */
const RAW_USER_FIELDS = [
  ["country", "co", "countries"],
  ["city", "ct", "cities"],
  ["region", "rg", "regions"],
  ["postal_code", "pc", "postal_codes", "zip_code"],
].flatMap(([name, ...spellings]) =>
  [name, ...spellings].map((field) => [field, name]),
);

/** The visitor's own name and phone number, hashed: what a word is compared with. */
const hashesOf = ({ user, event }) => {
  const fields = asObject(asObject(user).in ?? asObject(event).user);
  const all = (...names) =>
    new Set(
      names
        .flatMap((name) => fields[name] ?? [])
        .filter((value) => /^[0-9a-f]{64}$/i.test(textOf(value)))
        .map((value) => value.toLowerCase()),
    );
  return {
    names: all(
      ...["fn", "first_name_sha256", "first_names_sha256"],
      ...["ln", "last_name_sha256", "last_names_sha256"],
    ),
    phones: all("ph", "phone_number_sha256", "phone_numbers_sha256"),
  };
};

const kindsIn = (given, field, hashes) => {
  const text = decoded(given);
  if (UUID.test(text)) return [];
  const kinds = [];
  if (hasEmail(text)) kinds.push(EMAIL);
  if (PHONES.some((form) => form.test(text)) || isOfVisitor(text, hashes))
    kinds.push(PHONE);
  if (namesVisitor(text, hashes) || (isId(field) && FULL_NAME.test(text)))
    kinds.push(NAME);
  return kinds;
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `jane%40example.com`, also where it was encoded twice. */
const decoded = (text) => {
  let plain = text;
  for (let times = 0; times < 2 && plain.includes("%"); times += 1)
    try {
      plain = decodeURIComponent(plain);
    } catch {
      return plain.replaceAll(/%40/g, "@").replaceAll(/%2b/gi, "+");
    }
  return plain;
};

/** `logo@2x.png` is none. */
const hasEmail = (text) =>
  /[^\s@"'<>(),;:]@(?!\dx\.)(?:[\p{L}\d-]+\.)+\p{L}{2,}/u.test(text);

/** Digits alone are an order's number or an article's; these have a plus, or are written as nothing but a phone number is. */
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

const isId = (field) => field === "event_id" || field === "id";

/** In an id it is a person's name; an item or a city may be called so. */
const FULL_NAME = /^\p{Lu}\p{Ll}+[ _.-]\p{Lu}\p{Ll}+$/u;

/** Whether some digits are the visitor's own phone number. */
const isOfVisitor = (text, { phones }) =>
  phones.size > 0 &&
  (text.match(/\d{8,15}/g) ?? []).some((digits) =>
    phones.has(digestOf(digits.replace(/^0+/, ""))),
  );

/** Digests by text: most words come again and again, and a digest takes some time. */
const digests = new Map();
const MOST_DIGESTS = 20_000;

const digestOf = (text) => {
  let digest = digests.get(text);
  if (digest === undefined) {
    digest = sha256(text);
    if (digests.size >= MOST_DIGESTS) digests.clear();
    digests.set(text, digest);
  }
  return digest;
};

/** More words have no name among them, and would take long to hash. */
const MOST_WORDS = 40;

/** Whether a word, or two that stand side by side, is the visitor's own first or last name. */
const namesVisitor = (text, { names }) => {
  if (names.size === 0) return false;
  const words = (text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []).slice(
    0,
    MOST_WORDS,
  );
  return words.some(
    (word, i) =>
      names.has(digestOf(word)) ||
      (i > 0 && names.has(digestOf(words[i - 1] + word))),
  );
};
