// npm start: builds what is missing or out of date, and serves the demo shop and the inspector.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { builtCollector, builtPixel } from "./built.mjs";
import { fail, root, say } from "./exec.mjs";

await builtPixel();
say("building the collector (some minutes the first time)");
await builtCollector("--release");

const collector = spawn(
  join(root, "target/release/oaiq-collector"),
  process.argv.slice(2),
  {
    cwd: root,
    stdio: "inherit",
  },
);
collector.on("error", (error) =>
  fail(`the collector could not be started: ${error.message}`),
);
collector.on("exit", (status, signal) => process.exit(signal ? 1 : status));
// the terminal's Ctrl+C reaches both; the collector then ends by itself
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => collector.kill(signal));
