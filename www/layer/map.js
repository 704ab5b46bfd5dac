// What the entries of a data layer mean as calls of the pixel. Knows no page: it reads entries, and remembers what earlier ones say
// about later ones. docs/data-layer.md has the rules.

import { append, each } from "../consent/lists.js";
import { currencyCode, toMinorUnits } from "../helpers/money.js";
import { tryOr } from "../pixel/safe-builtins.js";
import { isObject, isPersonal, own, textOf } from "./read.js";
import { DATA_TYPES, MORE_FIELDS } from "./schema.gen.js";

/**
 * @typedef {keyof typeof DATA_TYPES} EventName
 * @typedef {{ custom_event_name?: string, event_id?: string }} MeasureOptions
 * @typedef {[name: EventName, data: Record<string, unknown>, options?: MeasureOptions]} MeasureCall
 *
 * @typedef {(reason: string, field: string, event: string, value: unknown) => void} Note
 *   takes what is not measured, and why: `LayerNote` of src/debug_log/payload.rs
 *
 * @typedef {object} Action an action of Universal Analytics' enhanced ecommerce
 * @property {string} key
 * @property {EventName | undefined} target
 * @property {unknown[]} details the objects that hold its data
 * @property {unknown} step of a checkout
 */

/** The pixel's event by the name of the layer's. */
const EVENTS = /** @type {Record<string, EventName | undefined>} */ (
  /** @type {unknown} */ ({
    __proto__: null,
    page_view: "page_viewed",
    view_item: "contents_viewed",
    view_item_list: "contents_viewed",
    add_to_cart: "items_added",
    begin_checkout: "checkout_started",
    purchase: "order_created",
    generate_lead: "lead_created",
    sign_up: "registration_completed",
    schedule: "appointment_scheduled",
    book_appointment: "appointment_scheduled",
    subscribe: "subscription_created",
    start_trial: "trial_started",
  })
);

/**
 * The actions of enhanced ecommerce, and the pixel's events. If an entry has several, the first one in this list counts.
 *
 * @type {readonly (readonly [key: string, target?: EventName])[]}
 */
const ACTIONS = [
  ["purchase", "order_created"],
  ["checkout", "checkout_started"],
  ["add", "items_added"],
  ["detail", "contents_viewed"],
  ["impressions", "contents_viewed"],
  ["refund"],
  ["remove"],
  ["click"],
  ["checkout_option"],
  ["promoView"],
  ["promoClick"],
];

/** An event with more items may be too large to be sent. */
const MAX_ITEMS = 200;

const AMOUNT = ["value", "revenue", "transactionTotal"];
const CURRENCY = ["currency", "currencyCode", "transactionCurrency"];
const ITEMS = ["items", "products", "transactionProducts"];
const ORDER_ID = ["transaction_id", "transactionId"];
const EVENT_ID = ["event_id"];
const LEAD_ID = ["lead_id"];
const PLAN_ID = ["plan_id"];
const ITEM_ID = ["item_id", "id", "sku"];
const ITEM_NAME = ["item_name", "name"];

/**
 * The first value that one of the objects has under one of the names, as `read` reads it. Null and "" count as missing.
 *
 * @template T
 * @param {ArrayLike<unknown>} objects
 * @param {ArrayLike<string>} names
 * @param {(value: unknown, name: string) => T | undefined} read
 * @returns {T | undefined}
 */
const find = (objects, names, read) => {
  for (let i = 0; i < objects.length; i += 1)
    for (let j = 0; j < names.length; j += 1) {
      const value = own(objects[i], names[j]);
      if (value == null || value === "") continue;
      const result = read(value, names[j]);
      if (result !== undefined) return result;
    }
};

/**
 * @param {ArrayLike<unknown>} objects
 * @param {ArrayLike<string>} names
 */
const findNamed = (objects, names) =>
  find(objects, names, (value, name) => ({ value, name }));

/**
 * A quantity; undefined if it is no whole number. The text "1.000" may be one or a thousand.
 *
 * @param {unknown} value
 */
const quantityOf = (value) => {
  const text = /^\s*(\d{1,9})(?:\.(?:0|00|0{4,9}))?\s*$/.exec(
    typeof value === "number" || typeof value === "string" ? `${value}` : "",
  );
  return text ? Number(text[1]) : undefined;
};

/**
 * The name of a custom event, of the characters that the pixel allows.
 *
 * @param {string} name
 */
const customName = (name) =>
  name
    .replace(/[^\w-]+/g, "_")
    .slice(0, 64)
    .replace(/^[_-]+|[_-]+$/g, "");

/**
 * @param {unknown} ecommerce
 * @returns {Action | undefined}
 */
const findAction = (ecommerce) => {
  for (let i = 0; i < ACTIONS.length; i += 1) {
    const key = ACTIONS[i][0];
    const body = own(ecommerce, key);
    if (!isObject(body)) continue;
    const field = own(body, "actionField");
    return {
      key,
      target: ACTIONS[i][1],
      details: key === "impressions" ? [{ items: body }] : [field, body],
      step: own(field, "step"),
    };
  }
};

