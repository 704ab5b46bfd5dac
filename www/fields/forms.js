// Finds the forms of a page, fills their fields, and says when one is submitted. Forms may come later, may be in shadow trees, and
// may hide their own members behind fields of the same name, so these are taken from the prototypes.

import { append, each } from "../consent/lists.js";
import { on, setTimer, tryOr } from "../pixel/safe-builtins.js";
import { valueToWrite } from "./options.js";

/** How long to collect changes of a page, in milliseconds. */
const SCAN_DELAY_MS = 50;
/** In how many rounds a scan adds fields to one form: a page that removes them at once would cause the next scan. */
const MAX_ROUNDS = 20;

const ATTRIBUTE = "data-oaiq-fields";

const { apply, getOwnPropertyDescriptor } = Reflect;
const { appendChild } = Node.prototype;
const { getAttribute } = Element.prototype;
const { get: getElements } = /** @type {PropertyDescriptor} */ (
  getOwnPropertyDescriptor(HTMLFormElement.prototype, "elements")
);

/**
 * What stands in the attribute by which a form asks for fields; undefined without it, or if this is no form.
 *
 * @param {unknown} form
 * @returns {string | undefined}
 */
export const optionOf = (form) =>
  tryOr(() => apply(getAttribute, form, [ATTRIBUTE])?.trim());

/**
 * The controls of a form, also those outside its element; none if this is no form.
 *
 * @param {unknown} form
 * @returns {ArrayLike<HTMLInputElement>}
 */
const controlsOf = (form) =>
  tryOr(() => apply(/** @type {Function} */ (getElements), form, []), []);

/**
 * The first control of a form that is wanted.
 *
 * @param {unknown} form
 * @param {(control: HTMLInputElement) => boolean} isWanted
 */
export const findControl = (form, isWanted) => {
  const controls = controlsOf(form);
  for (let i = 0; i < controls.length; i += 1)
    if (isWanted(controls[i])) return controls[i];
};

/**
 * @param {Document | ShadowRoot | Element} node
 * @param {string} selector
 * @returns {ArrayLike<any>}
 */
const select = (node, selector) =>
  tryOr(() => node.querySelectorAll(selector), []);

/**
 * @typedef {object} Handlers
 * @property {import("./options.js").Names} names
 * @property {(field: string, form: HTMLFormElement | null) => string} valueFor - the value of a field; "" if it has none
 * @property {(event: SubmitEvent, form: HTMLFormElement) => void} onSubmit - before the page's own listeners, with filled fields
 * @property {(isLate: boolean) => void} onSubmitted - after the page's own listeners; again when the page is left
 * @property {(form: HTMLFormElement) => void} onReset
 */

/**
 * Watches all forms of the page. Returns a function that fills their fields again.
 *
 * @param {Handlers} handlers
 */
export const watchForms = ({
  names,
  valueFor,
  onSubmit,
  onSubmitted,
  onReset,
}) => {
  /** @type {Record<string, string>} */
  const fields = /** @type {any} */ ({ __proto__: null });
  for (const field in names) fields[names[field]] = field;
  /** @type {WeakMap<Element, string>} */
  const written = new WeakMap();
  /** @type {WeakMap<Element, number>} */
  const rounds = new WeakMap();
  /** @type {(Document | ShadowRoot)[]} */
  const roots = [];

  /** @param {HTMLInputElement} input */
  const fillInput = (input) => {
    const field = fields[input.name];
    if (!field || input.type !== "hidden" || optionOf(input.form) === "off")
      return;
    const value = valueToWrite(
      input.value,
      written.get(input),
      valueFor(field, input.form),
    );
    if (value === undefined) return;
    written.set(input, value);
    input.value = value;
  };

  /**
   * Adds the fields that a form lacks and that have a value.
   *
   * @param {HTMLFormElement} form
   */
  const addFields = (form) => {
    let hasAdded = 0;
    for (const name in fields) {
      if (
        findControl(form, (it) => it.name === name) ||
        !valueFor(fields[name], form)
      )
        continue;
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = name;
      fillInput(input);
      apply(appendChild, form, [input]);
      hasAdded = 1;
    }
    rounds.set(form, (rounds.get(form) ?? 0) + hasAdded);
  };

  /** @param {HTMLFormElement} form */
  const fillForm = (form) => {
    each(controlsOf(form), fillInput);
    if ((optionOf(form) ?? "off") !== "off") addFields(form);
  };

  let isScanDue = false;
  const scan = () => {
    isScanDue = false;
    each(roots, (root) => {
      each(select(root, "input"), (input) => tryOr(() => fillInput(input)));
      // a framework that takes over the server's HTML expects that nothing has been added to it
      if (document.readyState === "complete")
        each(select(root, `form[${ATTRIBUTE}]`), (form) =>
          tryOr(() => {
            if (!((rounds.get(form) ?? 0) > MAX_ROUNDS)) fillForm(form);
          }),
        );
    });
  };
  const scheduleScan = () => {
    if (isScanDue) return;
    isScanDue = true;
    if (!setTimer(scan, SCAN_DELAY_MS)) scan();
  };

  /** @param {Document | ShadowRoot} root */
  const watch = (root) => {
    for (let i = 0; i < roots.length; i += 1) if (roots[i] === root) return;
    append(roots, root);
    const target = root === document ? window : root;
    /**
     * @param {string} type
     * @param {(event: any) => void} listener
     */
    const capture = (type, listener) =>
      tryOr(() =>
        target.addEventListener(
          type,
          (event) => tryOr(() => listener(event)),
          true,
        ),
      );
    capture("submit", (event) => {
      tryOr(() => fillForm(event.target));
      onSubmit(event, event.target);
    });
    on(target, "submit", () => onSubmitted(false));
    capture("reset", ({ target }) => onReset(target));
    tryOr(() =>
      new MutationObserver((records) => {
        each(records, ({ addedNodes }) => each(addedNodes, watchShadowTrees));
        scheduleScan();
      }).observe(root, { childList: true, subtree: true }),
    );
    watchShadowTrees(root);
    scheduleScan();
    if (root !== document) return;
    /** @param {Event} event */
    const onInteraction = (event) =>
      each(event.composedPath(), (node) => {
        // a shadow tree may have been attached after its element was added
        watchIfShadow(node);
        fillForm(/** @type {HTMLFormElement} */ (node));
      });
    capture("focusin", onInteraction);
    capture("click", onInteraction);
    on(window, "load", scan);
    // while capturing, so before the script's own listener, which sends what is queued
    capture("pagehide", () => onSubmitted(true));
  };

  /** @param {unknown} root */
  const watchIfShadow = (root) => {
    if (root instanceof ShadowRoot) watch(root);
  };

  /**
   * Watches the shadow tree of a node, and those of all elements within it.
   *
   * @param {any} node
   */
  const watchShadowTrees = (node) => {
    watchIfShadow(node.shadowRoot);
    each(select(node, "*"), (it) => watchIfShadow(it.shadowRoot));
  };

  watch(document);
  scan();
  return scan;
};
