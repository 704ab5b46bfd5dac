// The scan: reads the whole document, and other scripts of the page.

import { createTable, includes, some } from "./tables.js";
import { isPayment, readFormWords } from "./form-words.js";
import { append, each, filter } from "../consent/lists.js";
import { setTimer, tryOr } from "../pixel/safe-builtins.js";
import {
  MAX_ANCESTORS,
  MAX_TRIES,
  mustKeepAway,
  readAccountPage,
} from "./account-page.js";
import { stopWatching, takeChanges } from "./changes.js";
import * as dom from "./dom.js";
import { NAMES, PLACES } from "./field-kind.js";
import { MAX_FIELDS, readField, readForm } from "./form.js";
import { addItems, fillFrom, isPlace, takeForm, takePlace } from "./merge.js";
import {
  layerNameIn,
  ownValue,
  readLayer,
  readTools,
  TAG_MANAGER,
} from "./scripts.js";
import {
  CERTAIN,
  CITY_LEVEL,
  CONFIRMATION,
  EMAIL,
  KEEP_AWAY,
  PHONE,
} from "./words.js";

/**
 * @typedef {import("./form.js").Item} Item
 * @typedef {import("./form.js").Input} Input
 * @typedef {import("./merge.js").Held} Held
 * @typedef {import("./values.js").ReadValue} ReadValue
 */

/** How many fields are looked at, besides those of forms that are known by then, and how many elements at all. */
const MAX_LOOKED = 500;
const MAX_ELEMENTS = 5_000;
/** How many elements may be between a field and its form. */
const MAX_DEPTH = 1_000;
/** How many data layers, and how many scripts that may name one, are looked at. */
const MAX_LAYERS = 4;
const MAX_SCRIPTS = 12;

/**
 * Whether a scan may read a form at all.
 *
 * @param {Element} form
 */
const isAccepted = (form) =>
  !dom.someAncestor(
    form,
    MAX_ANCESTORS,
    (it) => dom.attributeWords(it) & KEEP_AWAY,
  ) && !readFormWords(form);

/**
 * Whether the attributes of a field, or of what is between it and its form, keep the scan away.
 *
 * @param {Element} element
 * @param {Element} form
 */
const isKeptAway = (element, form) => {
  let isKept = false;
  dom.someAncestor(element, MAX_DEPTH, (it) => {
    isKept = it !== form && (dom.attributeWords(it) & KEEP_AWAY) !== 0;
    return isKept || it === form;
  });
  return isKept;
};

/**
 * Whether a scan reads a field: any text field may hold an email address, but that is read only on an action.
 *
 * @param {Input} input
 */
const isReadByScan = (input) => {
  const field = input.field();
  return !(field & CONFIRMATION) && field & (CERTAIN | PHONE | NAMES | PLACES);
};

/**
 * What the document has for a scan, until it changes.
 *
 * @typedef {object} Structure
 * @property {{ form: Element, inputs: Input[] }[]} forms - in the order of the document
 * @property {Input[]} loose - the fields outside forms that are read
 * @property {Item[]} texts - the values that account pages show
 */

/**
 * Finds the forms that a scan reads, and the fields outside forms.
 *
 * @param {Structure} structure
 */
const findFields = ({ forms, loose }) => {
  /** @type {(Element | null)[]} */
  const seen = [];
  /** @type {Record<string, number>} */
  const counts = createTable();
  let looked = 0;
  some(dom.select(dom.FIELDS), MAX_ELEMENTS, (element) => {
    if (!dom.mayBeRead(element)) return;
    const form = dom.formOf(element);
    if (form && includes(seen, form)) return;
    const input = dom.inputOf(element);
    const count = counts[input.category] ?? 0;
    if (count >= MAX_FIELDS) return;
    looked += 1;
    if (
      isReadByScan(input) &&
      !dom.isIgnored(element) &&
      !(form ? isKeptAway(element, form) : mustKeepAway(element))
    ) {
      append(seen, form);
      if (form && !isAccepted(form)) return;
      counts[input.category] = count + 1;
      if (form) append(forms, { form, inputs: dom.inputsIn(form) });
      else append(loose, input);
    }
    return looked >= MAX_LOOKED;
  });
};

/**
 * @param {ReadValue} readValue
 * @param {boolean} isFormsOnly
 * @returns {Structure}
 */
const readStructure = (readValue, isFormsOnly) => {
  /** @type {Structure} */
  const structure = { forms: [], loose: [], texts: [] };
  findFields(structure);
  if (isFormsOnly) return structure;
  const tries = { [EMAIL]: 0, [PHONE]: 0 };
  structure.loose = filter(structure.loose, (input) => {
    const kinds = input.field();
    let isTried = kinds & PLACES;
    each([EMAIL, PHONE], (kind) => {
      if (!(kinds & kind) || tries[kind] >= MAX_TRIES) return;
      tries[kind] += 1;
      isTried = kind;
    });
    return isTried;
  });
  readAccountPage(tries, (kinds, text, element) =>
    each(readValue(kinds, text), (value) =>
      append(structure.texts, { ...value, element }),
    ),
  );
  return structure;
};

