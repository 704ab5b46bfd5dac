// The document as the rules of this folder need it. A form's own properties may be shadowed by fields named "elements" or
// "parentNode", and scripts of the page may add properties to elements, so everything is read by the getters of prototypes.

import { some } from "./tables.js";
import { append, each } from "../consent/lists.js";
import { tryOr } from "../pixel/safe-builtins.js";
import { fieldOf } from "./field-kind.js";
import { wordsIn } from "./words.js";

/** Hides an element, and all that is below it. */
const IGNORED = "[data-oaiq-ignore]";
export const FIELDS = "input,select,textarea";
const BUTTONS =
  "button,input[type=submit i],input[type=image i],[role=button i]";

/** How many labels, and how many elements of `aria-labelledby`, describe a field. */
const MAX_LABELS = 4;
/** In UTF-16 units: no hint is longer. */
const MAX_HINT_LENGTH = 256;
/** A button's text is cut after this many UTF-16 units. */
const MAX_BUTTON_LENGTH = 1_000;
/** How many nodes of a text, ancestors of an element, and fields of a page are looked at. */
const MAX_NODES = 5_000;
const MAX_FIELDS = 5_000;
const MAX_BUTTONS = 15;

/** Elements, texts and CDATA sections, and what becomes of them (https://dom.spec.whatwg.org/#interface-nodefilter). */
const SHOWN = 1 | 4 | 8;
const ACCEPT = 1;
const REJECT = 2;

const { getOwnPropertyDescriptor } = Object;
const { bind, call } = Function.prototype;
const { apply } = Reflect;

/**
 * A method, or the getter of a property, as a function of its object.
 *
 * @param {{ prototype: object }} type
 * @param {string} name
 * @returns {(object: any, ...rest: any[]) => any}
 */
const take = (type, name) => {
  const property = getOwnPropertyDescriptor(type.prototype, name);
  return apply(bind, call, [property?.get ?? property?.value]);
};

const getAttribute = take(Element, "getAttribute");
/** @type {(element: Element, selector: string) => Element | null} */
export const closestOf = take(Element, "closest");
/** @type {(element: Element, selector: string) => boolean} */
export const matches = take(Element, "matches");
const selectInElement = take(Element, "querySelectorAll");
const selectInDocument = take(Document, "querySelectorAll");
const byId = take(Document, "getElementById");
const getRoot = take(Node, "getRootNode");
const createWalker = take(Document, "createTreeWalker");
/** @type {(element: Element) => Element | null} */
export const parentOf = take(Node, "parentElement");
/** @type {(element: Element) => Element | null} */
export const nextOf = take(Element, "nextElementSibling");
const formElements = take(HTMLFormElement, "elements");

/** @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} FieldElement */

/**
 * Whether an element is an `input`, `select` or `textarea`.
 *
 * @param {Element} element
 * @returns {element is FieldElement}
 */
export const isField = (element) => matches(element, FIELDS);

/**
 * An attribute; empty if there is none.
 *
 * @param {Element} element
 * @param {string} name
 * @returns {string}
 */
export const attribute = (element, name) => getAttribute(element, name) ?? "";

/**
 * The elements below another one, or all in the document.
 *
 * @param {string} selector
 * @param {Element} [root]
 * @returns {ArrayLike<Element>}
 */
export const select = (selector, root) =>
  root ? selectInElement(root, selector) : selectInDocument(document, selector);

/**
 * The text of an element without what is hidden from this file, cut after
 * `most` UTF-16 units, but not at them.
 *
 * @param {Element} root
 * @param {number} most
 */
export const textOf = (root, most) => {
  /** @param {Node} node */
  const acceptNode = (node) =>
    node instanceof Element && matches(node, IGNORED) ? REJECT : ACCEPT;
  let text = "";
  if (matches(root, IGNORED)) return text;
  /** @type {TreeWalker} */
  const walker = createWalker(document, root, SHOWN, { acceptNode });
  for (let i = 0; text.length <= most; i += 1) {
    const node = walker.nextNode();
    if (!node) return text;
    if (!(node instanceof Element))
      text += /** @type {Text} */ (node).data.slice(0, most + 1);
    // too many nodes are like too much text
    if (i > MAX_NODES) text = " ".repeat(most + 1);
  }
  return text;
};

/**
 * Whether the page hides an element from this file.
 *
 * @param {Element} element
 * @returns {boolean}
 */
export const isIgnored = (element) => {
  const root = getRoot(element);
  return (
    closestOf(element, IGNORED) !== null ||
    (root instanceof ShadowRoot && isIgnored(root.host))
  );
};

/**
 * Calls `work` with an element and its nearest ancestors, until it returns true. Returns whether it did.
 *
 * @param {Element | null} element
 * @param {number} most
 * @param {(element: Element) => unknown} work
 */
export const someAncestor = (element, most, work) => {
  let it = element;
  for (let i = 0; it && i < most; i += 1) {
    if (work(it)) return true;
    it = parentOf(it);
  }
  return false;
};

/**
 * Some attributes of an element and a further text, joined by what is no part of a word. `wordsIn` finds words in it that stand
 * in a text, but no whole texts.
 *
 * @param {Element} element
 * @param {string[]} names
 * @param {string} [text]
 */
export const joinAttributes = (element, names, text = "") => {
  let all = text;
  each(names, (name) => {
    all += `|${attribute(element, name)}`;
  });
  return all;
};

