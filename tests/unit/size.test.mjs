// Tests the size limits: every visitor of every site downloads the script.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { brotliSize, gzipSize } from "../../scripts/build/sizes.mjs";
import { root } from "../../scripts/exec.mjs";

/**
 * Limits in bytes as servers send the file (brotli -q 11, gzip -9).
 *
 * @type {Record<string, {brotli: number, gzip?: number}>}
 */
const COMPRESSED_LIMITS = {
  "oaiq.min.js": { brotli: 15_360, gzip: 17_900 },
  "oaiq.fallback.min.js": { brotli: 40_000 },
  "oaiq.layer.min.js": { brotli: 3_500 },
  "oaiq.matching.min.js": { brotli: 9_000 },
  "oaiq.helpers.mjs": { brotli: 1_200 },
  "oaiq.fields.min.js": { brotli: 3_000 },
  "oaiq.views.min.js": { brotli: 900 },
};

for (const [file, limits] of Object.entries(COMPRESSED_LIMITS))
  test(`${file} is within its size limits`, async (t) => {
    const bytes = await readFile(join(root, "dist", file));
    const sizes = { brotli: brotliSize(bytes), gzip: gzipSize(bytes) };
    t.diagnostic(`${file}: ${sizes.brotli} bytes brotli, ${sizes.gzip} gzip`);
    for (const encoding of /** @type {const} */ (["brotli", "gzip"])) {
      const { [encoding]: limit = Infinity } = limits;
      assert.ok(
        sizes[encoding] <= limit,
        `${file}: ${sizes[encoding]} bytes ${encoding}, limit ${limit}; docs/figures.md shows what each part weighs`,
      );
    }
  });

/** Limits in bytes of the snippets, which are in each page. */
const RAW_LIMITS = {
  "www/snippet/short.html": 320,
  "www/snippet/snippet.html": 1_600,
  "www/snippet/strict.html": 600,
};

for (const [file, limit] of Object.entries(RAW_LIMITS))
  test(`${file} is within its size limit`, async () => {
    const { length } = await readFile(join(root, file));
    assert.ok(length <= limit, `${length} bytes, limit ${limit}`);
  });
