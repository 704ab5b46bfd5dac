/** What an event is called and what sort it is. All of it takes whatever a page may have sent. */
import { textOf } from "./text.js";

/** What the pixel says about itself; never a conversion. */
export const isInternal = (event) =>
  /^(openai|oai)::/.test(textOf(event?.type));

export const isDiagnostic = (event) => event?.type === "oai::diagnostic";

export const isStart = (event) => event?.type === "openai::sdk_init";

/** "standard", "custom", or "internal". */
export const kindOf = (event) => {
  if (isInternal(event)) return "internal";
  return event?.type === "custom" ? "custom" : "standard";
};

/** The name by which a person knows the event. */
export const nameOf = (event) => {
  if (isStart(event)) return "pixel started";
  if (isDiagnostic(event)) return "diagnostic";
  if (!event) return "whole request";
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
  return textOf([pixel, event.custom_event_name ?? event.type, event.id]);
};

export const isServer = ({ transport }) => transport === "server";

/** The click reference: a server's event brings its own, a batch shares one. */
export const clickOf = ({ oppref, event }) =>
  filled(oppref) ?? filled(event?.oppref);

/** The browser reference. */
export const browserOf = ({ obref, event }) =>
  filled(obref) ?? filled(event?.obref);

const filled = (value) =>
  typeof value === "string" && value !== "" ? value : undefined;

/** When it happened, in ms since the epoch; where it does not say so, when it arrived. */
export const timeOf = ({ event, received_ms: received }) =>
  Number.isFinite(event?.timestamp_ms) ? event.timestamp_ms : received;