/**
 * What the attributes say that describe an element as a part of the page.
 *
 * @param {Element} element
 */
export const attributeWords = (element) =>
  wordsIn(joinAttributes(element, ["id", "class", "name", "aria-label"]));

/**
 * The texts of the elements that `aria-labelledby` names.
 *
 * @param {Element} element
 * @param {number} most - of UTF-16 units in each
 */
export const labelledByTexts = (element, most) => {
  /** @type {string[]} */
  const texts = [];
  const ids = attribute(element, "aria-labelledby").slice(0, MAX_NODES);
  some(ids.match(/\S+/g) ?? [], MAX_LABELS, (id) => {
    const root = getRoot(element);
    const label =
      root === document ? byId(root, id) : root.getElementById?.(id);
    if (label) append(texts, textOf(label, most));
  });
  return texts;
};

/**
 * The texts of an element's labels.
 *
 * @param {Element} element
 */
export const labelTexts = (element) => {
  const texts = labelledByTexts(element, MAX_HINT_LENGTH);
  const { labels } = /** @type {HTMLInputElement} */ (element);
  if (labels)
    some(labels, MAX_LABELS, (it) =>
      append(texts, textOf(it, MAX_HINT_LENGTH)),
    );
  return texts;
};

/**
 * @param {FieldElement} element
 * @returns {import("./field-kind.js").Description}
 */
const describe = (element) => {
  /** @type {string[]} */
  const hints = [];
  each(["name", "id", "aria-label", "placeholder"], (name) =>
    append(hints, attribute(element, name)),
  );
  each(labelTexts(element), (text) => append(hints, text));
  return {
    type: element.type,
    hints,
    autocomplete: attribute(element, "autocomplete"),
    inputMode: attribute(element, "inputmode"),
    hasForm: formOf(element) !== null,
  };
};

/**
 * The form of a field or button.
 *
 * @param {Element} element
 * @returns {Element | null}
 */
export const formOf = (element) =>
  matches(element, `button,${FIELDS}`)
    ? /** @type {FieldElement} */ (element).form
    : closestOf(element, "form");

/**
 * A field for the rules.
 *
 * @param {FieldElement} element
 * @returns {import("./form.js").Input}
 */
export const inputOf = (element) => {
  /** @type {number | undefined} */
  let field;
  return {
    element,
    category: element.type,
    field: () => (field ??= tryOr(() => fieldOf(describe(element)), 0)),
    text() {
      const value = tryOr(() => element.value);
      // the page may have defined this property anew
      return typeof value === "string" ? value : "";
    },
  };
};

/**
 * Whether anything is read from an element: it is a field, and of such a type.
 *
 * @param {Element} element
 * @returns {element is FieldElement}
 */
export const mayBeRead = (element) =>
  isField(element) &&
  /^(?:text(?:area)?|hidden|email|tel|number|select-.*)$/.test(element.type);

/**
 * The fields of a form, or in place of one, those in a container that have no form. Those that the page hides are left out.
 *
 * @param {Element} owner
 */
export const inputsIn = (owner) => {
  /** @type {import("./form.js").Input[]} */
  const inputs = [];
  const isWhole = isForm(owner);
  some(
    isWhole ? formElements(owner) : select(FIELDS, owner),
    MAX_FIELDS,
    (it) => {
      if (mayBeRead(it) && (isWhole || !formOf(it)) && !isIgnored(it))
        append(inputs, inputOf(it));
    },
  );
  return inputs;
};

/**
 * Whether there are fields below an element.
 *
 * @param {Element} element
 */
export const hasFields = (element) =>
  some(select(FIELDS, element), MAX_FIELDS, (it) => mayBeRead(it));

/**
 * What the words of a button say.
 *
 * @param {Element} button
 */
export const buttonWords = (button) =>
  wordsIn(
    joinAttributes(
      button,
      ["value", "name", "id", "aria-label"],
      textOf(button, MAX_BUTTON_LENGTH),
    ),
  );

/**
 * The first buttons of a form.
 *
 * @param {Element} form
 * @returns {Element[]}
 */
export const buttonsIn = (form) => {
  /** @type {Element[]} */
  const buttons = [];
  some(select(BUTTONS, form), MAX_BUTTONS, (it) => append(buttons, it));
  return buttons;
};

/**
 * Whether a click on an element is a click on a button.
 *
 * @param {Element} element
 */
export const isButton = (element) =>
  matches(element, "button,input,[role=button i]");

/**
 * Whether such a button does something that a visitor means: it is of such a type, and not disabled.
 *
 * @param {Element} element
 */
export const isActiveButton = (element) =>
  (!matches(element, "button,input") ||
    /^(?:submit|image|button)$/.test(
      /** @type {HTMLButtonElement} */ (element).type,
    )) &&
  !matches(element, ":disabled,[disabled],[aria-disabled=true]");

/**
 * What a person calls an element.
 *
 * @param {Element} element
 */
export const nameOf = (element) =>
  attribute(element, "name") || attribute(element, "id");

/**
 * The element that an event started at, also inside an open shadow tree.
 *
 * @param {Event} event
 * @returns {Element | undefined}
 */
export const targetOf = (event) => {
  const target = event.composedPath()[0];
  return target instanceof Element ? target : undefined;
};

/**
 * @param {Element} element
 * @returns {boolean}
 */
export const isForm = (element) => matches(element, "form");
