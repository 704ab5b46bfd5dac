// The sizes of the built files, and how they compare to the last release's.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { root } from "../exec.mjs";

/** The scripts in dist/. */
export const SCRIPTS = [
  "oaiq.min.js",
  "oaiq.fallback.min.js",
  "oaiq.debug.min.js",
  "oaiq.consent.min.js",
  "oaiq.recovery.min.js",
  "oaiq.keepalive.min.js",
];

/** The sizes of each release, the newest first. `npm run release` adds to it. */
export const SIZES_FILE = "docs/sizes.json";

/**
 * @typedef {{ raw: number, gzip: number, brotli: number }} Size in bytes
 * @typedef {Record<string, Record<string, Size>>} ReleaseSizes by version, then by file
 */

/**
 * The length of these bytes as servers send them, by brotli -q 11.
 *
 * @param {Uint8Array} bytes
 */
export const brotliSize = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
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
