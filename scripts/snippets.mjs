// Makes the install snippets that people copy of their one readable source.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./exec.mjs";

const SOURCE = "www/snippet/snippet.js";

/** What each file of the snippet does; www/snippet/snippet.js says what the words mean. */
const FILES = {
  "www/snippet/short.html": { LOADS: true },
  "www/snippet/snippet.html": { LOADS: true, SAVES: true },
  "www/snippet/strict.html": { LOADS: true, STRICT: true },
  "www/snippet/stub.html": {},
};

/** Stands in each snippet for the address of the site's own copy of the script. */
export const PLACEHOLDER = "https://YOUR-SITE/oaiq.min.js";

/** The files of the snippet by name, with the text that each must have. */
export const snippets = async () => {
  const { minify } = await import("terser");
  const source = await readFile(join(root, SOURCE), "utf8");
  const made = {};
  for (const [file, does] of Object.entries(FILES)) {
    const { code } = await minify(source, {
      ecma: 5,
      compress: {
        passes: 3,
        global_defs: { LOADS: false, SAVES: false, STRICT: false, ...does },
        // the address stays at the end, where everybody looks for it
        reduce_vars: false,
        collapse_vars: false,
        inline: 0,
      },
      format: { ascii_only: true },
    });
    made[file] = `<script>\n${code}\n</script>\n`;
  }
  return made;
};

export const writeSnippets = async () => {
  for (const [file, text] of Object.entries(await snippets()))
    await writeFile(join(root, file), text);
};
