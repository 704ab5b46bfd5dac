// npm run load: measures the collector's throughput, and what a kill -9 loses.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { die, log, root, run } from "./exec.mjs";
import { parseOptions } from "./options.mjs";
import { installNodePackages, requireRust } from "./setup.mjs";
import { writeSection } from "./write-figures.mjs";

const USAGE = `npm run load [-- OPTIONS]
Sends batches to a collector, and checks that it stores all of them.
  --seconds N      duration (default: 60)
  --rate N         batches per second; 0 for as many as possible (default: 2500)
  --connections N  concurrent connections (default: 16)
  --write          write the table into docs/figures.md`;

const {
  values: { seconds, rate, connections, write },
} = parseOptions(USAGE, {
  seconds: { type: "string", default: "60" },
  rate: { type: "string", default: "2500" },
  connections: { type: "string", default: "16" },
  write: { type: "boolean" },
});
// prettier formats the table
if (write) installNodePackages();
requireRust();
log("building the collector and the load generator");
run("cargo", [
  "build",
  "--quiet",
  "--locked",
  "--release",
  "--package=oaiq-collector",
  "--bins",
  "--example=load",
]);
log(
  `${rate === "0" ? "as many batches as possible" : `${rate} batches per second`} for ${seconds} s`,
);
const { status, stdout } = spawnSync(
  join(root, "target/release/examples/load"),
  [`--seconds=${seconds}`, `--rate=${rate}`, `--connections=${connections}`],
  { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
);
console.log(stdout);
if (status !== 0) die("a limit was not met, or the measurement failed");
if (write) {
  const date = new Date().toISOString().slice(0, 10);
  writeSection(
    "load",
    `By \`npm run load\` on ${date}, ${connections} connections, ${cpus().length} cores for both:\n\n${stdout.trim()}`,
  );
}
