// Generates the install snippets from their one readable source.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./exec.mjs";

const SOURCE = "www/snippet/snippet.js";

/**
 * The constants that each snippet is compiled with. www/snippet/snippet.js explains them.
 *
 * @type {Record<string, Record<string, boolean>>}
 */
const FILES = {
  "www/snippet/short.html": { LOADS: true },
  "www/snippet/snippet.html": { LOADS: true, SAVES: true },
  "www/snippet/strict.html": { LOADS: true, STRICT: true },
  "www/snippet/stub.html": {},
};

/** Placeholder in each snippet for the URL of the site's own copy of the script. */
export const PLACEHOLDER = "https://YOUR-SITE/oaiq.min.js";

/** The text of each snippet, by file. */
export const snippets = async () => {
  const { minify } = await import("terser");
  const source = await readFile(join(root, SOURCE), "utf8");
  /** @type {Record<string, string>} */
  const texts = {};
  for (const [file, constants] of Object.entries(FILES)) {
    const { code } = await minify(source, {
      ecma: 5,
      compress: {
        passes: 3,
        global_defs: {
          LOADS: false,
          SAVES: false,
          STRICT: false,
          ...constants,
        },
        // the URL stays at the end, where it is easy to find
        reduce_vars: false,
        collapse_vars: false,
        inline: 0,
      },
      format: { ascii_only: true },
    });
    texts[file] = `<script>\n${code}\n</script>\n`;
  }
  return texts;
};

export const writeSnippets = async () => {
  for (const [file, text] of Object.entries(await snippets()))
    await writeFile(join(root, file), text);
};
