// Events and batches as the pixel sends them.
import { createHash } from "node:crypto";

/** @param {string} text */
export const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/**
 * An order.
 *
 * @param {string} id
 * @param {object} [more]
 */
export const order = (id, more) => ({
  type: "order_created",
  timestamp_ms: Date.now(),
  id,
  source_url: "https://shop.example/thanks",
  data: {
    type: "contents",
    amount: 5198,
    currency: "EUR",
    contents: [
      {
        id: "tide-mug",
        name: "Tide mug",
        content_type: "product",
        quantity: 2,
      },
    ],
  },
  ...more,
});

/**
 * A batch of a visitor with a click.
 *
 * @param {string} visitor
 * @param {object[]} events
 */
export const batchOf = (visitor, events) => ({
  obref: `obref-${visitor}`,
  oppref: `click-${visitor}`,
  events,
  user: { in: { em: sha256(visitor), co: "DE" } },
});
