// The npm package: what is in it, its types, and what its import does where there is no page. `npm run build` comes first.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { PACKED_FILES, packedFiles } from "../../scripts/build/npm-package.mjs";
import { banner } from "../../scripts/build/version.mjs";
import { root } from "../../scripts/exec.mjs";

/** Runs a program in the project's root; fails with all that it has said. */
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

const json = async (file) => JSON.parse(await readFile(join(root, file)));

test("each file of dist/ starts with the versions", async () => {
  const files = await readdir(join(root, "dist"));
  for (const file of files.filter((name) => name !== "integrity.json")) {
    const text = await readFile(join(root, "dist", file), "utf8");
    assert.ok(text.trimStart().startsWith(banner()), file);
  }
});

describe("the npm package", () => {
  test("holds what a user needs and nothing else", () => {
    assert.deepEqual(packedFiles(), PACKED_FILES);
  });

  test("names no file that is not in it", async () => {
    const { exports, main, module, types } = await json("package.json");
    const filesIn = (entry) =>
      typeof entry === "string" ? entry : Object.values(entry).flatMap(filesIn);
    for (const file of [...filesIn(exports), main, module, types])
      assert.ok(PACKED_FILES.includes(file.replace("./", "")), file);
  });

  test("is installed without anything else, and runs no script then", async () => {
    const { dependencies, scripts } = await json("package.json");
    assert.equal(dependencies, undefined);
    for (const name of ["preinstall", "install", "postinstall"])
      assert.equal(scripts[name], undefined);
  });

  test("has the hash of each script for the attribute integrity", async () => {
    const hashes = await json("dist/integrity.json");
    const scripts = (await readdir(join(root, "dist"))).filter((name) =>
      name.endsWith(".js"),
    );
    assert.equal(scripts.length, 5);
    for (const name of new Set([...scripts, ...Object.keys(hashes)])) {
      const hash = createHash("sha384")
        .update(await readFile(join(root, "dist", name)))
        .digest("base64");
      assert.equal(hashes[name], `sha384-${hash}`, name);
    }
  });
});

/** Loads the package by its name, as a server does that renders a page, and calls all there is to call. */
const server = (load) => `
  const before = Reflect.ownKeys(globalThis);
  const said = [];
  for (const level of Object.keys(console))
    if (typeof console[level] === "function") console[level] = () => said.push(level);
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
    said,
    kept: oaiq.q.length + oaiq.queue.length,
    // files and pipes are what Node itself has open
    waiting: process.getActiveResourcesInfo().filter((name) => /Timeout|Immediate|TCP|DNS|Message|Worker/.test(name)),
  }));
`;

for (const [way, type, load] of [
  ["import", "module", `await import("oaiq")`],
  ["require", "commonjs", `require("oaiq")`],
])
  test(`on a server ${way} and all calls do nothing, and nothing keeps the process alive`, async () => {
    const report = await outputOf(
      process.execPath,
      `--input-type=${type}`,
      "--eval",
      server(load),
    );
    assert.deepEqual(JSON.parse(report), {
      kind: "function",
      others: [],
      returned: [],
      globals: [],
      said: [],
      kept: 0,
      waiting: [],
    });
  });

describe("types: what is right compiles, what is wrong does not, and the table of src/schema/events.rs agrees", () => {
  for (const [resolution, config] of [
    ["bundler", "tsconfig.json"],
    ["node16", "tsconfig.node16.json"],
  ])
    test(`with moduleResolution ${resolution}`, async () => {
      await outputOf(
        process.execPath,
        join(root, "node_modules/typescript/bin/tsc"),
        "--project",
        join(root, "tests/types", config),
      );
    });

  test("the package has the types that are tested, for both kinds of module", async () => {
    const tested = await readFile(join(root, "www/types/oaiq.d.ts"), "utf8");
    for (const file of ["oaiq.d.ts", "oaiq.d.cts"])
      assert.equal(
        await readFile(join(root, "dist", file), "utf8"),
        `${banner()}\n${tested}`,
      );
  });
});
