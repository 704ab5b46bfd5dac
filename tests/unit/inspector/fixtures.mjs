// Event records as the collector lists them.
/** @import { EventRecord, SentEvent } from "../../../www/inspector/model/types.d.ts" */

export const NOW = Date.UTC(2026, 10, 25, 12);

let seq = 0;

/**
 * @typedef {Omit<Partial<EventRecord>, "event">} RecordFields
 * @typedef {EventRecord & { event: SentEvent }} ReadableRecord
 */

/**
 * A browser event that counts, with these fields in place of its own.
 *
 * @param {RecordFields & { event?: SentEvent }} [fields]
 * @returns {ReadableRecord}
 */
export const entry = ({ event, ...fields } = {}) => {
  seq += 1;
  return {
    seq,
    batch: seq,
    received_ms: NOW + 1000,
    pixel: "PIXEL-ONE",
    transport: "fetch",
    bytes: 300,
    batch_size: 1,
    stripped: false,
    obref: "11111111-1111-4111-8111-111111111111",
    verdict: "counted",
    status: 202,
    ...fields,
    event: {
      type: "order_created",
      timestamp_ms: NOW,
      id: `id-${seq}`,
      source_url: "https://shop.example.test/thanks",
      data: { type: "contents", amount: 2599, currency: "USD" },
      ...event,
    },
  };
};

/**
 * A request that could not be read.
 *
 * @param {RecordFields} [fields]
 * @returns {EventRecord}
 */
export const unreadableEntry = (fields) => ({ ...entry(fields), event: null });

/**
 * The same event from a server, without a browser ID.
 *
 * @param {RecordFields & { event?: SentEvent }} [fields]
 */
export const serverEntry = ({ event, ...fields } = {}) =>
  entry({
    transport: "server",
    obref: undefined,
    stripped: true,
    ...fields,
    event: { action_source: "web", ...event },
  });

/** @param {RecordFields & { event?: SentEvent }} [fields] */
export const initEntry = ({ event, ...fields } = {}) =>
  entry({
    verdict: "internal",
    ...fields,
    event: {
      type: "openai::sdk_init",
      data: { type: "sdk_lifecycle" },
      ...event,
    },
  });

/**
 * A diagnostic, which names no page.
 *
 * @param {Record<string, unknown>} data
 * @param {RecordFields & { event?: SentEvent }} [fields]
 */
export const diagnosticEntry = (data, { event, ...fields } = {}) =>
  entry({
    verdict: "internal",
    stripped: true,
    obref: undefined,
    ...fields,
    event: {
      type: "oai::diagnostic",
      source_url: undefined,
      data: { type: "diagnostic", dropped_event_count: 0, ...data },
      ...event,
    },
  });

/**
 * The order in which the collector lists records.
 *
 * @param {...EventRecord} entries oldest first
 */
export const newestFirst = (...entries) => [...entries].reverse();
