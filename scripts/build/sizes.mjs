// The sizes of the built files, and how they compare to the last release's.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { root } from "../exec.mjs";

/** When a visitor downloads each of the scripts in dist/. */
const DOWNLOADED_WHEN = {
  "oaiq.min.js": "always",
  "oaiq.fallback.min.js": "where WebAssembly is blocked",
  "oaiq.debug.min.js": "with debug",
  "oaiq.consent.min.js": "with pending consent or `redactPath`",
  "oaiq.recovery.min.js": "with undelivered events or failed requests",
  "oaiq.fields.min.js": "with `data-oaiq-fields`",
  "oaiq.views.min.js": "with `data-oaiq-page-views`",
  "oaiq.keepalive.min.js": "in Chromium, after the first paint, with consent",
  "oaiq.layer.min.js": "with `data-oaiq-layer`",
  "oaiq.matching.min.js":
    "where a pixel's config enables matching, unless it is off",
};
/** The same for modules, which a site imports into its own code. */
const IMPORTED_WHEN = {
  "oaiq.helpers.mjs": "where the site imports it",
};

/** The scripts in dist/. */
export const SCRIPTS = /** @type {(keyof typeof DOWNLOADED_WHEN)[]} */ (
  Object.keys(DOWNLOADED_WHEN)
);

/** The modules in dist/ that contain no pixel. */
export const MODULES = /** @type {(keyof typeof IMPORTED_WHEN)[]} */ (
  Object.keys(IMPORTED_WHEN)
);

/** The sizes of each release, the newest first. `npm run release` adds to it. */
export const SIZES_FILE = "docs/sizes.json";

/**
 * @typedef {{ raw: number, gzip: number, brotli: number }} Size in bytes
 * @typedef {Record<string, Record<string, Size>>} ReleaseSizes by version, then by file
 */

/**
 * The length of these bytes as servers send them, by brotli.
 *
 * @param {Uint8Array} bytes
 * @param {number} [quality]
 */
export const brotliSize = (bytes, quality = 11) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;

/**
 * The length of these bytes by gzip -9.
 *
 * @param {Uint8Array} bytes
 */
export const gzipSize = (bytes) => gzipSync(bytes, { level: 9 }).length;

/**
 * The sizes of files in dist/.
 *
 * @param {string[]} files
 */
export const sizesOf = async (files) => {
  /** @type {Record<string, Size>} */
  const sizes = {};
  for (const file of files) {
    const bytes = await readFile(join(root, "dist", file));
    sizes[file] = {
      raw: bytes.length,
      gzip: gzipSize(bytes),
      brotli: brotliSize(bytes),
    };
  }
  return sizes;
};

/** @returns {ReleaseSizes} */
export const releaseSizes = () =>
  JSON.parse(readFileSync(join(root, SIZES_FILE), "utf8"));

/**
 * A table of sizes, and by how much the brotli size differs from the last release's.
 *
 * @param {Record<string, Size>} sizes
 * @param {ReleaseSizes} releases
 */
export const sizeTable = (sizes, releases) => {
  const [version, last] = Object.entries(releases)[0] ?? ["", {}];
  /** @param {string[]} cells */
  const row = ([file = "", ...cells]) =>
    file.padEnd(24) + cells.map((cell) => cell.padStart(8)).join("");
  /**
   * @param {number} now
   * @param {number} [before]
   */
  const difference = (now, before) => {
    if (before === undefined) return "new";
    if (now === before) return "=";
    return `${now > before ? "+" : "-"}${Math.abs(now - before)}`;
  };
  return [
    row(["file", "raw", "gzip", "brotli"]) +
      (version && `   brotli since ${version}`),
    ...Object.entries(sizes).map(([file, { raw, gzip, brotli }]) =>
      row([
        file,
        `${raw}`,
        `${gzip}`,
        `${brotli}`,
        ...(version ? [difference(brotli, last[file]?.brotli)] : []),
      ]),
    ),
  ].join("\n");
};

/** The table of docs/figures.md. */
export const sizeFigures = async () => {
  const rows = [
    ["file", "downloaded", "raw", "gzip -9", "brotli -q 5", "brotli -q 11"],
    ["---", "---", "---:", "---:", "---:", "---:"],
  ];
  for (const [file, when] of Object.entries({
    ...DOWNLOADED_WHEN,
    ...IMPORTED_WHEN,
  })) {
    const bytes = await readFile(join(root, "dist", file));
    const sizes = [
      bytes.length,
      gzipSize(bytes),
      brotliSize(bytes, 5),
      brotliSize(bytes),
    ];
    rows.push([
      `\`${file}\``,
      when,
      ...sizes.map((size) => size.toLocaleString("en")),
    ]);
  }
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
};
