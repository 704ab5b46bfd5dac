// What the visitor does: changes a field, presses Enter in it, clicks a button, submits a form.

import { filter, findIndex } from "../consent/lists.js";
import { isForOthers, isPayment, readFormWords } from "./form-words.js";
import * as dom from "./dom.js";
import { NAMES, PLACES } from "./field-kind.js";
import { readField, readForm } from "./form.js";
import { hasValue } from "./tables.js";
import { takeForm } from "./merge.js";
import { CERTAIN, CONFIRMATION } from "./words.js";

/**
 * @typedef {import("./merge.js").Held} Held
 * @typedef {import("./values.js").ReadValue} ReadValue
 */

/**
 * Reads for one pixel what an action was about.
 *
 * @typedef {(held: Held, readValue: ReadValue) => void} Action
 */

/** The target of a click and its nearest ancestors, among which the button is. */
const MAX_BUTTON_ANCESTORS = 20;
/** The nearest ancestors of a button, among which the container of its fields is. */
const MAX_CONTAINER_ANCESTORS = 8;
const MAX_ANCESTORS = 1_000;

/**
 * @param {Element} owner
 * @param {Held} held
 * @param {ReadValue} readValue
 * @returns {import("./form.js").Context}
 */
const contextOf = (owner, held, readValue) => ({
  held,
  readValue,
  isScan: false,
  isPayment: isPayment(owner),
});

/**
 * @param {Element} owner
 * @param {Held} held
 * @param {ReadValue} readValue
 */
const readingOf = (owner, held, readValue) =>
  readForm(dom.inputsIn(owner), contextOf(owner, held, readValue));

/**
 * Reads a form or a container.
 *
 * @param {Element} owner
 * @param {Element | null} [pressed] - see `readFormWords`
 * @returns {Action}
 */
const readOwner = (owner, pressed) => (held, readValue) => {
  if (!readFormWords(owner, pressed))
    takeForm(held, owner, readingOf(owner, held, readValue), false);
};

/**
 * The container that was read last, if it has this element.
 *
 * @param {Held} held
 * @param {Element} element
 * @returns {Element | undefined}
 */
const containerOf = ({ current }, element) =>
  current instanceof Element &&
  !dom.isForm(current) &&
  !dom.isField(current) &&
  dom.someAncestor(element, MAX_ANCESTORS, (it) => it === current)
    ? current
    : undefined;

/**
 * The visitor has changed a field, or pressed Enter in it.
 *
 * @param {Element} element
 * @returns {Action | undefined}
 */
export const fieldAction = (element) => {
  if (!dom.mayBeRead(element) || dom.isIgnored(element)) return;
  const form = dom.formOf(element);
  const input = dom.inputOf(element);
  const field = input.field();
  return (held, readValue) => {
    const owner = form ?? containerOf(held, element);
    const gavePart =
      findIndex(
        held.fm,
        (it) => it.element === element && it.key !== "em" && it.key !== "ph",
      ) >= 0;
    const isPart = gavePart || (!(field & CERTAIN) && field & (NAMES | PLACES));
    if (isPart && owner) return readOwner(owner)(held, readValue);
    if (!field || (form && isForOthers(form))) return;
    let items = readField(input, contextOf(owner ?? element, held, readValue));
    // a field before it may give another value
    if (owner && field & CONFIRMATION) {
      const reading = readingOf(owner, held, readValue);
      items = filter(items, (it) => hasValue(reading.items, it));
    }
    takeForm(
      held,
      owner ?? element,
      {
        items,
        kinds: gavePart ? PLACES : 0,
        isPayment: false,
        elements: [element],
      },
      false,
      true,
    );
  };
};

/**
 * The visitor has clicked.
 *
 * @param {Element} target
 * @returns {Action | undefined}
 */
export const clickAction = (target) => {
  /** @type {Element | undefined} */
  let button;
  dom.someAncestor(target, MAX_BUTTON_ANCESTORS, (it) => {
    if (dom.isButton(it)) button = it;
    return button;
  });
  if (!button || !dom.isActiveButton(button) || dom.isIgnored(button)) return;
  let owner = dom.formOf(button);
  if (!owner)
    dom.someAncestor(dom.parentOf(button), MAX_CONTAINER_ANCESTORS, (it) => {
      if (it === document.body) return true;
      if (dom.hasFields(it)) owner = it;
      return owner;
    });
  return owner && !dom.isIgnored(owner) ? readOwner(owner, button) : undefined;
};

/**
 * The visitor has submitted a form.
 *
 * @param {Element} form
 * @param {Element | null} submitter
 * @returns {Action | undefined}
 */
export const submitAction = (form, submitter) =>
  dom.isForm(form) && !dom.isIgnored(form)
    ? readOwner(form, submitter)
    : undefined;
