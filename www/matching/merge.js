// What is held for a pixel: how readings replace each other or add up, how many values each part may have, and the member
// `user` of a request.

import { escapeJson } from "../pixel/serialize-call.js";
import { append, each, filter, findIndex, join } from "../consent/lists.js";
import { PLACES } from "./field-kind.js";
import { createTable, hasValue, includes } from "./tables.js";
import { PLACE_KEYS } from "./values.js";
import { FIRST_NAME, FULL_NAME, LAST_NAME } from "./words.js";

/**
 * @typedef {import("./values.js").Key} Key
 * @typedef {import("./form.js").Item} Item
 * @typedef {import("./form.js").Reading} Reading
 * @typedef {"fm" | "js" | "ht"} PartName
 */

/**
 * What is held for a pixel, by part: `fm` from forms, `js` from other scripts, `ht` from the text of the page.
 *
 * @typedef {object} Held
 * @property {Item[]} fm
 * @property {Item[]} js
 * @property {Item[]} ht
 * @property {object | undefined} current - the form, container or field that was read last
 * @property {boolean} isActed - whether an action of the visitor was the cause
 * @property {string} own - the member with what the site gives itself
 * @property {Record<string, string>} present - the site's own hashes now
 * @property {Record<string, string>} given - the last of each that the site has given
 * @property {object | undefined} structure - of the document at the last scan; undefined if something else has changed since
 * @property {string | number} texts - of the fields at the last scan
 * @property {unknown} hasReadScripts - whether a scan has read other scripts in this task
 */

/**
 * How many values all parts may have together.
 *
 * @type {Record<string, number>}
 */
const MAX = { em: 3, ph: 2, fn: 1, ln: 1 };
/** @type {Key[]} */
const IDENTIFIERS = ["em", "ph", "fn", "ln"];
/** In their order of precedence. */
const PARTS = /** @type {const} */ (["fm", "js", "ht"]);

/** @returns {Held} */
export const createHeld = () => ({
  fm: [],
  js: [],
  ht: [],
  current: undefined,
  isActed: false,
  own: "",
  present: createTable(),
  given: createTable(),
  structure: undefined,
  texts: "",
  hasReadScripts: false,
});

/** @param {{ key: Key }} item */
export const isPlace = ({ key }) => includes(PLACE_KEYS, key);
/** @param {{ key: Key }} item */
const isList = ({ key }) => key === "em" || key === "ph";

/**
 * The values of a kind.
 *
 * @param {Item[]} items
 * @param {Key} key
 */
const ofKind = (items, key) => filter(items, (it) => it.key === key);

/**
 * Whether the site gives this value itself, or did until it gave another.
 *
 * @param {Held} held
 * @param {{ key: Key, value: string }} item
 */
export const isOwn = ({ given }, { key, value }) => given[key] === value;

/**
 * Takes the member with what the site gives itself, `,"user":{"in":{…}}` or empty.
 *
 * @param {Held} held
 * @param {string} own
 */
export const takeOwn = (held, own) => {
  if (own === held.own) return;
  held.own = own;
  held.structure = undefined;
  held.present = createTable();
  each(IDENTIFIERS, (key) => {
    // quotation marks within strings are escaped, so this matches a member
    const hash = new RegExp(`"${key}":"([^"]+)"`).exec(own)?.[1];
    if (hash) held.present[key] = held.given[key] = hash;
  });
};

/**
 * How many values of a kind may be read, beside what the site gives.
 *
 * @param {Held} held
 * @param {Key} key
 */
const mostOf = ({ present }, key) => MAX[key] - (present[key] ? 1 : 0);

/**
 * Drops what the site gives itself, and what is too much. Of each value, the first part that has it counts.
 *
 * @param {Held} held
 */
export const trim = (held) => {
  /** @type {Item[]} */
  const counted = [];
  each(PARTS, (name) => {
    held[name] = filter(held[name], (item) => {
      if (isPlace(item) || hasValue(counted, item)) return true;
      if (
        isOwn(held, item) ||
        ofKind(counted, item.key).length >= mostOf(held, item.key)
      )
        return false;
      append(counted, item);
      return true;
    });
  });
};

/**
 * Reads a form, or what is in place of one, into `fm`: what an action of the visitor gave, or what a scan found in the current
 * form.
 *
 * @param {Held} held
 * @param {object} owner - the form, or in place of one, the container or the field
 * @param {Reading} reading
 * @param {boolean} isScan
 * @param {boolean} [isField] - whether only one field was read
 */
