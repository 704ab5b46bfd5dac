// Writes generated tables into docs/figures.md.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bin, capture, die, log, root, run } from "./exec.mjs";

const FILE = join(root, "docs/figures.md");

/** The commit that is checked out, and whether files have changed since. */
const readCommit = () => {
  const commit = capture("git", ["rev-parse", "--short", "HEAD"]);
  const changes = capture("git", [
    "status",
    "--porcelain",
    "--untracked-files=no",
    "--",
    ".",
    ":!docs",
  ]);
  return commit && (changes ? `${commit} with uncommitted changes` : commit);
};

/** Read when the script starts: a measurement takes long, and the next commit may be made meanwhile. */
const MEASURED_COMMIT = readCommit();

/**
 * Replaces the text between `<!-- name:start -->` and `<!-- name:end -->`, and names the measured commit.
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
    `${text.slice(0, from + start.length)}\n\n${section.trim()}\n\nMeasured at commit ${MEASURED_COMMIT ?? "unknown"}.\n\n${text.slice(to)}`,
  );
  run(bin("prettier"), ["--write", "--log-level=warn", FILE]);
  log("wrote docs/figures.md");
};
