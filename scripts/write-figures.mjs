// Writes generated tables into docs/figures.md.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, die, log, root, run } from "./exec.mjs";

const FILE = join(root, "docs/figures.md");

/**
 * Replaces the text between `<!-- name:start -->` and `<!-- name:end -->`.
 *
 * @param {string} name
 * @param {string} section Markdown
 */
export const writeSection = (name, section) => {
  const start = `<!-- ${name}:start -->`;
  const text = readFileSync(FILE, "utf8");
  const from = text.indexOf(start);
  const to = text.indexOf(`<!-- ${name}:end -->`);
  if (from < 0 || to < from)
    die(`docs/figures.md has no markers for the section "${name}"`);
  writeFileSync(
    FILE,
    `${text.slice(0, from + start.length)}\n\n${section.trim()}\n\n${text.slice(to)}`,
  );
  run(bin("prettier"), ["--write", "--log-level=warn", FILE]);
  log("wrote docs/figures.md");
};
