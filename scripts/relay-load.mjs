// npm run relay:load: measures the relay's throughput, with and without its store, and what a kill -9 loses.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { die, log, root, run } from "./exec.mjs";
import { parseOptions } from "./options.mjs";
import { installNodePackages, requireRust } from "./setup.mjs";
import { writeSection } from "./write-figures.mjs";

const USAGE = `npm run relay:load [-- OPTIONS]
Sends batches to a relay that delivers to a collector, and checks that all of them are on disk. Then compares it with the same
server without a store, in turns. Needs Linux. Run nothing else at the same time.
  --seconds N      duration at the steady rate, and of the comparison (default: 60)
  --rate N         batches per second (default: 2000)
  --connections N  concurrent connections (default: 64)
  --write          write the table into docs/figures.md`;

const {
  values: { seconds, rate, connections, write },
} = parseOptions(USAGE, {
  seconds: { type: "string", default: "60" },
  rate: { type: "string", default: "2000" },
  connections: { type: "string", default: "64" },
  write: { type: "boolean" },
});
// prettier formats the table
if (write) installNodePackages();
requireRust();
log("building the relay, the collector and the load generator");
run("cargo", [
  "build",
  "--quiet",
  "--locked",
  "--release",
  "--package=oaiq-relay",
  "--package=oaiq-collector",
  "--bins",
  "--example=relay_load",
  "--example=without_store",
]);
log(
  `${rate} batches per second for ${seconds} s, then as many as possible for ${seconds} s`,
);
const { status, stdout } = spawnSync(
  join(root, "target/release/examples/relay_load"),
  [`--seconds=${seconds}`, `--rate=${rate}`, `--connections=${connections}`],
  { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
);
console.log(stdout);
if (write && stdout) {
  const date = new Date().toISOString().slice(0, 10);
  writeSection(
    "relay-load",
    `By \`npm run relay:load\` on ${date}, ${connections} connections, ${cpus().length} cores for all processes:\n\n${stdout.trim()}`,
  );
}
if (status !== 0) die("a limit was not met, or the measurement failed");
