// Hashes of the scripts, for a page's `integrity` attributes.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../exec.mjs";

/**
 * Writes dist/integrity.json: for each script its Subresource Integrity value (https://www.w3.org/TR/SRI/).
 *
 * @param {string[]} scripts files in dist/
 */
export const writeIntegrity = async (scripts) => {
  /** @type {Record<string, string>} */
  const hashes = {};
  for (const script of scripts) {
    const bytes = await readFile(join(root, "dist", script));
    hashes[script] =
      `sha384-${createHash("sha384").update(bytes).digest("base64")}`;
  }
  await writeFile(
    join(root, "dist/integrity.json"),
    `${JSON.stringify(hashes, null, 2)}\n`,
  );
};
