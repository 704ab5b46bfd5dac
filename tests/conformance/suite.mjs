// Defines a test for each recorded visit.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { diff, normalize } from "./normalize.mjs";

const FOLDER = new URL(".", import.meta.url);
const files = (await readdir(FOLDER))
  .filter((file) => file.endsWith(".json"))
  .sort();
/**
 * @typedef {import("./player.mjs").Visit} Visit
 * @typedef {import("./player.mjs").Observation} Observation
 * @typedef {{name: string, visit: Visit, expected: unknown}} Recording
 */

/** @type {Recording[]} */
export const recordings = await Promise.all(
  files.map(async (file) =>
    JSON.parse(await readFile(new URL(file, FOLDER), "utf8")),
  ),
);

/**
 * Whether something happens at certain times during the visit. The others only wait for requests.
 *
 * @param {Visit} visit
 */
export const isTimed = ({ steps, network }) => Boolean(steps ?? network);

/**
 * Call this in a `describe`.
 *
 * @param {(visit: Visit) => Promise<Observation>} replay
 * @param {{isSelected?: (recording: Recording) => boolean}} [options]
 */
export const defineConformanceTests = (
  replay,
  { isSelected = () => true } = {},
) => {
  /** @param {Recording} recording */
  const differencesOf = async ({ name, visit, expected }) => {
    try {
      return diff(expected, normalize(await replay(visit), name));
    } catch (error) {
      return [String(error)];
    }
  };

  // A busy machine can lose a beacon during unload, or delay a visit's calls: a visit that differs is replayed once more,
  // alone.
  /** @type {Set<Promise<unknown>>} */
  const running = new Set();
  /** @type {Promise<unknown>} */
  let retries = Promise.resolve();
  /** @param {Recording} recording */
  const runInParallel = async (recording) => {
    await retries;
    const run = differencesOf(recording);
    running.add(run);
    await run;
    running.delete(run);
    return run;
  };
  /** @param {Recording} recording */
  const runAlone = (recording) => {
    const run = retries.then(async () => {
      await Promise.all(running);
      return differencesOf(recording);
    });
    retries = run;
    return run;
  };

  for (const recording of recordings.filter(isSelected))
    test(recording.name, async (t) => {
      const first = await runInParallel(recording);
      if (first.length === 0) return;
      t.diagnostic(`replayed once more: ${first.join("; ")}`);
      assert.deepEqual(await runAlone(recording), []);
    });
};
