// What a form gives: which of its fields are read, and which of several values are used.

import { append, each, filter, findIndex } from "../consent/lists.js";
import { isOwn } from "./merge.js";
import { createTable, hasValue } from "./tables.js";
import { PLACE_KEYS } from "./values.js";
import { NAMES } from "./field-kind.js";
import {
  ADDRESSEE,
  CERTAIN,
  CITY_LEVEL,
  CONFIRMATION,
  EMAIL,
  FULL_NAME,
} from "./words.js";

/** @typedef {import("./values.js").Key} Key */

/**
 * A field of a form or of a container.
 *
 * @typedef {object} Input
 * @property {object} element - tells it from others
 * @property {string} category - its element and type, such as "input:text"
 * @property {() => import("./field-kind.js").Field} field - what it is for
 * @property {() => string} text - its value
 */

/**
 * A value and where it comes from: an element, or a property of another script's object.
 *
 * @typedef {import("./values.js").Value & { element?: object, property?: string }} Item
 */

/**
 * What a form gives.
 *
 * @typedef {object} Reading
 * @property {Item[]} items - the best first
 * @property {number} kinds - those that it has a field for, even if the field is empty
 * @property {boolean} isPayment - whether only fields marked as billing or shipping give names
 * @property {object[]} elements - of the fields that were looked at
 */

/**
 * How to read.
 *
 * @typedef {object} Context
 * @property {import("./merge.js").Held} held
 * @property {import("./values.js").ReadValue} readValue
 * @property {boolean} isScan - not an action of the visitor
 * @property {boolean} isPayment
 */

/** How many fields of each element and type are looked at. */
export const MAX_FIELDS = 15;

/** The last of the ranks by which values of one kind are ordered. */
const LAST_RANK = 2;

/** @typedef {Item & { field: number }} Candidate */

/** @param {Candidate} candidate */
const rankOf = ({ key, field }) => {
  if (field & CONFIRMATION) return LAST_RANK;
  return key === "em" && !(field & CERTAIN) ? 1 : 0;
};

/**
 * The kinds of value that are read from a field.
 *
 * @param {Input} input
 * @param {Context} context
 */
const kindsToRead = (input, { held, isScan, isPayment }) => {
  const field = input.field();
  // an email field whose value is no email address is nothing else
  if (field & CERTAIN) return EMAIL;
  let kinds = field;
  // a scan does not look for email addresses in any text field, but keeps those that an action has found there
  if (
    isScan &&
    findIndex(
      held.fm,
      (it) => it.key === "em" && it.element === input.element,
    ) < 0
  )
    kinds &= ~EMAIL;
  if (isPayment && !(field & ADDRESSEE)) kinds &= ~NAMES;
  return kinds;
};

/**
 * What a single field gives, apart from its form.
 *
 * @param {Input} input
 * @param {Context} context
 * @returns {Item[]}
 */
export const readField = (input, context) => {
  /** @type {Item[]} */
  const items = [];
  const kinds = kindsToRead(input, context);
  const text = kinds ? input.text() : "";
  // any text field may hold an email address, but not its hash
  const isUsable = input.field() & CERTAIN || text.indexOf("@") > 0;
  each(context.readValue(isUsable ? kinds : kinds & ~EMAIL, text), (value) => {
    if (!isOwn(context.held, value))
      append(items, { ...value, element: input.element });
  });
  return items;
};

/**
 * The different values of a kind, best first.
 *
 * @param {Candidate[]} candidates
 * @param {Key} key
 * @param {number} most
 */
const best = (candidates, key, most) => {
  /** @type {Item[]} */
  const found = [];
  for (let rank = 0; rank <= LAST_RANK; rank += 1)
    each(candidates, (it) => {
      if (
        it.key === key &&
        rankOf(it) === rank &&
        found.length < most &&
        !hasValue(found, it)
      )
        append(found, it);
    });
  return found;
};

/**
 * @param {ArrayLike<Input>} inputs - in the order of the document
 * @param {Context} context
 * @returns {Reading}
 */
export const readForm = (inputs, context) => {
  /** @type {Record<string, number>} */
  const counts = createTable();
  /** @type {object[]} */
  const elements = [];
  /** @type {Candidate[]} */
  const candidates = [];
  let kinds = 0;
  each(inputs, (input) => {
    const { category, element } = input;
    counts[category] = (counts[category] ?? 0) + 1;
    if (counts[category] > MAX_FIELDS) return;
    append(elements, element);
    const field = input.field();
    const confirms = field & CONFIRMATION;
    if (context.isScan && confirms) return;
    kinds |= kindsToRead(input, context);
    each(readField(input, context), (item) => {
      const { key, value } = item;
      if (
        confirms &&
        findIndex(candidates, (it) => it.key === key && it.value !== value) >= 0
      )
        return;
      append(candidates, { ...item, field });
    });
  });

  /** @type {Item[]} */
  const items = [];
  /** @param {Item | undefined} item */
  const add = (item) => {
    if (item) append(items, item);
  };
  each(best(candidates, "em", 3), add);
  each(best(candidates, "ph", 2), add);
  const parts = filter(
    candidates,
    ({ key, field }) => (key === "fn" || key === "ln") && !(field & FULL_NAME),
  );
  each(/** @type {Key[]} */ (["fn", "ln"]), (key) => {
    const names = best(parts.length ? parts : candidates, key, 2);
    // of two different names, nobody knows which one is right
    if (names.length < 2) add(names[0]);
  });
  const levels = filter(candidates, (it) => it.field & CITY_LEVEL);
  // of two countries, nobody knows which one the rest belongs to
  if (best(candidates, "co", 2).length < 2)
    each(PLACE_KEYS, (key) =>
      add(best(levels, key, 1)[0] ?? best(candidates, key, 1)[0]),
    );
  return { items, kinds, isPayment: context.isPayment, elements };
};
