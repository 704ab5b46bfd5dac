/** An event as the request by which a server sends its half of it. */
import { asObject, clickOf, isInternal, isServer } from "./event.js";
import { textOf } from "./to-text.js";

/** By the pixel's short names for a visitor's fields, those that a page gives them. */
const PAGE_NAMES = new Map([
  ["eid", "external_id_sha256"],
  ["em", "email_sha256"],
  ["ph", "phone_number_sha256"],
  ["fn", "first_name_sha256"],
  ["ln", "last_name_sha256"],
  ["co", "country"],
  ["ct", "city"],
  ["rg", "region"],
  ["pc", "postal_code"],
]);

/** The Conversions API's lists, by the names of a page and of older senders. */
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

/** Its other fields, by the names of older senders. */
const RENAMED = new Map([
  ["client_ip_address", "ip_address"],
  ["client_user_agent", "user_agent"],
]);

const APP_EVENTS = ["app_installed", "app_opened"];

/** The name of a visitor's field, of any spelling, for a person. */
export const userFieldName = (field) =>
  (PAGE_NAMES.get(field) ?? field)
    .replace(/_sha256$/, " (hashed)")
    .replaceAll("_", " ");

/** The names of the visitor's fields that came with an entry. */
export const userFieldsOf = ({ user, event }) =>
  Object.keys(asObject(asObject(user).in ?? asObject(event).user));

/** Whether a server can send it: not what the pixel says about itself, nor what could not be read. */
export const canBeSent = ({ event }) =>
  event !== null && typeof event === "object" && !isInternal(event);

/** The event as the Conversions API takes it. A server's own is brought into today's form. */
export const serverHalf = (entry) => {
  const { event } = entry;
  if (isServer(entry)) return todaysForm(event);
  const half = { type: event.type };
  const keep = (field, value) => {
    if (value !== undefined) half[field] = value;
  };
  keep("custom_event_name", event.custom_event_name);
  keep("id", event.id);
  keep("timestamp_ms", event.timestamp_ms);
  half.action_source = "web";
  keep("source_url", event.source_url);
  keep("oppref", clickOf(entry));
  const user = Object.entries(asObject(asObject(entry.user).in))
    .filter(([field]) => PAGE_NAMES.has(field))
    .map(([field, value]) => [PAGE_NAMES.get(field), value]);
  keep("user", todaysUser(user, entry.obref));
  keep("opt_out", event.opt_out);
  keep("data", event.data);
  return half;
};

/** A server's event without the names and places of an older generation. */
const todaysForm = ({ obref, ...event }) => {
  const { user } = event;
  // what is no object is none of ours to tidy up
  if (user === undefined || user === null || asObject(user) === user) {
    const today = todaysUser(Object.entries(asObject(user)), obref);
    if (today) event.user = today;
  } else if (obref !== undefined) event.obref = obref;
  const isOlderShape = [event.type, "custom"].includes(event.data?.type);
  if (APP_EVENTS.includes(event.type) && isOlderShape)
    event.data = { ...event.data, type: "customer_action" };
  return event;
};

/** The fields of a `user` by today's names; `undefined` where there are none. */
const todaysUser = (given, obref) => {
  const fields = new Map();
  for (const [field, value] of given) {
    const list = LISTS.get(field);
    if (list)
      fields.set(list, [...(fields.get(list) ?? []), ...[value].flat()]);
    else fields.set(RENAMED.get(field) ?? field, value);
  }
  if (obref !== undefined && !fields.has("obref")) fields.set("obref", obref);
  return fields.size > 0 ? Object.fromEntries(fields) : undefined;
};

/**
 * A line for a POSIX shell that sends the event's server half to the endpoint at `origin`. Whatever the event holds, the
 * shell reads it as text alone.
 */
export const curlOf = (entry, origin) => {
  const address = `${origin}/v1/events?pid=${encodeURIComponent(wellFormed(textOf(entry.pixel)))}`;
  const body = asciiJson({ events: [serverHalf(entry)] });
  return [
    `curl ${quoted(address)}`,
    `-H ${quoted("Authorization: Bearer YOUR-KEY")}`,
    `-H ${quoted("Content-Type: application/json")}`,
    // --data would read a file where the text begins with @
    `--data-raw ${quoted(body)}`,
  ].join(" \\\n  ");
};

/** Within single quotes a shell changes nothing; a single quote itself has to stand outside of them. */
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** JSON without a character that a terminal or an editor might act on; to whoever reads it, it is the same. */
const asciiJson = (value) =>
  textOf(value).replace(
    /[\u007f-\uffff]/g,
    (character) =>
      `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** A half of a surrogate pair cannot be part of an address. */
const wellFormed = (text) => text.replace(/\p{Cs}/gu, "\ufffd");
