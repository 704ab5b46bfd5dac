// Starts the collector, and sends events to it as a pixel and as a server do.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { buildCollector } from "../../../scripts/ensure-built.mjs";
import { root } from "../../../scripts/exec.mjs";
import { readDist } from "./browser.mjs";

/**
 * @typedef {Record<string, any>} Entry an element of `events` in /events.json
 * @typedef {Record<string, any>} EventJson
 */

const INSPECTOR = join(root, "target/inspector/index.html");
const PROGRAM = join(root, "target/debug/oaiq-collector");
const TIMEOUT_MS = 60_000;

/**
 * Starts a collector with an empty database on a free port, which runs until the test `t` ends.
 *
 * @param {import("node:test").TestContext} t
 * @param {string[]} options of its command line
 */
export const startCollector = async (t, ...options) => {
  await readDist();
  if (![INSPECTOR, PROGRAM].every(existsSync)) await buildCollector();
  const folder = await mkdtemp(join(tmpdir(), "oaiq-collector-"));
  const program = spawn(
    PROGRAM,
    ["--port", "0", "--data", join(folder, "events.sqlite"), ...options],
    { cwd: root, stdio: ["ignore", "pipe", "ignore"] },
  );
  t.after(async () => {
    program.kill();
    if (program.exitCode === null) await once(program, "exit");
    await rm(folder, { recursive: true });
  });
  for await (const line of createInterface(program.stdout)) {
    const [, origin] = /(http:\/\/localhost:\d+)\/inspector/.exec(line) ?? [];
    if (origin) return new Collector(origin);
  }
  throw new Error("the collector did not print its URL");
};

class Collector {
  /** @param {string} origin */
  constructor(origin) {
    this.origin = origin;
  }

  /**
   * The recorded events, newest first.
   *
   * @returns {Promise<Entry[]>}
   */
  async entries() {
    const response = await fetch(`${this.origin}/events.json`);
    const { events } = /** @type {{events: Entry[]}} */ (await response.json());
    return events;
  }

  /**
   * Resolves with the recorded events once `isMet(entries)`.
   *
   * @param {string} what for the message of a test that has timed out
   * @param {(entries: Entry[]) => unknown} isMet
   */
  async waitFor(what, isMet) {
    const end = Date.now() + TIMEOUT_MS;
    for (;;) {
      const entries = await this.entries();
      if (isMet(entries)) return entries;
      if (Date.now() > end)
        throw new Error(
          `timed out waiting for ${what}; recorded ${entries.map(({ event }) => event?.type)}`,
        );
      await pause(100);
    }
  }

  /**
   * Sends events as a pixel does.
   *
   * @param {unknown[]} events also what is no event
   * @param {{pixel?: string} & Record<string, unknown>} [more] members of the body
   */
  async sendBatch(events, { pixel = "TEST-PIXEL", ...more } = {}) {
    const query = new URLSearchParams({
      pid: pixel,
      st: "oaiq-web",
      sv: "0.1.41",
      t: String(Date.now()),
      ec: String(events.length),
    });
    return fetch(`${this.origin}/v1/sdk/events?${query}`, {
      method: "POST",
      headers: { "content-type": "text/plain" },
      body: JSON.stringify({
        obref: "11111111-1111-4111-8111-111111111111",
        events,
        ...more,
      }),
    });
  }

  /**
   * Sends events as a server does.
   *
   * @param {EventJson[]} events
   * @param {{pixel?: string} & Record<string, unknown>} [more] members of the body
   */
  async sendFromServer(events, { pixel = "TEST-PIXEL", ...more } = {}) {
    return fetch(`${this.origin}/v1/events?pid=${encodeURIComponent(pixel)}`, {
      method: "POST",
      headers: {
        authorization: "Bearer test-key",
        "content-type": "application/json",
      },
      body: JSON.stringify({ ...more, events }),
    });
  }
}

let lastId = 0;

/** An order as a pixel sends it. */
export const orderEvent = (
  id = `order-${(lastId += 1)}`,
  /** @type {EventJson} */ more = {},
) => ({
  type: "order_created",
  timestamp_ms: Date.now(),
  id,
  source_url: "https://shop.example.test/thanks",
  data: { type: "contents", amount: 2599, currency: "USD" },
  ...more,
});

/**
 * The same as a server sends it.
 *
 * @param {string} [id]
 * @param {EventJson} [more]
 */
export const serverOrderEvent = (id, more = {}) => ({
  ...orderEvent(id),
  action_source: "web",
  ...more,
});

/** The diagnostic that a pixel sends for an order that it rejected. */
export const rejectionDiagnostic = () => ({
  type: "oai::diagnostic",
  timestamp_ms: Date.now(),
  id: `diagnostic-${(lastId += 1)}`,
  data: {
    type: "diagnostic",
    schema_version: 2,
    dropped_event_count: 1,
    dropped_event_reason_counts: { invalid_event_props: 1 },
    dropped_event_name_counts: { order_created: 1 },
    dropped_event_phase_counts: { after_init: 1 },
    dropped_event_details: [
      {
        reason: "invalid_event_props",
        code: "invalid_amount",
        field: "data.amount",
        count: 1,
      },
    ],
  },
});

/**
 * Orders the contents of the demo shop's cart, from its checkout page.
 *
 * @param {import("playwright-core").Page} page
 * @returns {Promise<string | null>} the order number
 */
export const checkout = async (page, email = "jane@example.com") => {
  for (const [field, value] of [
    ["name", "Jane Doe"],
    ["email", email],
    ["street", "Harbour 1"],
    ["postcode", "26757"],
    ["city", "Borkum"],
  ])
    await page.fill(`#${field}`, value);
  await page.click("#place-order");
  return page.textContent("#order-number:not(:empty)");
};

/** @param {Promise<Response>} response */
export const assertAccepted = async (response) => {
  const { status } = await response;
  assert.ok(status < 300, `status ${status}`);
};
