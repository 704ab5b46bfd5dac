// npm run relay:soak: plays faults to a relay between load and a collector, and accounts for each event.
import { join } from "node:path";
import {
  formatTable,
  runScenario,
  SCENARIOS,
} from "../tests/relay-soak/run.mjs";
import { cargoBuild } from "./ensure-built.mjs";
import { die, log, root } from "./exec.mjs";
import { parseOptions } from "./options.mjs";
import { installNodePackages, requireRust } from "./setup.mjs";
import { writeSection } from "./write-figures.mjs";

const USAGE = `npm run relay:soak [-- OPTIONS]
Starts the relay with the collector as OpenAI, plays faults, and checks that no event is lost or counted twice.
Takes about 20 minutes. Needs Linux. The scenario disk-full needs root and is skipped otherwise.
  --quick      fewer kills, shorter outage (less than 6 minutes)
  --only NAME  run only scenarios whose name contains NAME (repeatable)
  --write      write the table into docs/figures.md, if nothing failed
Scenarios: ${SCENARIOS.map(({ name }) => name).join(", ")}
Each has a directory in target/tmp/relay-soak/, which is left if the scenario fails.`;

const {
  values: { quick = false, only, write = false },
} = parseOptions(USAGE, {
  quick: { type: "boolean" },
  only: { type: "string", multiple: true },
  write: { type: "boolean" },
});
const scenarios = SCENARIOS.filter(
  ({ name }) => only?.some((part) => name.includes(part)) ?? true,
);
if (scenarios.length === 0) die(`no scenario has this name\n${USAGE}`);
if (process.platform !== "linux")
  die("this needs Linux: memory is read from /proc");
if (write && only) die("--write needs all scenarios: leave --only out");

// prettier formats the table
if (write) installNodePackages();
requireRust();
log("building the relay and the collector");
cargoBuild(
  "--release",
  "--bins",
  "--package=oaiq-relay",
  "--package=oaiq-collector",
);
const release = join(root, "target/release");
const options = {
  dir: join(root, "target/tmp/relay-soak"),
  programs: {
    relay: join(release, "oaiq-relay"),
    collector: join(release, "oaiq-collector"),
  },
  isQuick: quick,
};
/** @type {import("../tests/relay-soak/run.mjs").Result[]} */
const results = [];
for (const scenario of scenarios) {
  const result = await runScenario(scenario, options);
  const { outcome, text, seconds } = result;
  console.log(
    `${outcome.padEnd(8)}${scenario.name} (${seconds.toFixed(0)} s): ${text}`,
  );
  results.push(result);
}
/** @param {string} outcome */
const count = (outcome) =>
  results.filter((result) => result.outcome === outcome).length;
if (write && count("failed") === 0) {
  const date = new Date().toISOString().slice(0, 10);
  const command = `npm run relay:soak${quick ? " -- --quick" : ""}`;
  writeSection(
    "relay-soak",
    `By \`${command}\` on ${date}:\n\n${formatTable(results)}`,
  );
}
const skipped = count("skipped") ? `, ${count("skipped")} skipped` : "";
console.log(`${count("passed")} passed, ${count("failed")} failed${skipped}`);
process.exitCode = count("failed") > 0 ? 1 : 0;
