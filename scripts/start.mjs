// npm start: builds what is out of date, and runs the collector with the demo shop and the inspector.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { buildCollector, ensurePixelBuilt } from "./ensure-built.mjs";
import { die, log, root } from "./exec.mjs";

await ensurePixelBuilt();
log("building the collector (some minutes the first time)");
await buildCollector("--release");

const collector = spawn(
  join(root, "target/release/oaiq-collector"),
  process.argv.slice(2),
  { cwd: root, stdio: "inherit" },
);
collector.on("error", (error) =>
  die(`could not start the collector: ${error.message}`),
);
collector.on("exit", (status, signal) => process.exit(signal ? 1 : status));
// The terminal sends Ctrl+C to both processes. The collector shuts down by itself, and this one follows.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
  process.on(signal, () => collector.kill(signal));
