// Email addresses and phone numbers that an account page shows: where they are looked for, and what is left out.

import { append, each } from "../consent/lists.js";
import {
  ACCOUNT,
  COMPANY,
  CONFIRMATION,
  EMAIL,
  KEEP_AWAY,
  OTHER_PERSON,
  PHONE,
  wordsIn,
} from "./words.js";
import {
  attribute,
  attributeWords,
  closestOf,
  isField,
  isIgnored,
  joinAttributes,
  labelledByTexts,
  labelTexts,
  matches,
  nextOf,
  parentOf,
  select,
  someAncestor,
  textOf,
} from "./dom.js";
import { includes, some } from "./tables.js";
import { hasSecretToken } from "./field-kind.js";

/**
 * Counts the elements that are tried, by kind.
 *
 * @typedef {{ [kind: number]: number }} Tries
 */

/** How many elements of a kind are tried. */
export const MAX_TRIES = 5;
/** An element and its nearest ancestors. */
export const MAX_ANCESTORS = 8;
/** How many sections, pairs on the page, and matching pairs of a section are looked at. */
const MAX_SECTIONS = 30;
const MAX_PAIRS = 60;
const MAX_HITS = 15;
/** How many elements of a kind are looked at, on the page and in each section. */
const MAX_ELEMENTS = 5_000;
/** In UTF-16 units. */
const MAX_TITLE_LENGTH = 256;
const MAX_VALUE_LENGTH = 1024;

const FOOTER = "footer,[role=contentinfo i]";
const REGION = "section,article,main,[role=region i]";
const HEADING = "h1,h2,h3,h4,h5,h6,[role=heading i]";
const DESCRIBED =
  "[id],[name],[class],[aria-label],[aria-labelledby],[itemprop],[data-bind],output";
const DESCRIBING = ["id", "name", "class", "aria-label", "itemprop"];
const PAIR = "dt,th,label,span,p";
/** Inside an ID or a class, and inside an `aria-label`. */
const SECTION_NAME = /account|profile|customer|order[-_]confirmation/i;
const SECTION_LABEL = /account|profile|customer|order confirmation/i;
/** Parts of the words for email addresses and phone numbers: few elements have one. */
const PART_OF_WORD = /mail|phone|mobile|number|cell|tel|[^\0-\x7f]/i;
/** The last name of what Knockout binds the text to (https://knockoutjs.com/documentation/text-binding.html). */
const BINDING = /\b(?:text|value)\s*:\s*(?:[\w$]+\.)*([\w$]+)/;

const KINDS = EMAIL | PHONE;

/** The sections of the page that show an account. */
const findSections = () => {
  /** @type {Element[]} */
  const sections = [];
  let count = 0;
  /** @param {Element | null} element */
  const add = (element) => {
    count += 1;
    if (element && count <= MAX_SECTIONS && !includes(sections, element))
      append(sections, element);
  };
  /**
   * What a section's title says. One of other people, or of the company, is not the visitor's.
   *
   * @param {Element} element
   */
  const titleWords = (element) => {
    let words = 0;
    each(labelledByTexts(element, MAX_TITLE_LENGTH), (text) => {
      if (text.length <= MAX_TITLE_LENGTH) words |= wordsIn(text);
    });
    return words & (OTHER_PERSON | COMPANY) ? OTHER_PERSON : words;
  };
  some(select("*"), MAX_ELEMENTS, (element) => {
    if (
      (SECTION_NAME.test(attribute(element, "id")) ||
        SECTION_NAME.test(attribute(element, "class")) ||
        SECTION_LABEL.test(attribute(element, "aria-label")) ||
        matches(element, "[data-account],[data-profile]")) &&
      titleWords(element) !== OTHER_PERSON
    )
      add(element);
  });
  some(select("[aria-labelledby]"), MAX_ELEMENTS, (element) => {
    if (matches(element, REGION) && titleWords(element) & ACCOUNT) add(element);
  });
  some(select(HEADING), MAX_ELEMENTS, (heading) => {
    const text = textOf(heading, MAX_TITLE_LENGTH);
    if (text.length <= MAX_TITLE_LENGTH && wordsIn(text) & ACCOUNT)
      add(closestOf(heading, REGION) ?? parentOf(heading));
  });
  return sections;
};

