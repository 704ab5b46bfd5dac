// The collector as a program, and those who send to it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { buildInspector } from "../../../scripts/build-inspector.mjs";
import { root, run } from "../../../scripts/exec.mjs";
import { pixelFiles } from "./browser.mjs";

const PROGRAM = join(root, "target/debug/oaiq-collector");
const PATIENCE_MS = 60_000;

/** Starts one on a free port, which knows nothing yet, until the test `t` ends. */
export const startCollector = async (t, ...options) => {
  await pixelFiles();
  if (!existsSync(join(root, "target/inspector/index.html")))
    await buildInspector();
  if (!existsSync(PROGRAM))
    run("cargo", [
      "build",
      "--quiet",
      "--locked",
      "--package",
      "oaiq-collector",
    ]);
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
  throw new Error("the collector did not say where it listens");
};

class Collector {
  constructor(origin) {
    this.origin = origin;
  }

  /** What it has, newest first. */
  async entries() {
    const answer = await fetch(`${this.origin}/events.json`);
    return (await answer.json()).events;
  }

  /** Resolves with what it has once that holds of it. */
  async until(what, holds) {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const entries = await this.entries();
      if (holds(entries)) return entries;
      if (Date.now() > end)
        throw new Error(
          `${what} did not come; what came was ${entries.map(({ event }) => event?.type)}`,
        );
      await pause(100);
    }
  }

  /** Sends events as a pixel does. */
  async sendBatch(events, { pixel = "TEST-PIXEL", ...identity } = {}) {
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
        ...identity,
      }),
    });
  }

  /** Sends events as a server does. */
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

let made = 0;

/** An order as a pixel sends it. */
export const order = (id = `order-${(made += 1)}`, more = {}) => ({
  type: "order_created",
  timestamp_ms: Date.now(),
  id,
  source_url: "https://shop.example.test/thanks",
  data: { type: "contents", amount: 2599, currency: "USD" },
  ...more,
});

/** The same as a server sends it. */
export const serverOrder = (id, more = {}) => ({
  ...order(id),
  action_source: "web",
  ...more,
});

/** The diagnostic of an order that the pixel has refused on a page. */
export const refusedCall = () => ({
  type: "oai::diagnostic",
  timestamp_ms: Date.now(),
  id: `diagnostic-${(made += 1)}`,
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

/** Places the order for what is in the shop's cart, from its checkout. */
export const placeOrder = async (page, email = "jane@example.com") => {
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

/** Asserts that it was taken. */
export const taken = async (answer) => {
  const { status } = await answer;
  assert.ok(status < 300, `answered ${status}`);
};
