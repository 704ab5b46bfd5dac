// What npm run load and npm run relay:load have in common: their options, the load generator, and the table it prints.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { cargoBuild } from "./ensure-built.mjs";
import { log, root } from "./exec.mjs";
import { parseOptions } from "./options.mjs";
import { installNodePackages, requireRust } from "./setup.mjs";
import { writeSection } from "./write-figures.mjs";

/**
 * The options of the command line.
 *
 * @param {string} usage
 * @param {{ seconds: string, rate: string, connections: string }} defaults
 */
export const parseLoadOptions = (usage, { seconds, rate, connections }) =>
  parseOptions(usage, {
    seconds: { type: "string", default: seconds },
    rate: { type: "string", default: rate },
    connections: { type: "string", default: connections },
    write: { type: "boolean" },
  }).values;

/**
 * Builds a load generator and what it measures, runs it, and prints its table.
 *
 * @param {ReturnType<typeof parseLoadOptions>} options
 * @param {object} test
 * @param {string} test.example the load generator
 * @param {string[]} test.build further arguments for cargo
 * @param {string} test.what is built besides the load generator
 * @param {string} test.plan what the generator does, in words
 */
export const runLoadTest = (
  { seconds, rate, connections, write },
  { example, build, what, plan },
) => {
  // prettier formats the table
  if (write) installNodePackages();
  requireRust();
  log(`building ${what} and the load generator`);
  cargoBuild("--release", "--bins", `--example=${example}`, ...build);
  log(plan);
  const { status, stdout } = spawnSync(
    join(root, "target/release/examples", example),
    [`--seconds=${seconds}`, `--rate=${rate}`, `--connections=${connections}`],
    { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  console.log(stdout);
  return { isPassed: status === 0, table: stdout };
};

/**
 * Writes a table into docs/figures.md.
 *
 * @param {string} section
 * @param {string} command
 * @param {string} connections
 * @param {string} processes that share the cores
 * @param {string} table
 */
export const writeLoadTable = (
  section,
  command,
  connections,
  processes,
  table,
) =>
  writeSection(
    section,
    `By \`${command}\` on ${new Date().toISOString().slice(0, 10)}, ${connections} connections, ${cpus().length} cores for ${processes}:\n\n${table.trim()}`,
  );
