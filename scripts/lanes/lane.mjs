// What the lanes share.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fail, root, run, say } from "../exec.mjs";

/** Whether that module is the command, and not a part of `npm test`. */
export const isCommand = ({ filename }) => filename === process.argv[1];

/** What was given after `npm run LANE --`. Ends with the usage where it is wrong or asked for. */
export const given = (usage, options = {}) => {
  const asked = { help: { type: "boolean", short: "h" } };
  try {
    const { values, positionals } = parseArgs({
      options: { ...options, ...asked },
      allowPositionals: true,
    });
    if (!values.help) return { ...values, names: positionals };
  } catch (error) {
    return fail(`${error.message}\n${usage}`);
  }
  console.log(usage);
  return process.exit();
};

/** The test files in a folder of tests/. */
export const testFiles = (folder) =>
  readdirSync(join(root, "tests", folder))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join("tests", folder, name));

/** Runs test files, so many at a time. */
export const nodeTests = (files, { atOnce = 2, env } = {}) =>
  run(process.execPath, ["--test", `--test-concurrency=${atOnce}`, ...files], {
    env,
    otherwise: "tests failed; see above",
  });

const seconds = (from) => Math.round((Date.now() - from) / 1000);

/** Runs lanes, `[name, lane]`, one after the other, and says how long each took. */
export const inOrder = async (lanes) => {
  const begun = Date.now();
  const rows = [];
  for (const [name, lane] of lanes) {
    say(name);
    const from = Date.now();
    await lane();
    rows.push([name, seconds(from)]);
  }
  rows.push(["all", seconds(begun)]);
  for (const [name, took] of rows)
    console.log(`${String(took).padStart(6)} s  ${name}`);
};
