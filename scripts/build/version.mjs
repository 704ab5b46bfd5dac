// The versions that the built files carry.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { die, root } from "../exec.mjs";

export const PIXEL_ENTRY = "www/pixel/entry.js";

/** @param {string} file */
const read = (file) => readFileSync(join(root, file), "utf8");

/**
 * This project's version.
 *
 * @returns {string}
 */
export const packageVersion = () => JSON.parse(read("package.json")).version;

/** The version of the vendor's script whose protocol the pixel speaks. */
const protocolVersion = () =>
  /^const VERSION = "([\d.]+)";$/m.exec(read(PIXEL_ENTRY))?.[1] ??
  die(`${PIXEL_ENTRY}: no VERSION`);

/** The comment at the start of each file in dist/. Minifiers keep comments that start with "!". */
export const banner = () =>
  `/*! oaiq ${packageVersion()} (protocol ${protocolVersion()}) Apache-2.0 */`;
