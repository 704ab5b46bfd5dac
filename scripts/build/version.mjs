// The versions that the built files carry.
import { existsSync, readFileSync } from "node:fs";
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

/** Where the protocol's version may be: generated from Rust, or in the script itself. */
const PROTOCOL_SOURCES = ["www/pixel/protocol.gen.js", PIXEL_ENTRY];

/** The version of the vendor's script whose protocol the pixel speaks. */
const protocolVersion = () => {
  for (const file of PROTOCOL_SOURCES) {
    const version =
      existsSync(join(root, file)) &&
      /VERSION = "([\d.]+)"/.exec(read(file))?.[1];
    if (version) return version;
  }
  return die(`${PROTOCOL_SOURCES.join(", ")}: no VERSION`);
};

/** The comment at the start of each file in dist/. Minifiers keep comments that start with "!". */
export const banner = () =>
  `/*! oaiq ${packageVersion()} (protocol ${protocolVersion()}) Apache-2.0 */`;