/** @type {Structure | undefined} */
let known;

/** Forgets what is known of the document. */
export const forgetStructure = () => {
  known = undefined;
  stopWatching();
};

/**
 * Reads the fields outside forms into `ht`.
 *
 * @param {Held} held
 * @param {ReadValue} readValue
 * @param {Input[]} inputs
 */
const readLooseFields = (held, readValue, inputs) => {
  /** @type {Item | undefined} */
  let place;
  /** @type {Item | undefined} */
  let cityLevel;
  each(inputs, (input) => {
    const items = readField(input, {
      held,
      readValue,
      isScan: true,
      isPayment: false,
    });
    // the places of one part come from one field here, so that they belong together
    const found = filter(items, isPlace)[0];
    if (input.field() & CITY_LEVEL) cityLevel ??= found;
    place ??= found;
    addItems(
      held,
      "ht",
      filter(items, (it) => it !== found),
    );
  });
  const best = cityLevel ?? place;
  if (best) takePlace(held, best);
};

/**
 * Takes what other scripts hold: for a text of these kinds, its values become items of `js`.
 *
 * @param {Held} held
 * @param {ReadValue} readValue
 * @param {(take: import("./scripts.js").Take) => void} read
 * @param {boolean} [isInFront]
 */
export const takeScripts = (held, readValue, read, isInFront) => {
  /** @type {Item[]} */
  const items = [];
  read((kinds, text, property) =>
    each(readValue(kinds, text), (value) =>
      append(items, { ...value, property }),
    ),
  );
  addItems(held, "js", items, isInFront);
};

/**
 * Calls `work` with the data layers that are read at each scan.
 *
 * @param {unknown} main - the `dataLayer`
 * @param {(layer: unknown) => void} work
 */
const eachOtherLayer = (main, work) => {
  const layers = [main];
  /** @param {string} name */
  const add = (name) => {
    const layer = ownValue(window, name);
    if (!layer || layers.length >= MAX_LAYERS || includes(layers, layer))
      return;
    append(layers, layer);
    work(layer);
  };
  add("adobeDataLayer");
  some(dom.select(TAG_MANAGER), MAX_SCRIPTS, (script) =>
    add(layerNameIn(dom.attribute(script, "src"))),
  );
};

/**
 * The texts of the fields that a scan reads, to see whether they have changed. They have if the page has broken one.
 *
 * @param {Structure} structure
 * @returns {string | number}
 */
const textsOf = ({ forms, loose }) =>
  tryOr(() => {
    let texts = "";
    /** @param {{ element: any }} input */
    const add = ({ element }) => {
      texts += `${element.value}\0`;
    };
    each(forms, ({ inputs }) => each(inputs, add));
    each(loose, add);
    return texts;
  }, NaN);

/**
 * @param {Held} held
 * @param {ReadValue} readValue
 * @param {Structure["forms"]} forms
 */
const readForms = (held, readValue, forms) => {
  if (!held.isActed && forms.length) held.current = forms[0].form;
  each([true, false], (isCurrent) =>
    each(forms, ({ form, inputs }) => {
      if ((form === held.current) !== isCurrent) return;
      const reading = readForm(inputs, {
        held,
        readValue,
        isScan: true,
        isPayment: isPayment(form),
      });
      if (isCurrent) takeForm(held, form, reading, true);
      else fillFrom(held, reading);
    }),
  );
};

/**
 * Reads the page for a pixel, as far as it may have changed since the last scan for this pixel.
 *
 * @param {Held} held
 * @param {ReadValue} readValue
 * @param {boolean} isFormsOnly
 * @param {unknown} seenLayer - the `dataLayer` that has been read for this pixel
 */
export const scan = (held, readValue, isFormsOnly, seenLayer) => {
  if (takeChanges() || !known) known = readStructure(readValue, isFormsOnly);
  const structure = known;
  const texts = textsOf(structure);
  const isSame = held.structure === structure && held.texts === texts;
  if (!isSame) readForms(held, readValue, structure.forms);
  held.structure = structure;
  held.texts = texts;
  if (isFormsOnly) return;
  const main = ownValue(window, "dataLayer");
  // looking through all globals is slow, so one task does it once. What comes after that is found when the request is made.
  if (isSame && main === seenLayer && held.hasReadScripts) return;
  held.hasReadScripts = setTimer(() => {
    held.hasReadScripts = false;
  });
  /** @param {unknown} layer */
  const takeLayer = (layer) =>
    takeScripts(held, readValue, (take) => readLayer(layer, take));
  if (main !== seenLayer) takeLayer(main);
  eachOtherLayer(main, takeLayer);
  takeScripts(held, readValue, (take) => readTools(window, take));
  readLooseFields(held, readValue, structure.loose);
  addItems(held, "ht", structure.texts);
};
