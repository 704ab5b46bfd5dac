// docs/figures.md: tables that a command has made stand between its markers.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, root, run, say } from "./exec.mjs";

const FILE = join(root, "docs/figures.md");

/** Replaces what stands between `<!-- name:start -->` and `<!-- name:end -->`. */
export const writeFigures = (name, section) => {
  const start = `<!-- ${name}:start -->`;
  const text = readFileSync(FILE, "utf8");
  const [from, to] = [
    text.indexOf(start),
    text.indexOf(`<!-- ${name}:end -->`),
  ];
  if (from < 0 || to < from)
    fail(`docs/figures.md has no place for the figures of ${name}`);
  writeFileSync(
    FILE,
    `${text.slice(0, from + start.length)}\n\n${section.trim()}\n\n${text.slice(to)}`,
  );
  run(join(root, "node_modules/.bin/prettier"), [
    "--write",
    "--log-level=warn",
    FILE,
  ]);
  say("wrote docs/figures.md");
};
