// A visitor's journey through a site with a relay: ad click, consent, three pages, an order, and a lead that is paid two days
// later. The programs are real ones; libfaketime moves their clocks.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { root } from "../../../scripts/exec.mjs";
import {
  DEMO_BACKEND_KEY,
  DEMO_PIXEL,
  startFront,
  startRelay,
  writeRelayConfig,
} from "../../../scripts/relay-demo.mjs";
import { readDist, waitUntil } from "./browser.mjs";

const CLICK = "click-of-the-ad";
const USER_AGENT = /^Mozilla\/5\.0/;
const EMAIL_HASH =
  "81f8f6dde88365f3928796ec7aa53f72820b06db8664f5fe76a7eb13e24546a2";

const SNIPPET = `<!doctype html><title>Shop</title>
  <script>
    window.oaiq = function () { oaiq.q.push(arguments); };
    oaiq.q = [];
    oaiq("init", { pixelId: "${DEMO_PIXEL}", user: { external_id_sha256: "${"ab".repeat(32)}", email_sha256: "${EMAIL_HASH}" } });
    oaiq("measure", "page_viewed", { type: "contents" });
  </script>
  <script async src="/oaiq/oaiq.min.js" data-oaiq-relay data-oaiq-consent="pending"></script>`;

/**
 * Starts a program whose clock is `days` behind.
 *
 * @param {number} days
 * @param {string} program
 * @param {string[]} args
 * @returns {[program: string, args: string[], options: import("node:child_process").SpawnOptions]}
 */
const behind = (days, program, args) =>
  days === 0
    ? [program, args, { detached: true }]
    : [
        "faketime",
        ["-f", `-${days}d`, program, ...args],
        // its timers must not be late by two days
        {
          detached: true,
          env: { ...process.env, FAKETIME_DONT_FAKE_MONOTONIC: "1" },
        },
      ];

/**
 * @param {import("node:test").TestContext} t
 * @param {(url: string) => Promise<{ goto: (url: string) => Promise<unknown>, evaluate: (script: string) => Promise<any> }>} openPage
 */
export const playJourney = async (t, openPage) => {
  await readDist();
  const folder = await mkdtemp(join(tmpdir(), "oaiq-journey-"));
  t.after(() => rm(folder, { recursive: true }));
  /** @type {import("node:child_process").ChildProcess[]} */
  let running = [];
  const stop = async () => {
    for (const program of running.reverse()) {
      const hasClosed = once(program, "close");
      // the whole group: faketime starts the program as a child, whose output ends with it
      process.kill(-Number(program.pid), "SIGTERM");
      await hasClosed;
    }
    running = [];
  };
  t.after(stop);

  let collectorPort = 0;
  let relayPort = 0;
  /** @param {number} days */
  const start = async (days) => {
    const [program, args, options] = behind(
      days,
      join(root, "target/debug/oaiq-collector"),
      [
        "--port",
        String(collectorPort),
        "--data",
        join(folder, "events.sqlite"),
      ],
    );
    const collector = spawn(program, args, {
      ...options,
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    });
    running.push(collector);
    for await (const line of createInterface(
      /** @type {import("node:stream").Readable} */ (collector.stdout),
    )) {
      const [, port] = /http:\/\/localhost:(\d+)\/inspector/.exec(line) ?? [];
      if (port) {
        collectorPort = Number(port);
        break;
      }
    }
    const config = await writeRelayConfig(folder, {
      origin: front?.origin ?? "http://localhost",
      collectorPort,
      port: relayPort,
      hold: "3s",
    });
    const started = await startRelay(
      ...behind(days, join(root, "target/debug/oaiq-relay"), [
        "serve",
        "--config",
        config,
      ]),
    );
    running.push(started.relay);
    relayPort = started.port;
  };
  /** @type {Awaited<ReturnType<typeof startFront>> | undefined} */
  let front;
  front = await startFront({
    port: 0,
    collectorPort: 0,
    relayPort: () => relayPort,
    page: (path) => (path.startsWith("/oaiq/") ? undefined : SNIPPET),
  });
  const { origin, server } = front;
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await start(2);

  /** @param {Record<string, unknown>} event */
  const fromBackend = async (event) => {
    const response = await fetch(`${origin}/oaiq/v1/events?pid=${DEMO_PIXEL}`, {
      method: "POST",
      headers: { authorization: `Bearer ${DEMO_BACKEND_KEY}` },
      body: JSON.stringify({
        events: [{ action_source: "web", source_url: `${origin}/`, ...event }],
      }),
    });
    assert.deepEqual(
      [response.status, await response.json()],
      [200, { accepted_events: 1 }],
    );
  };
  /** @returns {Promise<Record<string, any>[]>} */
  const entries = async () => {
    const response = await fetch(
      `http://localhost:${collectorPort}/events.json`,
    );
    return /** @type {any} */ (await response.json()).events;
  };
  /** @param {string} id */
  const counted = async (id) => {
    /** @type {Record<string, any>[]} */
    let found = [];
    await waitUntil(`${id} in the collector`, async () => {
      found = (await entries()).filter(({ event }) => event?.id === id);
      return found.length > 0;
    });
    return found;
  };

  const page = await openPage(`${origin}/?oppref=${CLICK}`);
  assert.deepEqual(await entries(), [], "nothing before consent");
  for (const [i, path] of ["", "products", "cart"].entries()) {
    if (path) await page.goto(`${origin}/${path}`);
    // as a consent manager does on each page
    await page.evaluate(`oaiq("consent", true)`);
    await waitUntil(
      `page view ${i + 1}`,
      async () => (await entries()).length === i + 1,
    );
  }
  await page.evaluate(
    `oaiq("measure", "lead_created", { type: "customer_action" }, { event_id: "lead-1" })`,
  );
  await page.evaluate(
    `oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR" }, { event_id: "order-1" })`,
  );
  const twoDaysAgo = Date.now() - 2 * 86_400_000;
  await fromBackend({
    id: "order-1",
    type: "order_created",
    timestamp_ms: twoDaysAgo,
    data: {
      type: "contents",
      amount: 2599,
      currency: "EUR",
      contents: [{ id: "vase", quantity: 1 }],
    },
  });
  const order = await counted("order-1");
  const lead = await counted("lead-1");

  await stop();
  await start(0);
  // sales has won the customer of the lead, whom it knows by the email address
  await fromBackend({
    id: "contract-1",
    type: "subscription_created",
    timestamp_ms: Date.now(),
    data: { type: "plan_enrollment", amount: 9900, currency: "EUR" },
    user: { emails_sha256: [EMAIL_HASH] },
  });
  const contract = await counted("contract-1");

  for (const [entry, ...others] of [order, lead, contract]) {
    assert.deepEqual(others, []);
    assert.equal(entry.verdict, "counted", JSON.stringify(entry));
    assert.equal(entry.integration_source, "oaiq-relay");
    assert.equal(entry.event.oppref, CLICK);
    assert.match(entry.event.user.user_agent, USER_AGENT);
    assert.match(entry.event.user.ip_address, /^(127\.0\.0\.1|::1)$/);
  }
  assert.equal(order[0].relay, "both");
  assert.deepEqual(order[0].event.data.contents, [{ id: "vase", quantity: 1 }]);
  assert.equal(lead[0].relay, "browser");
  assert.equal(contract[0].relay, "backend+email");
  return {
    inspector: `http://localhost:${collectorPort}/inspector`,
    orderSeq: /** @type {number} */ (order[0].seq),
  };
};