/**
 * Whether a scan keeps away from an element: it is in a footer, or its attributes or those of its nearest ancestors say so.
 *
 * @param {Element} element
 */
export const mustKeepAway = (element) =>
  closestOf(element, FOOTER) !== null ||
  someAncestor(element, MAX_ANCESTORS, (it) => attributeWords(it) & KEEP_AWAY);

/**
 * Whether an element of a section may be read, by its own hints and the attributes of what is around it.
 *
 * @param {Element} element
 * @param {Element} section
 */
const mayRead = (element, section) => {
  let isInside = false;
  someAncestor(element, MAX_ELEMENTS, (it) => {
    isInside = it === section;
    return isInside || attributeWords(it) & KEEP_AWAY;
  });
  let words =
    attributeWords(element) | wordsIn(attribute(element, "placeholder"));
  each(labelTexts(element), (text) => {
    words |= wordsIn(text);
  });
  return (
    isInside &&
    !(words & (KEEP_AWAY | CONFIRMATION)) &&
    !hasSecretToken(attribute(element, "autocomplete")) &&
    !isIgnored(element)
  );
};

/**
 * Calls `give` with each text that is shown as an email address or a phone number.
 *
 * @param {Tries} tries - of fields that have been read before
 * @param {(kinds: number, text: string, element: Element) => void} give
 */
export const readAccountPage = (tries, give) => {
  /** @type {Element[]} */
  const tried = [];
  let pairs = 0;

  /**
   * @param {number} words
   * @param {Element} element
   * @param {Element} section
   */
  const tryElement = (words, element, section) => {
    if (includes(tried, element) || !mayRead(element, section)) return;
    append(tried, element);
    let kinds = 0;
    each([EMAIL, PHONE], (kind) => {
      if (!(words & kind) || tries[kind] >= MAX_TRIES) return;
      tries[kind] += 1;
      kinds |= kind;
    });
    if (kinds) give(kinds, textOf(element, MAX_VALUE_LENGTH), element);
  };

  /**
   * Reads elements that are described as showing a value.
   *
   * @param {Element} section
   */
  const readDescribed = (section) => {
    /** @param {Element} element */
    const look = (element) => {
      let text = BINDING.exec(attribute(element, "data-bind"))?.[1] ?? "";
      each(labelTexts(element), (label) => {
        text += `|${label}`;
      });
      text = joinAttributes(element, DESCRIBING, text);
      const words = PART_OF_WORD.test(text) ? wordsIn(text) : 0;
      if (words & KINDS && !isField(element))
        tryElement(words, element, section);
    };
    look(section);
    some(select(DESCRIBED, section), MAX_ELEMENTS, look);
  };

  /**
   * Reads what follows elements whose text is a name, such as the terms of a list.
   *
   * @param {Element} section
   */
  const readPairs = (section) => {
    let hits = 0;
    some(select(PAIR, section), MAX_PAIRS, (name) => {
      pairs += 1;
      if (pairs > MAX_PAIRS || hits >= MAX_HITS) return true;
      const text = textOf(name, MAX_TITLE_LENGTH);
      const words = text.length > MAX_TITLE_LENGTH ? 0 : wordsIn(text);
      if (!(words & KINDS)) return;
      hits += 1;
      const parent = parentOf(name);
      const value = nextOf(name) ?? (parent && nextOf(parent));
      if (
        value &&
        !(words & (KEEP_AWAY | CONFIRMATION)) &&
        mayRead(name, section)
      )
        tryElement(words, value, section);
    });
  };

  each(findSections(), (section) => {
    if (isIgnored(section) || mustKeepAway(section)) return;
    readDescribed(section);
    readPairs(section);
  });
};
