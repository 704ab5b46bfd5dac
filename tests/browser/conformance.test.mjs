// The visits that were recorded with the vendor's script, played with this pixel.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { differences, essence } from "../conformance/essence.mjs";
import { play } from "../conformance/harness.mjs";
import { pixelFiles, sharedBrowser } from "./browser.mjs";

const FOLDER = new URL("../conformance/", import.meta.url);
const recordings = (await readdir(FOLDER))
  .filter((file) => file.endsWith(".json"))
  .sort();

describe(
  "a recorded visit leaves on the network and in the browser what the vendor's script left there",
  {
    concurrency: 5,
  },
  () => {
    const browser = sharedBrowser();
    let files;
    before(async () => {
      files = await pixelFiles();
    });

    const differencesOf = async ({ name, visit, expected }) => {
      try {
        const seen = await play(browser, files, visit);
        return differences(expected, essence(seen, name));
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

    for (const file of recordings)
      test(file.replace(".json", ""), async () => {
        const recording = JSON.parse(await readFile(new URL(file, FOLDER)));
        const first = await playBesideOthers(recording);
        if (first.length > 0) assert.deepEqual(await playAlone(recording), []);
      });
  },
);
