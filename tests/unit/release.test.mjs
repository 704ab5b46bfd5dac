// npm run release, in a temporary repository.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { PACKED_FILES } from "../../scripts/build/npm-package.mjs";
import { root } from "../../scripts/exec.mjs";

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- A feature.

## [0.1.0] - 2026-01-01

- The first release.
`;

/** @typedef {ReturnType<typeof createRepository>} Repository */

/**
 * A repository with the files that a release changes and a placeholder for each other file of the npm package.
 *
 * @param {import("node:test").TestContext} t
 */
const createRepository = (t) => {
  const folder = mkdtempSync(join(tmpdir(), "oaiq-release-"));
  t.after(() => rmSync(folder, { recursive: true }));
  /** @param {string} file */
  const read = (file) => readFileSync(join(folder, file), "utf8");
  /**
   * @param {string} file
   * @param {string} text
   */
  const write = (file, text) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  /**
   * @param {string} program
   * @param {string[]} args
   */
  const run = (program, ...args) => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: folder,
      encoding: "utf8",
      env: {
        ...process.env,
        GIT_AUTHOR_NAME: "Test",
        GIT_AUTHOR_EMAIL: "test@example.com",
        GIT_COMMITTER_NAME: "Test",
        GIT_COMMITTER_EMAIL: "test@example.com",
      },
    });
    return { status, output: stdout + stderr };
  };
  /** @param {string[]} args */
  const git = (...args) => run("git", ...args).output.trim();
  /** @param {string[]} args */
  const release = (...args) =>
    run(process.execPath, "scripts/release.mjs", "--no-build", ...args);

  for (const file of PACKED_FILES) write(file, file);
  for (const file of [
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "docs/sizes.json",
    "package-lock.json",
    "package.json",
    "scripts",
    "www/pixel/protocol.gen.js",
  ])
    cpSync(join(root, file), join(folder, file), { recursive: true });
  write("CHANGELOG.md", CHANGELOG);
  git("init", "--quiet");
  git("add", "--all");
  git("commit", "--quiet", "--message=Initial state");
  return { read, write, git, release };
};

/**
 * The versions in the files that have one. In Cargo.lock, the packages of this repository are those without a source.
 *
 * @param {Repository} repository
 */
const versionsIn = ({ read }) => {
  const lock = JSON.parse(read("package-lock.json"));
  const crates = read("Cargo.lock")
    .split("[[package]]")
    .filter(
      (text) => text.includes("\nname = ") && !text.includes("\nsource = "),
    );
  return [
    JSON.parse(read("package.json")).version,
    lock.version,
    lock.packages[""].version,
    /^\[workspace\.package\]\nversion = "(.+)"/m.exec(read("Cargo.toml"))?.[1],
    ...crates.map((text) => /^version = "(.+)"/m.exec(text)?.[1]),
  ];
};

/** @param {string} lock the text of Cargo.lock */
const dependencies = (lock) =>
  lock.split("[[package]]").filter((text) => text.includes("\nsource = "));

test("a release sets the version, dates the changelog, records the sizes, commits and tags", (t) => {
  const repository = createRepository(t);
  const { read, git, release } = repository;
  const lockBefore = read("Cargo.lock");
  const { status, output } = release("3.2.1");
  assert.equal(status, 0, output);
  const versions = versionsIn(repository);
  assert.ok(versions.length >= 6);
  assert.deepEqual(new Set(versions), new Set(["3.2.1"]));
  assert.deepEqual(dependencies(read("Cargo.lock")), dependencies(lockBefore));
  const date = new Date().toISOString().slice(0, 10);
  assert.equal(
    read("CHANGELOG.md"),
    CHANGELOG.replace(
      "## [Unreleased]",
      `## [Unreleased]\n\n## [3.2.1] - ${date}`,
    ),
  );
  const sizes = JSON.parse(read("docs/sizes.json"));
  assert.equal(Object.keys(sizes)[0], "3.2.1");
  assert.equal(sizes["3.2.1"]["oaiq.min.js"].raw, "dist/oaiq.min.js".length);
  assert.ok(sizes["0.1.0"]);
  assert.equal(git("log", "-1", "--format=%s"), "Release 3.2.1");
  assert.equal(git("describe", "--exact-match"), "v3.2.1");
  assert.equal(git("status", "--porcelain"), "");
});

test("a dry run writes nothing", (t) => {
  const { git, release } = createRepository(t);
  const { status, output } = release("3.2.1", "--dry-run");
  assert.equal(status, 0, output);
  assert.match(
    output,
    /would write docs\/sizes\.json, commit, and tag v3\.2\.1/,
  );
  assert.equal(git("status", "--porcelain"), "");
  assert.equal(git("tag"), "");
});

/**
 * Asserts that a release fails, and changes nothing.
 *
 * @param {Repository} repository
 * @param {RegExp} message
 * @param {string[]} args
 */
const assertFails = ({ git, release }, message, ...args) => {
  const before =
    git("status", "--porcelain") + git("tag") + git("rev-parse", "HEAD");
  const { status, output } = release(...args);
  assert.equal(status, 1, output);
  assert.match(output, message);
  assert.equal(
    git("status", "--porcelain") + git("tag") + git("rev-parse", "HEAD"),
    before,
  );
};

test("a release needs a valid version", (t) => {
  const repository = createRepository(t);
  assertFails(repository, /one VERSION is needed/);
  assertFails(repository, /one VERSION is needed/, "3.2");
});

test("a release needs a clean tree", (t) => {
  const repository = createRepository(t);
  repository.write("README.md", "changed");
  assertFails(repository, /uncommitted changes/, "3.2.1");
});

test("a release needs a new tag", (t) => {
  const repository = createRepository(t);
  repository.git("tag", "v3.2.1");
  assertFails(repository, /tag v3\.2\.1 exists/, "3.2.1");
});

test("a release needs an entry in the changelog", (t) => {
  const repository = createRepository(t);
  repository.write(
    "CHANGELOG.md",
    "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n",
  );
  repository.git("commit", "--all", "--message=Empty the changelog");
  assertFails(repository, /nothing under/, "3.2.1");
});

test("a release needs exactly the listed files in the npm package", (t) => {
  const repository = createRepository(t);
  repository.write("www/snippet/notes.txt", "");
  repository.git("add", "--all");
  repository.git("commit", "--message=Add a file");
  const { status, output } = repository.release("3.2.1", "--dry-run");
  assert.equal(status, 1);
  assert.match(output, /unexpected: www\/snippet\/notes\.txt/);
});
