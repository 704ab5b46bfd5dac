/** An event as the request by which a server sends its half. */
import { asObject, clickOf, isInternal, isServer } from "./event.js";
import { textOf } from "./text.js";

/** By the pixel's short names for a visitor's fields, what the Conversions API calls them. */
const USER_FIELDS = new Map([
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

/** The name of a visitor's field, of either spelling, for a person. */
export const userFieldName = (field) =>
  (USER_FIELDS.get(field) ?? field)
    .replace(/_sha256$/, " (hashed)")
    .replaceAll("_", " ");

/** The names of the visitor's fields that came with an entry. */
export const userFieldsOf = ({ user, event }) =>
  Object.keys(asObject(asObject(user).in ?? asObject(event).user));

/** Whether a server can send it: not what the pixel says about itself, nor what could not be read. */
export const canBeSent = ({ event }) =>
  event !== null && typeof event === "object" && !isInternal(event);

/** The event as the Conversions API takes it; a server's own as it was. */
export const serverHalf = (entry) => {
  const { event } = entry;
  if (isServer(entry)) return event;
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
  keep("user", serverUser(entry.user));
  keep("opt_out", event.opt_out);
  keep("data", event.data);
  return half;
};

/** The API takes lists: a visitor may have several addresses. */
const serverUser = (user) => {
  const fields = Object.entries(asObject(asObject(user).in))
    .filter(([field]) => USER_FIELDS.has(field))
    .map(([field, value]) => [USER_FIELDS.get(field), [value]]);
  return fields.length > 0 ? Object.fromEntries(fields) : undefined;
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
