// npm run load: how much the collector takes, from a process of its own, and what a kill -9 loses of it.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writeFigures } from "./write-figures.mjs";
import { fail, root, run, say } from "./exec.mjs";
import { rust } from "./setup.mjs";

const USAGE = `npm run load [-- OPTIONS]
  --seconds N      how long (60)
  --rate N         batches a second; 0 is as many as go (2500)
  --connections N  connections at once (16)
  --write          writes its table into docs/figures.md`;

const options = () => {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: "string", default: "60" },
        rate: { type: "string", default: "2500" },
        connections: { type: "string", default: "16" },
        write: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return values;
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
};

const { seconds, rate, connections, write: writes, help } = options();
if (help) {
  console.log(USAGE);
  process.exit();
}
rust();
say("building the collector and what loads it");
run("cargo", [
  "build",
  "--quiet",
  "--locked",
  "--release",
  "--package=oaiq-collector",
  "--bins",
  "--example=load",
]);
say(`${rate === "0" ? "as many" : rate} batches a second for ${seconds} s`);
const { status, stdout } = spawnSync(
  join(root, "target/release/examples/load"),
  [`--seconds=${seconds}`, `--rate=${rate}`, `--connections=${connections}`],
  { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
);
console.log(stdout);
if (status !== 0) fail("a bar is not reached, or it could not be measured");
if (writes) {
  const date = new Date().toISOString().slice(0, 10);
  writeFigures(
    "load",
    `By \`npm run load\` on ${date}, ${connections} connections, ${cpus().length} cores for both:\n\n${stdout.trim()}`,
  );
}
