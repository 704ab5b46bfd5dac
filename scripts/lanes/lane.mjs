// What the lanes share.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { log, root, run } from "../exec.mjs";

/**
 * The test files in a folder of tests/.
 *
 * @param {string} folder
 */
export const testFiles = (folder) =>
  readdirSync(join(root, "tests", folder))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join("tests", folder, name));

/**
 * Runs test files with Node's test runner.
 *
 * @param {string[]} files
 * @param {{ concurrency?: number, env?: Record<string, string> }} [options]
 */
export const runNodeTests = (files, { concurrency = 2, env } = {}) =>
  run(
    process.execPath,
    ["--test", `--test-concurrency=${concurrency}`, ...files],
    { env, onFailure: "tests failed, see above" },
  );

/** @param {number} since in milliseconds since 1970 */
const secondsSince = (since) => Math.round((Date.now() - since) / 1000);

/**
 * Runs lanes one after the other, and prints how long each took.
 *
 * @param {[name: string, lane: () => unknown][]} lanes
 */
export const runLanes = async (lanes) => {
  const start = Date.now();
  /** @type {[name: string, seconds: number][]} */
  const rows = [];
  for (const [name, lane] of lanes) {
    log(name);
    const laneStart = Date.now();
    await lane();
    rows.push([name, secondsSince(laneStart)]);
  }
  rows.push(["total", secondsSince(start)]);
  for (const [name, seconds] of rows)
    console.log(`${String(seconds).padStart(6)} s  ${name}`);
};
