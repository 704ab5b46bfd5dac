/** An event as the request by which a server sends it to the Conversions API. */
/** @import { EventRecord, SentEvent } from "./types.d.ts" */
import { asObject, clickIdOf, isInternal, isServer, userOf } from "./event.js";
import { USER_FIELDS } from "./schema.gen.js";
import { toText } from "./to-text.js";

/** The names that a page or an older server uses, with the Conversions API's current names. They are lists there. */
const LISTS = new Map([
  ["external_id_sha256", "external_ids_sha256"],
  ["email_sha256", "emails_sha256"],
  ["phone_number_sha256", "phone_numbers_sha256"],
  ["first_name_sha256", "first_names_sha256"],
  ["last_name_sha256", "last_names_sha256"],
  ["country", "countries"],
  ["city", "cities"],
  ["region", "regions"],
  ["postal_code", "postal_codes"],
  ["zip_code", "postal_codes"],
]);

/** Older names of its other fields. */
const RENAMED = new Map([
  ["client_ip_address", "ip_address"],
  ["client_user_agent", "user_agent"],
]);

const APP_EVENTS = ["app_installed", "app_opened"];

/**
 * What the inspector calls a user field, in any of its spellings: "email (hashed)".
 *
 * @param {string} field
 */
export const userFieldLabel = (field) =>
  (USER_FIELDS.get(field) ?? field)
    .replace(/_sha256$/, " (hashed)")
    .replaceAll("_", " ");

/**
 * The names of the user fields that an entry has.
 *
 * @param {EventRecord} entry
 */
export const userFieldsOf = (entry) => Object.keys(userOf(entry));

/**
 * Whether a server can send it: not pixel status, and not an unreadable request.
 *
 * @param {EventRecord} entry
 * @returns {entry is EventRecord & { event: SentEvent }}
 */
export const isSendable = (entry) =>
  entry.event !== null &&
  typeof entry.event === "object" &&
  !isInternal(entry.event);

/**
 * The event as the Conversions API takes it today.
 *
 * @param {EventRecord & { event: SentEvent }} entry
 * @returns {SentEvent}
 */
export const toServerEvent = (entry) => {
  const { event } = entry;
  if (isServer(entry)) return toCurrentForm(event);
  const user = Object.entries(asObject(asObject(entry.user).in)).flatMap(
    ([field, value]) => {
      const name = USER_FIELDS.get(field);
      return name === undefined ? [] : [[name, value]];
    },
  );
  /** @type {SentEvent} */
  const fields = {
    type: event.type,
    custom_event_name: event.custom_event_name,
    id: event.id,
    timestamp_ms: event.timestamp_ms,
    action_source: "web",
    source_url: event.source_url,
    oppref: clickIdOf(entry),
    user: toCurrentUser(Object.fromEntries(user), entry.obref),
    opt_out: event.opt_out,
    data: event.data,
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  );
};

/**
 * A server's event with today's names and places of fields.
 *
 * @param {SentEvent} event
 */
const toCurrentForm = ({ obref, ...event }) => {
  const { user } = event;
  // a user that is not an object stays as it was sent
  if (user === undefined || user === null || asObject(user) === user) {
    const current = toCurrentUser(asObject(user), obref);
    if (current) event.user = current;
  } else if (obref !== undefined) return toCurrentData({ ...event, obref });
  return toCurrentData(event);
};

/**
 * @param {SentEvent} event
 * @returns {SentEvent}
 */
const toCurrentData = (event) => {
  const data = asObject(event.data);
  const isOlder = [event.type, "custom"].includes(data.type);
  return APP_EVENTS.includes(toText(event.type)) && isOlder
    ? { ...event, data: { ...data, type: "customer_action" } }
    : event;
};

/**
 * User fields by today's names; undefined where there are none.
 *
 * @param {Record<string, unknown>} user
 * @param {unknown} obref
 */
const toCurrentUser = (user, obref) => {
  /** @type {Map<string, unknown>} */
  const fields = new Map();
  for (const [field, value] of Object.entries(user)) {
    const list = LISTS.get(field);
    if (list) fields.set(list, [fields.get(list) ?? [], value].flat());
    else fields.set(RENAMED.get(field) ?? field, value);
  }
  if (obref !== undefined && !fields.has("obref")) fields.set("obref", obref);
  return fields.size > 0 ? Object.fromEntries(fields) : undefined;
};

/**
 * A command for a POSIX shell that sends the event to the Conversions API at `origin`. No part of the event can be read
 * as anything but text by the shell.
 *
 * @param {EventRecord & { event: SentEvent }} entry
 * @param {string} origin
 */
export const toCurl = (entry, origin) => {
  const url = `${origin}/v1/events?pid=${encodeURIComponent(wellFormed(toText(entry.pixel)))}`;
  const body = asciiJson({ events: [toServerEvent(entry)] });
  return [
    `curl ${shellQuote(url)}`,
    `-H ${shellQuote("Authorization: Bearer YOUR-KEY")}`,
    `-H ${shellQuote("Content-Type: application/json")}`,
    // --data would read a file if the text began with @
    `--data-raw ${shellQuote(body)}`,
  ].join(" \\\n  ");
};

/**
 * Text in single quotes, in which a shell expands nothing. A single quote in the text goes outside of them.
 *
 * @param {string} text
 */
const shellQuote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * JSON in ASCII, so that no terminal or editor acts on its characters.
 *
 * @param {unknown} value
 */
const asciiJson = (value) =>
  toText(value).replace(
    /[\u007f-\uffff]/g,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/**
 * Replaces lone surrogates, which a URL cannot have.
 *
 * @param {string} text
 */
const wellFormed = (text) => text.replace(/\p{Cs}/gu, "\ufffd");
