/** What an event is called and what sort it is. All of it takes whatever a page may have sent. */
import { textOf } from "./to-text.js";

/** Pixel status, not a conversion. */
export const isInternal = (event) =>
  /^(openai|oai)::/.test(textOf(event?.type));

export const isDiagnostic = (event) => event?.type === "oai::diagnostic";

export const isStart = (event) => event?.type === "openai::sdk_init";

/** "standard", "custom", or "internal". */
export const kindOf = (event) => {
  if (isInternal(event)) return "internal";
  return event?.type === "custom" ? "custom" : "standard";
};

/** Events that happen once for an order, a contract or a person: seen again, they are the same one. */
export const HAPPENS_ONCE = new Set([
  "order_created",
  "subscription_created",
  "trial_started",
  "registration_completed",
  "lead_created",
  "appointment_scheduled",
]);

/** Whether an id is a v4 UUID, as the pixel generates where a call has no `event_id`. */
export const isGeneratedId = (id) =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(
    textOf(id),
  );

/** The name by which a person knows the event. */
export const nameOf = (event) => {
  if (isStart(event)) return "pixel started";
  if (isDiagnostic(event)) return "diagnostic";
  if (!event) return "unreadable request";
  const name = event.custom_event_name ?? event.type;
  return name === undefined ? "no name" : textOf(name);
};

/** An object, whatever came in its place. */
export const asObject = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? value
    : {};

export const dataOf = (event) => asObject(event?.data);

/**
 * What OpenAI counts once: pixel, name and id, as one text. Undefined for what is no conversion, or has no id to be
 * known by.
 */
export const keyOf = ({ pixel, event }) => {
  if (!event || isInternal(event) || typeof event.id !== "string")
    return undefined;
  const own = event.custom_event_name;
  // the API lowercases a custom event's own name
  const name = own === undefined ? event.type : textOf(own).toLowerCase();
  return textOf([pixel, name, event.id]);
};

export const isServer = ({ transport }) => transport === "server";

/** The click ID: a server's event brings its own, a batch shares one. */
export const clickOf = ({ oppref, event }) =>
  filled(oppref) ?? filled(event?.oppref);

/** The browser ID; the Conversions API has it inside `user`. */
export const browserOf = ({ obref, event }) =>
  filled(obref) ?? filled(event?.obref) ?? filled(asObject(event?.user).obref);

const filled = (value) =>
  typeof value === "string" && value !== "" ? value : undefined;

/** When it happened, in ms since the epoch; where it does not say so, when it arrived. */
export const timeOf = ({ event, received_ms: received }) =>
  Number.isFinite(event?.timestamp_ms) ? event.timestamp_ms : received;