export const takeForm = (held, owner, reading, isScan, isField) => {
  const { items, kinds, isPayment, elements } = reading;
  if (!isScan) held.structure = undefined;
  const isCurrent = owner === held.current;
  // what the visitor has submitted stays when the page empties the form afterwards
  const keeps = isScan && isCurrent && held.isActed;
  const places = filter(items, isPlace).length;
  const replacesPlaces = keeps
    ? places && places >= filter(held.fm, isPlace).length
    : places || kinds & PLACES;

  const next = filter(items, (it) => replacesPlaces || !isPlace(it));
  each(held.fm, (item) => {
    const given = ofKind(items, item.key);
    const isItsOwn = includes(elements, item.element);
    let stays;
    if (isPlace(item)) stays = !replacesPlaces;
    else if (isField) stays = !isItsOwn && (!given.length || isCurrent);
    else if (isList(item))
      stays =
        !given.length ||
        (keeps &&
          isItsOwn &&
          findIndex(given, (it) => it.element === item.element) < 0);
    else {
      const kind = item.key === "fn" ? FIRST_NAME : LAST_NAME;
      const isEmptied = isItsOwn || kinds & (kind | FULL_NAME);
      stays =
        !given.length &&
        (keeps || !isEmptied) &&
        !(isPayment && (!isScan || isItsOwn));
    }
    if (stays && !hasValue(next, item)) append(next, item);
  });
  if (!next.length && !isCurrent) return;
  held.fm = next;
  if (items.length && !isScan) {
    held.current = owner;
    held.isActed = true;
  }
};

/**
 * Adds what a scan found in another form than the current one, where there is room.
 *
 * @param {Held} held
 * @param {Reading} reading
 */
export const fillFrom = (held, { items, isPayment, elements }) => {
  const next = filter(
    held.fm,
    (it) =>
      !isPayment ||
      isPlace(it) ||
      isList(it) ||
      !includes(elements, it.element),
  );
  // the places of one part come from one form
  const hasPlaces = findIndex(next, isPlace) >= 0;
  each(items, (item) => {
    if (
      isPlace(item)
        ? !hasPlaces
        : ofKind(next, item.key).length < MAX[item.key] && !hasValue(next, item)
    )
      append(next, item);
  });
  held.fm = next;
};

/**
 * Adds values to `js` or `ht`. What these parts have found stays, so new values need room.
 *
 * @param {Held} held
 * @param {"js" | "ht"} name
 * @param {Item[]} items
 * @param {boolean} [isInFront] - whether they go before what is there
 */
export const addItems = (held, name, items, isInFront) => {
  /** @type {Item[]} */
  const before = held[name];
  /** @type {Item[]} */
  const fresh = [];
  /** @type {Item[]} */
  const counted = [];
  /** @param {Item} it */
  const count = (it) => {
    if (!hasValue(counted, it)) append(counted, it);
  };
  each(held.fm, count);
  each(held.js, count);
  if (name === "ht") each(before, count);
  each(items, (item) => {
    if (
      isOwn(held, item) ||
      hasValue(before, item) ||
      hasValue(fresh, item) ||
      (!hasValue(counted, item) &&
        ofKind(counted, item.key).length >= mostOf(held, item.key))
    )
      return;
    append(fresh, item);
    count(item);
  });
  /** @type {Item[]} */
  const next = [];
  each(isInFront ? [fresh, before] : [before, fresh], (list) =>
    each(list, (it) => append(next, it)),
  );
  held[name] = next;
};

/**
 * Replaces the place of `ht`, which comes from one field.
 *
 * @param {Held} held
 * @param {Item} place
 */
export const takePlace = (held, place) => {
  held.ht = filter(held.ht, (it) => !isPlace(it));
  append(held.ht, place);
};

/**
 * Calls `work` with each value that is sent, once, in its first part.
 *
 * @param {Held} held
 * @param {(name: PartName, item: Item) => void} work
 */
export const eachSent = (held, work) => {
  /** @type {Record<string, number>} */
  const sent = createTable();
  each(PARTS, (name) =>
    each(held[name], (item) => {
      // each place goes once, whatever it is
      const identity = item.key + (isPlace(item) ? "" : item.value);
      if (!sent[identity]) work(name, item);
      sent[identity] = 1;
    }),
  );
};

/**
 * The member `user` of a request: what the site gives itself, and what was read from the page. Empty if there is nothing.
 *
 * @param {Held} held
 */
export const userMember = (held) => {
  /** @type {Record<string, string>} */
  const texts = createTable();
  eachSent(held, (name, { key, value }) => {
    const at = name + key;
    texts[at] = `${texts[at] ? `${texts[at]},` : ""}"${escapeJson(value)}"`;
  });
  /** @type {string[]} */
  const members = [];
  if (held.own) append(members, held.own.slice(',"user":{'.length, -1));
  each(PARTS, (name) => {
    /** @type {string[]} */
    const part = [];
    each([IDENTIFIERS, PLACE_KEYS], (keys) =>
      each(keys, (key) => {
        const text = texts[name + key];
        if (text)
          append(part, `"${key}":${isList({ key }) ? `[${text}]` : text}`);
      }),
    );
    if (part.length) append(members, `"${name}":{${join(part, ",")}}`);
  });
  return members.length ? `,"user":{${join(members, ",")}}` : "";
};
