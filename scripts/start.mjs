// npm start: builds what is out of date, and runs the collector with the demo shop and the inspector.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  buildCollector,
  buildRelay,
  ensurePixelBuilt,
} from "./ensure-built.mjs";
import { die, log, root } from "./exec.mjs";
import {
  DEMO_BACKEND_KEY,
  DEMO_PIXEL,
  startFront,
  startRelay,
  writeRelayConfig,
} from "./relay-demo.mjs";

/** With --relay: where the shop, the relay and its metrics are. */
const SHOP_PORT = 8788;
const RELAY_PORT = 8790;
const METRICS_PORT = 9790;

const args = process.argv.slice(2);
const hasRelay = args.includes("--relay");
const collectorArgs = args.filter((arg) => arg !== "--relay");
const portAt = collectorArgs.indexOf("--port");
const collectorPort = portAt < 0 ? 8787 : Number(collectorArgs[portAt + 1]);
if (hasRelay && !(collectorPort > 0))
  die(
    "--relay needs a collector with a fixed port: leave --port out, or set it to another number than 0",
  );

await ensurePixelBuilt();
log("building the collector (some minutes the first time)");
await buildCollector("--release");
if (hasRelay) {
  log("building the relay (some minutes the first time)");
  buildRelay("--release");
}

const collector = spawn(
  join(root, "target/release/oaiq-collector"),
  collectorArgs,
  { cwd: root, stdio: "inherit" },
);
collector.on("error", (error) =>
  die(`could not start the collector: ${error.message}`),
);
/** @type {import("node:child_process").ChildProcess | undefined} */
let relay;
collector.on("exit", (status, signal) => {
  relay?.kill();
  process.exit(signal ? 1 : status);
});
// The terminal sends Ctrl+C to all processes. They shut down by themselves, and this one follows.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => collector.kill(signal));

/** Resolves once the collector answers. */
const collectorAnswers = async () => {
  for (;;) {
    const isUp = await fetch(
      `http://localhost:${collectorPort}/inspector`,
    ).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return;
    await pause(100);
  }
};

if (hasRelay) {
  await collectorAnswers();
  const { server, origin } = await startFront({
    port: SHOP_PORT,
    collectorPort,
    relayPort: () => RELAY_PORT,
  }).catch((error) =>
    die(`cannot listen on port ${SHOP_PORT} for the shop: ${error.message}`),
  );
  const config = await writeRelayConfig(join(root, "target/relay-demo"), {
    origin,
    collectorPort,
    port: RELAY_PORT,
    metricsPort: METRICS_PORT,
  });
  ({ relay } = await startRelay(join(root, "target/release/oaiq-relay"), [
    "serve",
    "--config",
    config,
  ]).catch((error) => die(`could not start the relay: ${error.message}`)));
  once(relay, "exit").then(() => {
    server.close();
    collector.kill();
  });
  console.log(`
Shop through the relay       ${origin}/shop/?oppref=demo-click-1
Relay's script               ${origin}/oaiq/oaiq.min.js
Relay's configuration        ${config}
Relay's metrics              http://localhost:${METRICS_PORT}/metrics

The shop's server reports an order without its click, which the relay adds:

  curl '${origin}/oaiq/v1/events?pid=${DEMO_PIXEL}' -H 'Authorization: Bearer ${DEMO_BACKEND_KEY}' \\
    -d '{"events":[{"type":"order_created","id":"THE-ORDER-ID","timestamp_ms":'$(date +%s)000',
         "action_source":"web","source_url":"${origin}/shop/","data":{"type":"contents","amount":2599,"currency":"EUR"}}]}'
`);
}
