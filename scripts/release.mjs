// npm run release: prepares a release of the npm package and tags it. Publishing stays a manual step.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACKED_FILES, packedFiles } from "./build/npm-package.mjs";
import { releaseSizes, SIZES_FILE, sizesOf, SCRIPTS } from "./build/sizes.mjs";
import { packageVersion } from "./build/version.mjs";
import { capture, die, log, root, run } from "./exec.mjs";
import { parseOptions } from "./options.mjs";

const USAGE = `npm run release -- VERSION [OPTIONS]
Sets the version, dates the changelog's "Unreleased" section, builds, checks the npm package, commits and tags.
  VERSION     such as 1.2.3 or 1.2.3-beta.1
  --dry-run   check everything and print what would change, but write nothing
  --no-build  use dist/ as it is`;

const UNRELEASED = "## [Unreleased]";

/** @param {string} file */
const read = (file) => readFileSync(join(root, file), "utf8");

/**
 * @param {string[]} args
 * @returns {string}
 */
const git = (...args) =>
  capture("git", args) ?? die(`git ${args.join(" ")} failed`);

/**
 * Replaces what a pattern matches, which must be there.
 *
 * @param {string} file
 * @param {RegExp} pattern
 * @param {string} replacement
 */
const edit = (file, pattern, replacement) => {
  const text = read(file);
  if (text.search(pattern) < 0) die(`${file}: nothing matches ${pattern}`);
  return text.replace(pattern, replacement);
};

/**
 * The changelog with the "Unreleased" section under a version and today's date.
 *
 * @param {string} version
 */
const datedChangelog = (version) => {
  const text = read("CHANGELOG.md");
  const section = text.split(UNRELEASED)[1]?.split(/^## /m)[0];
  if (section === undefined) die(`CHANGELOG.md: no "${UNRELEASED}"`);
  if (!section.trim()) die(`CHANGELOG.md: nothing under "${UNRELEASED}"`);
  const date = new Date().toISOString().slice(0, 10);
  return text.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`);
};

/**
 * The changed files and their new text.
 *
 * @param {string} version
 * @returns {Record<string, string>}
 */
const filesWithVersion = (version) => {
  const lock = JSON.parse(read("package-lock.json"));
  lock.version = lock.packages[""].version = version;
  return {
    "package.json": edit(
      "package.json",
      /(?<=^ {2}"version": ")[^"]+/m,
      version,
    ),
    "package-lock.json": `${JSON.stringify(lock, null, 2)}\n`,
    "Cargo.toml": edit(
      "Cargo.toml",
      /(?<=^\[workspace\.package\]\nversion = ")[^"]+/m,
      version,
    ),
    // the packages of the workspace are those without a source
    "Cargo.lock": edit(
      "Cargo.lock",
      /(?<=^name = ".+"\nversion = ")[^"]+(?="\n(?!source = ))/gm,
      version,
    ),
    "CHANGELOG.md": datedChangelog(version),
  };
};

const checkPackage = () => {
  const packed = packedFiles();
  const missing = PACKED_FILES.filter((file) => !packed.includes(file));
  const unexpected = packed.filter((file) => !PACKED_FILES.includes(file));
  if (missing.length > 0 || unexpected.length > 0)
    die(
      [
        "the npm package has the wrong files (scripts/build/npm-package.mjs lists the right ones)",
        ...missing.map((file) => `  missing: ${file}`),
        ...unexpected.map((file) => `  unexpected: ${file}`),
      ].join("\n"),
    );
  log(`the npm package has its ${packed.length} files`);
};

/**
 * docs/sizes.json with the sizes of the built files, the newest release first.
 *
 * @param {string} version
 */
const sizesWith = async (version) => {
  const releases = { [version]: await sizesOf(SCRIPTS), ...releaseSizes() };
  return `${JSON.stringify(releases, null, 2)}\n`;
};

const { values, names } = parseOptions(
  USAGE,
  { "dry-run": { type: "boolean" }, "no-build": { type: "boolean" } },
  { allowNames: true },
);
const [version = ""] = names;
const isDryRun = values["dry-run"];
if (names.length !== 1 || !/^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/.test(version))
  die(`one VERSION is needed, such as 1.2.3\n${USAGE}`);
const tag = `v${version}`;
if (git("status", "--porcelain"))
  die("there are uncommitted changes: commit or stash them first");
if (git("tag", "--list", tag)) die(`the tag ${tag} exists already`);

const files = filesWithVersion(version);
log(`${packageVersion()} -> ${version}: ${Object.keys(files).join(", ")}`);
if (!isDryRun)
  for (const [file, text] of Object.entries(files))
    writeFileSync(join(root, file), text);

if (!values["no-build"]) {
  // node packages may be missing when this file is loaded
  const { build } = await import("./build.mjs");
  await build();
}
checkPackage();
const sizes = await sizesWith(version);
if (isDryRun) {
  log(`dry run: would write ${SIZES_FILE}, commit, and tag ${tag}`);
  process.exit();
}
writeFileSync(join(root, SIZES_FILE), sizes);
run("git", ["commit", "--quiet", "--all", `--message=Release ${version}`]);
run("git", ["tag", "--annotate", tag, `--message=oaiq ${version}`]);
log(`committed and tagged ${tag}. Next: git push --follow-tags, npm publish`);
