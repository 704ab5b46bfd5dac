// What the words of a form and of its buttons say about the whole form.

import { each } from "../consent/lists.js";
import { buttonsIn, buttonWords, joinAttributes } from "./dom.js";
import { OTHER_PERSON, PAYMENT, wordsIn } from "./words.js";

/** The forms that were once seen to be for a payment: a page may change the words of its buttons. */
const payments = new WeakSet();

/** @param {Element} form */
const ownWords = (form) =>
  wordsIn(joinAttributes(form, ["id", "name", "aria-label"]));

/**
 * Whether the attributes of a form say that it is for somebody else than the visitor.
 *
 * @param {Element} form
 */
export const isForOthers = (form) => (ownWords(form) & OTHER_PERSON) !== 0;

/**
 * Reads the words of a form and its buttons. Returns whether they say that the form is for somebody else.
 *
 * @param {Element} form
 * @param {Element | null} [pressed] - the button that was used; null if there was none. Otherwise the first one counts
 */
export const readFormWords = (form, pressed) => {
  const buttons = buttonsIn(form);
  const button = pressed === undefined ? buttons[0] : pressed;
  const main = ownWords(form) | (button ? buttonWords(button) : 0);
  let words = main;
  if (!payments.has(form)) {
    each(buttons, (it) => {
      words |= buttonWords(it);
    });
    if (words & PAYMENT) payments.add(form);
  }
  return (main & OTHER_PERSON) !== 0;
};

/**
 * Whether the form was once seen to be for a payment, and gives no names of cardholders.
 *
 * @param {Element} form
 */
export const isPayment = (form) => payments.has(form);
