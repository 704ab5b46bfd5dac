// What holds on any page: www/matching on random pages, with jsdom.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "./fixtures.mjs";
import { open } from "./page.mjs";

const EMAILS = ["ada@example.com", "Bob.B@Example.co.uk", "cy+1@x-y.test"];
const PHONES = ["+1 (415) 555-0134", "+49 170 1234567", "(415) 555-0199"];
const NAMES = ["Zebulonia", "O'Quixote", "Wolfeschlegel Steinhausen"];
const PLACES = ["Rome", "US", "94107", 'Say "hi" \\ <b>', "germany"];
const RAW = [...EMAILS, ...PHONES, ...NAMES];

const HINTS = [
  "email",
  "phone",
  "full_name",
  "first_name",
  "lastName",
  "confirm_email",
  "friend_email",
  "password",
  "q",
  "card_first_name",
  "",
];
const PLACE_HINTS = [
  "city",
  "zip",
  "country",
  "state",
  "store_city",
  "Country/Region",
];
const TYPES = [
  "text",
  "email",
  "tel",
  "hidden",
  "search",
  "number",
  "checkbox",
];
const TOKENS = [
  "",
  "off",
  "email",
  "tel",
  "shipping given-name",
  "name",
  "cc-name",
];
const PLACE_TOKENS = ["", "country", "address-level2", "billing postal-code"];
const BUTTONS = ["Send", "Pay now", "Invite a friend", ""];
const CLASSES = ["", "contact-us", "seller", "account", "email", "phone"];
const BOXES = ["div", "form", "footer", "section", "label", "p", "form"];

/** The wire form of what this file adds to `user`. */
const HASH = '"[\\da-f]{64}"';
const PART = (names) =>
  `\\{(,?"em":\\[${HASH}(,${HASH}){0,2}\\])?(,?"ph":\\[${HASH}(,${HASH})?\\])?${names}(,?"co":"[a-z]{2}")?(,?"ct":"[^"]{1,200}")?(,?"rg":"[^"]{1,200}")?(,?"pc":"[a-z\\d][a-z\\d -]{0,31}")?\\}`;
const MEMBER = new RegExp(
  `^(,"user":\\{("in":\\{[^}]*\\})?(,?"fm":${PART(`(,?"fn":${HASH})?(,?"ln":${HASH})?`)})?(,?"js":${PART("")})?(,?"ht":${PART("")})?\\})?$`,
);

/** @param {number} seed */
const checkPage = (seed) => {
  const random = createRandom(seed * 7919);
  const one = (list) => list[Math.floor(random() * list.length)];
  const quote = (text) =>
    text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");

  /** Names and places are where they belong, email addresses and phone numbers anywhere. */
  const field = () => {
    const isPlace = random() < 0.4;
    const value = one([
      ...EMAILS,
      ...PHONES,
      "",
      ...(isPlace ? PLACES : NAMES),
    ]);
    const hint = () => one(isPlace ? PLACE_HINTS : HINTS);
    const attributes = `name="${hint()}" id="${random() < 0.3 ? hint() : ""}" autocomplete="${one(isPlace ? PLACE_TOKENS : TOKENS)}" class="${one(CLASSES)}"${random() < 0.05 ? " data-oaiq-ignore" : ""}`;
    return random() < 0.1
      ? `<select ${attributes}><option value="${quote(value)}">x</option></select>`
      : `<input type="${one(TYPES)}" placeholder="${random() < 0.2 ? hint() : ""}" ${attributes} value="${quote(value)}">`;
  };
  const box = (depth) => {
    let inner = "";
    for (let i = random() * 4; i > 0; i -= 1)
      inner +=
        depth < 4 && random() < 0.5
          ? box(depth + 1)
          : one([
              field(),
              `<button type="${one(["submit", "button"])}">${one(BUTTONS)}</button>`,
              `<b class="${one(CLASSES)}">${one(RAW)}</b>`,
              `<dt>${one(["Email", "Phone", "Name"])}</dt><dd>${one(RAW)}</dd>`,
            ]);
    const tag = one(BOXES);
    return `<${tag} id="${one(CLASSES)}" class="${one(CLASSES)}">${inner}</${tag}>`;
  };
  const entry = () => ({
    [one(["email", "phone", "user", "products"])]: one([
      ...RAW,
      { email: one(RAW) },
    ]),
  });

  const dataLayer = [entry(), entry()];
  const page = open(box(0) + box(0) + box(0), { set: { dataLayer } });
  const members = [];
  const own = one(["", `,"user":{"in":{"ct":"x","em":"${"a".repeat(64)}"}}`]);
  /** @param {number} isUnloading */
  const memberOf = (isUnloading) =>
    page.body(own, isUnloading).slice('{"events":[]'.length, -1);
  for (let i = 0; i < 8; i += 1) {
    const elements = document.querySelectorAll("input,select,button");
    const element = elements.length ? one(elements) : document.body;
    const isPlace = /city|zip|country|state/i.test(element.outerHTML);
    const values = [...EMAILS, ...PHONES, ...(isPlace ? PLACES : NAMES)];
    one([
      () => element.click(),
      () => {
        if (element.type !== "submit" && element.type !== "button")
          element.value = one(values);
      },
      () => element.dispatchEvent(new Event("change", { bubbles: true })),
      () => element.closest("form")?.reset(),
      () => dataLayer.push(entry()),
      () => page.measure(),
      () => element !== document.body && element.remove(),
    ])();
    const member = memberOf(0);
    members.push(member);
    // nothing has changed, so nothing changes
    assert.equal(memberOf(0), member);
    assert.equal(memberOf(1), member);
  }
  page.close();
  for (const text of [...members, ...page.told])
    for (const raw of RAW)
      for (const form of [raw, raw.toLowerCase(), raw.replace(/\D/g, "")])
        assert.ok(
          form === "" || form.length < 6 || !text.includes(form),
          `${form} in ${text}`,
        );
  for (const member of members) {
    assert.match(member, MEMBER);
    const { user = {} } = JSON.parse(`{"x":0${member}}`);
    const emails = [user.in?.em, user.fm?.em, user.js?.em, user.ht?.em].flat();
    const present = emails.filter(Boolean);
    assert.ok(present.length <= 3, member);
    assert.equal(new Set(present).size, present.length, member);
  }
};

test("no raw identifier leaves a random page, and what is sent is valid", () => {
  for (let seed = 1; seed <= 25; seed += 1) checkPage(seed);
});
