/** Names, kinds and identifiers of an event. All functions take whatever a page may have sent. */
/** @import { EventRecord, SentEvent } from "./types.d.ts" */
import { toText } from "./to-text.js";

/**
 * Whether it is pixel status and not a conversion.
 *
 * @param {SentEvent | null | undefined} event
 */
export const isInternal = (event) =>
  /^(openai|oai)::/.test(toText(event?.type));

/** @param {SentEvent | null | undefined} event */
export const isDiagnostic = (event) => event?.type === "oai::diagnostic";

/** @param {SentEvent | null | undefined} event */
export const isInit = (event) => event?.type === "openai::sdk_init";

/** @param {SentEvent | null | undefined} event */
export const isPageView = (event) => event?.type === "page_viewed";

/** @param {SentEvent | null | undefined} event */
export const kindOf = (event) => {
  if (isInternal(event)) return "internal";
  return event?.type === "custom" ? "custom" : "standard";
};

/**
 * Whether an id is a v4 UUID, as the pixel generates for calls without `event_id`.
 *
 * @param {unknown} id
 */
export const isGeneratedId = (id) =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(
    toText(id),
  );

/**
 * The name that the inspector shows.
 *
 * @param {SentEvent | null | undefined} event
 */
export const displayName = (event) => {
  if (isInit(event)) return "pixel started";
  if (isDiagnostic(event)) return "diagnostic";
  if (!event) return "unreadable request";
  const name = event.custom_event_name ?? event.type;
  return name === undefined ? "no name" : toText(name);
};

/**
 * The value if it is an object, else an empty one.
 *
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export const asObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? /** @type {Record<string, unknown>} */ (value)
    : {};

/** @param {SentEvent | null | undefined} event */
export const dataOf = (event) => asObject(event?.data);

/**
 * What OpenAI deduplicates by, as one text: pixel, name and id. Undefined for events that are no conversions or have no
 * id.
 *
 * @param {EventRecord} entry
 */
export const dedupKeyOf = ({ pixel, event }) => {
  if (!event || isInternal(event) || typeof event.id !== "string")
    return undefined;
  // only a custom event has its own name, which OpenAI lowercases
  const name =
    event.type === "custom" && event.custom_event_name !== undefined
      ? toText(event.custom_event_name).toLowerCase()
      : event.type;
  return toText([pixel, name, event.id]);
};

/** @param {EventRecord} entry */
export const isServer = ({ transport }) => transport === "server";

/**
 * The user data: a pixel sends it with the request, a server in the event.
 *
 * @param {EventRecord} entry
 */
export const userOf = ({ user, event }) =>
  asObject(asObject(user).in ?? asObject(event).user);

/**
 * The values of these user fields, in lower case. A server may send a list in place of a value.
 *
 * @param {Record<string, unknown>} user
 * @param {string[]} names
 */
export const userValues = (user, names) =>
  names
    .flatMap((name) => user[name] ?? [])
    .map((value) => toText(value).toLowerCase());

/**
 * The click ID: a pixel sends it with the request, a server in the event.
 *
 * @param {EventRecord} entry
 */
export const clickIdOf = ({ oppref, event }) =>
  nonEmpty(oppref) ?? nonEmpty(event?.oppref);

/**
 * The browser ID. The Conversions API has it in `user`.
 *
 * @param {EventRecord} entry
 */
export const browserIdOf = ({ obref, event }) =>
  nonEmpty(obref) ??
  nonEmpty(event?.obref) ??
  nonEmpty(asObject(event?.user).obref);

/**
 * @param {unknown} value
 * @returns {string | undefined}
 */
const nonEmpty = (value) =>
  typeof value === "string" && value !== "" ? value : undefined;

/**
 * When it happened, in ms since the epoch; when it arrived, if the event has no time.
 *
 * @param {EventRecord} entry
 * @returns {number}
 */
export const timeOf = ({ event, received_ms: received }) => {
  const time = event?.timestamp_ms;
  return typeof time === "number" && Number.isFinite(time) ? time : received;
};

/**
 * Whether a browser measured it, so that it is neither pixel status nor a server's event.
 *
 * @param {EventRecord} entry
 * @returns {entry is EventRecord & { event: SentEvent }}
 */
export const isFromBrowser = (entry) => isMeasured(entry) && !isServer(entry);

/**
 * Whether a browser or a server measured it, so that it is not pixel status.
 *
 * @param {EventRecord} entry
 * @returns {entry is EventRecord & { event: SentEvent }}
 */
export const isMeasured = (entry) =>
  Boolean(entry.event) && !isInternal(entry.event);
