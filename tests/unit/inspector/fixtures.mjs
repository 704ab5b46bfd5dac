// Entries as the collector lists them, for the tests of what the inspector makes of them.

export const NOW = Date.UTC(2026, 10, 25, 12);

let seq = 0;

/** An entry of an event that the browser has sent and that counts; `over` replaces its parts, `event` those of its event. */
export const entry = ({ event = {}, ...over } = {}) => {
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
    ...over,
    event:
      event === null
        ? null
        : {
            type: "order_created",
            timestamp_ms: NOW,
            id: `id-${seq}`,
            source_url: "https://shop.example.test/thanks",
            data: { type: "contents", amount: 2599, currency: "USD" },
            ...event,
          },
  };
};

/** The same from a server: it has no browser reference of its own. */
export const serverEntry = ({ event, ...over } = {}) =>
  entry({
    transport: "server",
    obref: undefined,
    stripped: true,
    ...over,
    event: { action_source: "web", ...event },
  });

export const start = (over = {}) =>
  entry({
    verdict: "internal",
    ...over,
    event: {
      type: "openai::sdk_init",
      data: { type: "sdk_lifecycle" },
      ...over.event,
    },
  });

/** A diagnostic, which names no page. */
export const diagnostic = (data, over = {}) =>
  entry({
    verdict: "internal",
    stripped: true,
    obref: undefined,
    ...over,
    event: {
      type: "oai::diagnostic",
      source_url: undefined,
      data: { type: "diagnostic", dropped_event_count: 0, ...data },
    },
  });

/** As they are listed. */
export const newestFirst = (...entries) => [...entries].reverse();
