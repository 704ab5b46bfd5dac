// Makes a test of each recorded visit.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { differences, essence } from "./normalize.mjs";

const FOLDER = new URL(".", import.meta.url);
const files = (await readdir(FOLDER))
  .filter((file) => file.endsWith(".json"))
  .sort();
/** All of them: `{name, visit, expected}`. */
export const recordings = await Promise.all(
  files.map(async (file) => JSON.parse(await readFile(new URL(file, FOLDER)))),
);

/** Whether something must happen at its time during the visit. The others only wait for what the pixel sends. */
export const isTimed = ({ steps, network }) => Boolean(steps ?? network);

/**
 * To be called in a `describe`. `play(visit)` gives what was seen, as the harness does. `isWanted(recording)` chooses
 * recordings.
 */
export const testRecordedVisits = (play, { isWanted = () => true } = {}) => {
  const differencesOf = async ({ name, visit, expected }) => {
    try {
      return differences(expected, essence(await play(visit), name));
    } catch (error) {
      return [String(error)];
    }
  };

  // A loaded machine can swallow a beacon on its way out of a page, or make a visit's calls late: what differs is
  // played once more, while nothing else is.
  const underWay = new Set();
  let replays = Promise.resolve();
  const playBesideOthers = async (recording) => {
    await replays;
    const playing = differencesOf(recording);
    underWay.add(playing);
    await playing;
    underWay.delete(playing);
    return playing;
  };
  const playAlone = (recording) => {
    const replay = replays.then(async () => {
      await Promise.all(underWay);
      return differencesOf(recording);
    });
    replays = replay;
    return replay;
  };

  for (const recording of recordings.filter(isWanted))
    test(recording.name, async (t) => {
      const first = await playBesideOthers(recording);
      if (first.length === 0) return;
      t.diagnostic(`played once more: ${first.join("; ")}`);
      assert.deepEqual(await playAlone(recording), []);
    });
};
