// The visits that were recorded with the vendor's script, played with this pixel.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { differences, essence } from "../conformance/essence.mjs";
import { play } from "../conformance/harness.mjs";
import { launch, pixelFiles } from "./browser.mjs";

const FOLDER = new URL("../conformance/", import.meta.url);
const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".json"));

describe(
  "what reaches the network and the browser's stores is what the vendor's script leaves there",
  { concurrency: 5 },
  () => {
    let browser;
    let files;
    before(async () => {
      [browser, files] = await Promise.all([launch(), pixelFiles()]);
    });
    after(() => browser.close());

    for (const file of names.sort())
      test(file.replace(".json", ""), async () => {
        const { name, visit, expected } = JSON.parse(
          await readFile(new URL(file, FOLDER)),
        );
        const compare = async () =>
          differences(
            expected,
            essence(await play(browser, files, visit), name),
          );
        // a loaded machine can swallow a beacon on its way out of a page: what differs is played once more
        const first = await compare().catch((error) => [String(error)]);
        if (first.length > 0) assert.deepEqual(await compare(), []);
      });
  },
);
