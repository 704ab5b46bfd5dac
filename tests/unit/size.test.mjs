// Every visitor of every site pays for the script: it may not outgrow what is promised.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { brotliSize, gzipSize } from "../../scripts/build/sizes.mjs";
import { root } from "../../scripts/exec.mjs";

/** The most bytes that a file may have, as servers send it (brotli -q 11, gzip -9). */
const MOST = {
  "oaiq.min.js": { brotli: 15_360, gzip: 17_900 },
  "oaiq.fallback.min.js": { brotli: 40_000 },
};

for (const [file, most] of Object.entries(MOST))
  test(`${file} is no larger than promised`, async (t) => {
    const bytes = await readFile(join(root, "dist", file));
    const is = { brotli: brotliSize(bytes), gzip: gzipSize(bytes) };
    t.diagnostic(`${file} has ${is.brotli} bytes brotli, ${is.gzip} gzip`);
    for (const [way, bytes] of Object.entries(most))
      assert.ok(
        is[way] <= bytes,
        `${file} has ${is[way]} bytes ${way}, and may have ${bytes}: docs/figures.md says where the weight is`,
      );
  });

/** The most bytes that the snippets may have: they are in each page. */
const SNIPPETS = {
  "www/snippet/short.html": 320,
  "www/snippet/snippet.html": 1_450,
  "www/snippet/strict.html": 600,
};

for (const [file, most] of Object.entries(SNIPPETS))
  test(`${file} is no larger than promised`, async () => {
    const { length } = await readFile(join(root, file));
    assert.ok(length <= most, `${length} bytes, and may have ${most}`);
  });
