// The versions that the built files carry.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROTOCOL_VERSION } from "../../www/pixel/protocol.gen.js";
import { root } from "../exec.mjs";

export const PIXEL_ENTRY = "www/pixel/entry.js";

/**
 * This project's version.
 *
 * @returns {string}
 */
export const packageVersion = () =>
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

/** The comment at the start of each file in dist/. Minifiers keep comments that start with "!". */
export const banner = () =>
  `/*! oaiq ${packageVersion()} (protocol ${PROTOCOL_VERSION}) */`;
