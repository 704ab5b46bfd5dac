// Tests the npm package: its contents, its types, and its import outside of a page. Needs `npm run build`.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { PACKED_FILES, packedFiles } from "../../scripts/build/npm-package.mjs";
import { SCRIPTS } from "../../scripts/build/sizes.mjs";
import { banner } from "../../scripts/build/version.mjs";
import { root } from "../../scripts/exec.mjs";

/**
 * Runs a program in the project's root. Fails with all of its output.
 *
 * @param {string} program
 * @param {string[]} args
 */
const outputOf = async (program, ...args) => {
  const done = promisify(execFile)(program, args, {
    cwd: root,
    timeout: 60_000,
  });
  const { stdout } = await done.catch((error) => {
    throw new Error(`${error.message}\n${error.stdout}`);
  });
  return stdout;
};

/** Folders of the repository. Pages link into them for readers of the repository. */
const SOURCE_FOLDERS = /^(collector|relay|src|tests|www|xtask)\//;

/**
 * The paths that a page's relative links lead to, from the project's root.
 *
 * @param {string} page
 */
const linkedPaths = async (page) => {
  const text = await readFile(join(root, page), "utf8");
  return [...text.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
    .map(([, url = ""]) => url)
    .filter((url) => !/^[a-z]+:/.test(url))
    .map((url) => join(dirname(page), url));
};

const readJson = async (/** @type {string} */ file) =>
  JSON.parse(await readFile(join(root, file), "utf8"));

test("each file of dist/ starts with the version banner", async () => {
  const files = await readdir(join(root, "dist"));
  for (const file of files.filter((name) => name !== "integrity.json")) {
    const text = await readFile(join(root, "dist", file), "utf8");
    assert.ok(text.trimStart().startsWith(banner()), file);
  }
});

describe("the npm package", () => {
  test("has the files that users need and no others", () => {
    assert.deepEqual(packedFiles(), PACKED_FILES);
  });

  test("has every file that package.json refers to", async () => {
    const { exports, main, module, types } = await readJson("package.json");
    /**
     * @param {string | Record<string, any>} entry
     * @returns {string[]}
     */
    const filesIn = (entry) =>
      typeof entry === "string"
        ? [entry]
        : Object.values(entry).flatMap(filesIn);
    for (const file of [...filesIn(exports), main, module, types])
      assert.ok(PACKED_FILES.includes(file.replace("./", "")), file);
  });

  test("has every file that its pages link to, sources aside", async () => {
    const pages = PACKED_FILES.filter((file) => file.endsWith(".md"));
    for (const page of pages)
      for (const path of await linkedPaths(page)) {
        if (PACKED_FILES.includes(path)) continue;
        assert.match(path, SOURCE_FOLDERS, `${page} links to ${path}`);
        await access(join(root, path));
      }
  });

  test("has no dependencies and no install scripts", async () => {
    const { dependencies, scripts } = await readJson("package.json");
    assert.equal(dependencies, undefined);
    for (const name of ["preinstall", "install", "postinstall"])
      assert.equal(scripts[name], undefined);
  });

  test("has the integrity hash of each script", async () => {
    const hashes = await readJson("dist/integrity.json");
    const scripts = (await readdir(join(root, "dist"))).filter((name) =>
      name.endsWith(".js"),
    );
    assert.deepEqual(scripts.sort(), [...SCRIPTS].sort());
    for (const name of new Set([...scripts, ...Object.keys(hashes)])) {
      const hash = createHash("sha384")
        .update(await readFile(join(root, "dist", name)))
        .digest("base64");
      assert.equal(hashes[name], `sha384-${hash}`, name);
    }
  });
});

/**
 * A program that loads the package by its name, as a server that renders a page does, and makes every call.
 *
 * @param {string} load
 */
const serverProgram = (load) => `
  const before = Reflect.ownKeys(globalThis);
  const logged = [];
  for (const level of Object.keys(console))
    if (typeof console[level] === "function") console[level] = () => logged.push(level);
  const { default: oaiq, ...others } = ${load};
  const data = { type: "contents" };
  const returned = [
    oaiq("init", { pixelId: "PIXEL", debug: true }),
    oaiq("consent", true),
    oaiq("measure", "page_viewed", data),
    oaiq("measureSingle", "PIXEL", "page_viewed", data),
    oaiq(),
    oaiq.init({ pixelId: "PIXEL", debug: true }),
    oaiq.consent(true),
    oaiq.measure("page_viewed", data),
    oaiq.measureSingle("PIXEL", "page_viewed", data),
  ];
  process.stdout.write(JSON.stringify({
    kind: typeof oaiq,
    others: Object.keys(others).filter((name) => name !== "module.exports"),
    returned: returned.filter((value) => value !== undefined),
    globals: Reflect.ownKeys(globalThis).filter((key) => !before.includes(key)).map(String),
    logged,
    queued: oaiq.q.length + oaiq.queue.length,
    // files and pipes are what Node itself has open
    active: process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|TCP|DNS|Message|Worker/.test(name)),
  }));
`;

for (const { name, type, load } of [
  { name: "import", type: "module", load: `await import("oaiq")` },
  { name: "require", type: "commonjs", load: `require("oaiq")` },
])
  test(`${name} and all calls do nothing on a server`, async () => {
    const report = await outputOf(
      process.execPath,
      `--input-type=${type}`,
      "--eval",
      serverProgram(load),
    );
    assert.deepEqual(JSON.parse(report), {
      kind: "function",
      others: [],
      returned: [],
      globals: [],
      logged: [],
      queued: 0,
      active: [],
    });
  });

test("the helpers can be imported on a server, where there are no IDs", async () => {
  const printed = await outputOf(
    process.execPath,
    "--input-type=module",
    "--eval",
    `import { eventId, ids, minorUnits, withIds } from "oaiq/helpers";
     process.stdout.write(JSON.stringify([
       minorUnits("129.99", "USD"), ids(), Object.keys(withIds()), eventId().length,
     ]));`,
  );
  assert.deepEqual(JSON.parse(printed), [12999, {}, ["headers"], 36]);
});

for (const [name, statement, type] of [
  [
    "imported",
    `import { Oaiq, oaiq, useMeasure } from "oaiq/react";`,
    "module",
  ],
  [
    "required",
    `const { Oaiq, oaiq, useMeasure } = require("oaiq/react");`,
    "commonjs",
  ],
])
  test(`oaiq/react can be ${name} on a server, where its calls do nothing`, async () => {
    const printed = await outputOf(
      process.execPath,
      `--input-type=${type}`,
      "--eval",
      `${statement}
       oaiq("init", { pixelId: "ONE" });
       process.stdout.write([typeof Oaiq, typeof useMeasure, typeof window].join());`,
    );
    assert.equal(printed, "function,function,undefined");
  });

describe("the types accept valid calls, reject invalid ones and match src/schema/events.rs", () => {
  for (const [resolution, config] of Object.entries({
    bundler: "tsconfig.json",
    node16: "tsconfig.node16.json",
  }))
    test(`with moduleResolution ${resolution}`, async () => {
      await outputOf(
        process.execPath,
        join(root, "node_modules/typescript/bin/tsc"),
        "--project",
        join(root, "tests/types", config),
      );
    });

  test("and are the ones in the package, for both kinds of module", async () => {
    const expected = await readFile(join(root, "www/types/oaiq.d.ts"), "utf8");
    for (const file of ["oaiq.d.ts", "oaiq.d.cts"])
      assert.equal(
        await readFile(join(root, "dist", file), "utf8"),
        `${banner()}\n${expected}`,
      );
    assert.equal(
      await readFile(join(root, "dist/oaiq.helpers.d.ts"), "utf8"),
      `${banner()}\n${await readFile(join(root, "www/types/helpers.d.ts"), "utf8")}`,
    );
  });
});
