// Email addresses and phone numbers in the objects of other scripts: data layers, shop and analytics tools. Only their own
// data is read: no getter runs, and of their functions only those that tools document for this.

import { append, each } from "../consent/lists.js";
import {
  EMAIL,
  OTHER_PERSON,
  PHONE,
  PRODUCT,
  SECRET,
  wordsIn,
} from "./words.js";
import { isArray } from "../pixel/serialize-call.js";
import { tryOr } from "../pixel/safe-builtins.js";

/**
 * Takes a text that the name of its property says to be of one of these kinds.
 *
 * @typedef {(kinds: number, text: string, name: string) => void} Take
 */

const { getOwnPropertyDescriptor, getPrototypeOf, keys } = Object;

/** How many properties of an entry are looked at. */
const MAX_PROPERTIES = 100;
/** How many of the last entries of an array, and of the last globals, are looked at. */
const MAX_ENTRIES = 100;
const MAX_EVENT_LENGTH = 256;
/** How far up a chain of prototypes methods are looked for. */
const MAX_PROTOTYPES = 5;

/** @param {unknown} value */
const isObject = (value) => typeof value === "object" && value !== null;
/** @param {unknown} value */
const isFunction = (value) => typeof value === "function";
/**
 * Whether a value is an array. A proxy may refuse to tell.
 *
 * @param {unknown} value
 */
const isList = (value) => tryOr(() => isArray(value), true);

/**
 * The value of an object's own property; undefined if it is a getter, or if there is none.
 *
 * @param {unknown} object
 * @param {string} name
 */
export const ownValue = (object, name) =>
  tryOr(() => getOwnPropertyDescriptor(object, name)?.value);

/**
 * The same for an object's own or inherited property.
 *
 * @param {unknown} object
 * @param {string} name
 */
const valueIn = (object, name) =>
  tryOr(() => {
    let holder = object;
    for (let i = 0; i < MAX_PROTOTYPES && holder; i += 1) {
      const property = getOwnPropertyDescriptor(holder, name);
      if (property) return property.value;
      holder = getPrototypeOf(holder);
    }
  });

/**
 * Calls a method without arguments; undefined if there is none, or if it throws.
 *
 * @param {any} object
 * @param {string} name
 */
const call = (object, name) =>
  isFunction(valueIn(object, name)) ? tryOr(() => object[name]()) : undefined;

/**
 * Finds texts in an object and in the objects in it, level by level.
 *
 * @param {unknown} root
 * @param {Take} take
 */
export const readObject = (root, take) => {
  /** @type {any[]} */
  const objects = [root];
  let count = 0;
  for (let i = 0; i < objects.length; i += 1) {
    const object = objects[i];
    if (!isObject(object) || isList(object)) continue;
    const role = ownValue(object, "role");
    if (typeof role === "string" && wordsIn(role) & (OTHER_PERSON | PRODUCT))
      continue;
    const names = tryOr(() => keys(object), []);
    for (let j = 0; j < names.length; j += 1) {
      count += 1;
      if (count > MAX_PROPERTIES) return;
      const name = names[j];
      const words = wordsIn(name);
      if (words & (OTHER_PERSON | PRODUCT | SECRET)) continue;
      const value = ownValue(object, name);
      if (typeof value === "string") {
        if (words & (EMAIL | PHONE)) take(words & (EMAIL | PHONE), value, name);
      } else if (isObject(value)) append(objects, value);
    }
  }
};

/**
 * Finds texts in an entry of a data layer.
 *
 * @param {unknown} entry
 * @param {Take} take
 */
export const readEntry = (entry, take) => {
  const event = tryOr(() => getOwnPropertyDescriptor(entry, "event"));
  if (
    event &&
    !(
      typeof event.value === "string" &&
      event.value &&
      event.value.length <= MAX_EVENT_LENGTH
    )
  )
    return;
  readObject(entry, take);
};

/**
 * Calls `work` with the last entries of an array, the newest first.
 *
 * @param {unknown} list
 * @param {(entry: unknown) => void} work
 */
const eachNewest = (list, work) => {
  if (!isList(list)) return;
  const length = ownValue(list, "length");
  for (let i = length - 1; i >= 0 && i >= length - MAX_ENTRIES; i -= 1)
    work(ownValue(list, `${i}`));
};

/**
 * Finds texts in a data layer.
 *
 * @param {unknown} layer
 * @param {Take} take
 */
export const readLayer = (layer, take) =>
  eachNewest(layer, (entry) => readEntry(entry, take));

/**
 * The traits of a tool's visitor: `user().traits()`, or `user().traits`.
 *
 * @param {unknown} tool
 */
const traitsOf = (tool) => {
  const user = call(tool, "user");
  return isFunction(valueIn(user, "traits"))
    ? call(user, "traits")
    : valueIn(user, "traits");
};

/**
 * Finds texts in shop and analytics tools.
 *
 * @param {any} global - the window
 * @param {Take} take
 */
export const readTools = (global, take) => {
  const checkout = ownValue(ownValue(global, "Shopify"), "checkout");
  if (checkout) readObject(checkout, take);
  each(["klaviyo", "_learnq", "_klOnsite"], (name) =>
    eachNewest(ownValue(global, name), (entry) => {
      if (isList(entry) && ownValue(entry, "0") === "identify")
        readObject(ownValue(entry, "1"), take);
    }),
  );
  const analytics = ownValue(global, "analytics");
  if (analytics) readObject(traitsOf(analytics), take);
  const names = tryOr(() => keys(global), []);
  for (
    let i = names.length > MAX_ENTRIES ? names.length - MAX_ENTRIES : 0;
    i < names.length;
    i += 1
  ) {
    const tool = ownValue(global, names[i]);
    if (
      isFunction(valueIn(tool, "identify")) &&
      isFunction(valueIn(tool, "track"))
    )
      readObject(
        isFunction(valueIn(tool, "getUserTraits"))
          ? call(tool, "getUserTraits")
          : traitsOf(tool),
        take,
      );
  }
};

/** Matches the scripts of Google Tag Manager whose addresses have parameters. */
export const TAG_MANAGER =
  'script[src^="https://www.googletagmanager.com/gtm.js?"]';

/**
 * The name of the data layer that the address of such a script gives; empty if it gives none.
 *
 * @param {string} url
 */
export const layerNameIn = (url) =>
  /^[^?#]*\?(?:[^#]*&)?l=([^&#]+)/.exec(url)?.[1] ?? "";
