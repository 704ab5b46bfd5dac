// The visits that were recorded with the vendor's script in Chromium, played with this pixel in Firefox.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { root } from "../../scripts/run.mjs";
import { play } from "../conformance/harness.mjs";
import { testRecordedVisits } from "../conformance/recorded.mjs";
import { firefox, launch } from "./firefox.mjs";

/** The names of the built pixel's files with their bytes. */
const pixelFiles = async () => {
  const folder = process.env.PIXEL_DIST ?? join(root, "dist");
  const names = await readdir(folder);
  return new Map(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name))]),
    ),
  );
};

describe(
  "a recorded visit leaves in Firefox what the vendor's script left in Chromium",
  {
    concurrency: 5,
    skip: !firefox && "no Firefox is installed (FIREFOX may name one)",
  },
  () => {
    let browser;
    let files;
    before(async () => {
      files = await pixelFiles();
      browser = await launch();
    });
    after(() => browser?.close());

    testRecordedVisits((visit) => play(browser, files, visit));
  },
);