/**
 * Makes the function that maps an entry to calls. It takes entries in the order of the layer.
 *
 * @param {unknown} ownEvents - `oaiq.config.layerEvents`
 * @param {Note} note
 * @returns {(entry: unknown) => MeasureCall[]}
 */
export const createMapper = (ownEvents, note) => {
  /**
   * The data of an entry without an event: Google Tag Manager merges it with that of the next event.
   *
   * @type {unknown}
   */
  let waitingEcommerce;
  /** @type {string | undefined} */
  let pageCurrency;
  /** @type {Record<string, 1>} */
  const measuredIds = /** @type {any} */ ({ __proto__: null });

  /** @param {unknown} object */
  const readPageCurrency = (object) => {
    const found = find([object], CURRENCY, currencyCode);
    if (found) pageCurrency = found;
  };

  /**
   * The first of these values that is usable as an ID or a name.
   *
   * @param {string} event
   * @param {ArrayLike<unknown>} objects
   * @param {ArrayLike<string>} names
   */
  const findText = (event, objects, names) =>
    find(objects, names, (value, name) => {
      const text = textOf(value);
      if (text && !isPersonal(text)) return text;
      if (text) note("personal", name, event, "");
      else note("unusable", name, event, value);
    });

  /**
   * The amount under one of these names, in the minor unit.
   *
   * @param {string} event
   * @param {ArrayLike<unknown>} objects
   * @param {ArrayLike<string>} names
   * @param {string | undefined} currency
   */
  const findAmount = (event, objects, names, currency) => {
    const given = findNamed(objects, names);
    if (!given) return;
    const minor = currency
      ? toMinorUnits(given.value, currency)
      : "no_currency";
    if (typeof minor === "number") return minor;
    note(minor, given.name, event, given.value);
  };

  /**
   * The currency of these objects; undefined if they name something else.
   *
   * @param {string} event
   * @param {ArrayLike<unknown>} objects
   * @param {string | undefined} otherwise
   */
  const findCurrency = (event, objects, otherwise) => {
    const given = findNamed(objects, CURRENCY);
    if (!given) return otherwise;
    const code = currencyCode(given.value);
    if (!code) note("not_currency", given.name, event, given.value);
    return code;
  };

  /**
   * One of `data.contents`; undefined if nothing of it is usable.
   *
   * @param {string} event
   * @param {unknown} item
   * @param {string | undefined} eventCurrency
   */
  const mapItem = (event, item, eventCurrency) => {
    const objects = [item];
    /** @type {Record<string, unknown>} */
    const mapped = {};
    const id = findText(event, objects, ITEM_ID);
    if (id) mapped.id = id;
    const name = findText(event, objects, ITEM_NAME);
    if (name) mapped.name = name;
    mapped.content_type = "product";
    const quantity = findNamed(objects, ["quantity"]);
    const count = quantity && quantityOf(quantity.value);
    if (count !== undefined) mapped.quantity = count;
    else if (quantity) note("quantity", "quantity", event, quantity.value);
    const currency = findCurrency(event, objects, eventCurrency);
    const amount = findAmount(event, objects, ["price"], currency);
    if (amount !== undefined) {
      mapped.amount = amount;
      if (currency !== eventCurrency || findNamed(objects, CURRENCY))
        mapped.currency = currency;
    }
    if (id || name || amount !== undefined || count !== undefined)
      return mapped;
    note("item", "items", event, item);
  };

  /**
   * The items under one of the names of lists. PHP writes an array with gaps as an object.
   *
   * @param {string} event
   * @param {ArrayLike<unknown>} objects
   * @param {string | undefined} currency
   */
  const findContents = (event, objects, currency) => {
    /** @type {Record<string, unknown>[]} */
    const contents = [];
    const given = findNamed(objects, ITEMS);
    if (!given) return contents;
    const list = given.value;
    if (!isObject(list)) {
      note("items", given.name, event, list);
      return contents;
    }
    const isItem = findNamed([list], ITEM_ID) || findNamed([list], ITEM_NAME);
    const names = Array.isArray(list) || isItem ? null : Object.keys(list);
    const length = isItem ? 1 : own(names ?? list, "length");
    const items = isItem ? [list] : list;
    for (let i = 0; i < Number(length); i += 1) {
      if (i === MAX_ITEMS) {
        note("items_cut", given.name, event, length);
        break;
      }
      const item = mapItem(
        event,
        own(items, names ? names[i] : `${i}`),
        currency,
      );
      if (item) append(contents, item);
    }
    return contents;
  };

  /**
   * The options of a call.
   *
   * @param {EventName} target
   * @param {string} event
   * @param {unknown[]} objects
   * @param {Action | undefined} action
   * @returns {MeasureOptions | undefined}
   */
  const optionsOf = (target, event, objects, action) => {
    if (target === "custom") return { custom_event_name: customName(event) };
    const isOrder = target === "order_created";
    if (!isOrder && target !== "lead_created") return;
    const id =
      (isOrder &&
        (findText(event, objects, ORDER_ID) ??
          findText(event, action ? [action.details[0]] : [], ["id"]))) ||
      (findText(event, objects, EVENT_ID) ??
        findText(event, isOrder ? [] : objects, LEAD_ID));
    return id ? { event_id: id } : undefined;
  };

  /**
   * @param {EventName} target
   * @param {string} event - as the layer names it
   * @param {unknown[]} objects - where its data is
   * @param {unknown[]} currencyObjects - where its currency is
   * @param {Action | undefined} action
   * @returns {MeasureCall | undefined}
   */
  const mapEvent = (target, event, objects, currencyObjects, action) => {
    const type = DATA_TYPES[target];
    const fields = /** @type {Record<string, string>} */ (MORE_FIELDS)[type];
    const options = optionsOf(target, event, objects, action);
    const id = options?.event_id;
    if (id) {
      const key = `${target} ${id}`;
      if (measuredIds[key]) {
        note("duplicate", "", event, id);
        return;
      }
      measuredIds[key] = 1;
    }
    const currency = findCurrency(event, currencyObjects, pageCurrency);
    const amount = findAmount(event, objects, AMOUNT, currency);
    const contents = /contents/.test(fields)
      ? findContents(event, objects, currency)
      : [];
    let needsCurrency = amount !== undefined;
    each(contents, (it) => {
      if (it.amount !== undefined && !it.currency) needsCurrency = true;
    });
    const plan = /plan_id/.test(fields)
      ? findText(event, objects, PLAN_ID)
      : undefined;
    /** @type {Record<string, unknown>} */
    const data = { type };
    if (plan) data.plan_id = plan;
    if (amount !== undefined) data.amount = amount;
    if (needsCurrency) data.currency = currency;
    if (contents.length) data.contents = contents;
    return options ? [target, data, options] : [target, data];
  };

  /**
   * The pixel's event for a name, by the page's own mapping or the table: false if the page wants none, undefined if there is none.
   *
   * @param {string} name
   * @returns {EventName | false | undefined}
   */
  const targetOf = (name) => {
    const chosen = own(ownEvents, name);
    if (chosen === false) return false;
    if (typeof chosen === "string" && own(DATA_TYPES, chosen))
      return /** @type {EventName} */ (chosen);
    if (chosen != null) note("no_such_event", "", name, chosen);
    return EVENTS[name];
  };

  /**
   * @param {unknown} name
   * @param {unknown} params - what the event's data is in
   */
  const mapNamed = (name, params) => {
    /** @type {MeasureCall[]} */
    const calls = [];
    /** @param {MeasureCall | undefined} call */
    const add = (call) => call && append(calls, call);
    const event = typeof name === "string" ? name : "";
    let ecommerce = own(params, "ecommerce");
    if (ecommerce === null) waitingEcommerce = undefined;
    const action = findAction(ecommerce);
    const isClassicOrder = !!(
      findNamed([params], ["transactionId"]) &&
      findNamed([params], ["transactionTotal", "transactionProducts"])
    );
    const target = event ? targetOf(event) : undefined;
    if (target === false) return calls;
    if (!event) {
      readPageCurrency(ecommerce);
      readPageCurrency(params);
      if (!action && isObject(ecommerce)) waitingEcommerce = ecommerce;
    }

    if (target) {
      if (
        waitingEcommerce &&
        !ecommerce &&
        target !== "page_viewed" &&
        DATA_TYPES[target] === "contents" &&
        !findNamed([params], AMOUNT) &&
        !findNamed([params], ITEMS)
      ) {
        ecommerce = waitingEcommerce;
        waitingEcommerce = undefined;
      }
      const objects = [ecommerce, params];
      const same = action?.target === target ? action : undefined;
      each(same?.details ?? [], (it) => append(objects, it));
      add(mapEvent(target, event, objects, objects, same));
      // the page has mapped this entry itself, or its action is the same event
      if (EVENTS[event] !== target || same) return calls;
    }

    if (action) {
      const label = event || `ecommerce.${action.key}`;
      if (!action.target) note("unknown_event", "", label, "");
      else if (action.step && `${action.step}` !== "1")
        note("later_step", "step", label, action.step);
      else if (action.target !== target) {
        add(
          mapEvent(
            action.target,
            label,
            action.details,
            [action.details[0], action.details[1], ecommerce, params],
            action,
          ),
        );
      }
    } else if (isClassicOrder && target !== "order_created")
      add(
        mapEvent(
          "order_created",
          event || "transactionId",
          [params],
          [params],
          undefined,
        ),
      );
    else if (event && !target && !/^gtm\./.test(event))
      note("unknown_event", "", event, "");
    return calls;
  };

  /** @param {unknown} entry */
  const mapEntry = (entry) => {
    const command = own(entry, "0");
    if (command === undefined) return mapNamed(own(entry, "event"), entry);
    if (command === "event") return mapNamed(own(entry, "1"), own(entry, "2"));
    // what Google's tag sends with all events
    if (command === "set") readPageCurrency(own(entry, "1"));
    if (command === "config") readPageCurrency(own(entry, "2"));
    return [];
  };

  return (entry) => tryOr(() => mapEntry(entry), []);
};
