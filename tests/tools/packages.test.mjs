// Tests the npm package in other projects: packed and installed as users get it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { build } from "vite";
import { root } from "../../scripts/exec.mjs";

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 */
const outputOf = async (program, args, cwd) => {
  const done = promisify(execFile)(program, args, { cwd, timeout: 60_000 });
  const { stdout, stderr } = await done.catch((error) => {
    throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
  });
  return stdout + stderr;
};

describe("a project that has installed the package", () => {
  let project = "";
  /**
   * @param {string} file
   * @param {string} text
   */
  const write = async (file, text) => {
    await mkdir(dirname(join(project, file)), { recursive: true });
    await writeFile(join(project, file), text);
  };

  before(async () => {
    project = await mkdtemp(join(tmpdir(), "oaiq-project-"));
    await outputOf(
      "npm",
      ["pack", "--ignore-scripts", "--pack-destination", project],
      root,
    );
    const [archive = ""] = await readdir(project);
    const folder = join(project, "node_modules/oaiq");
    await mkdir(folder, { recursive: true });
    await outputOf(
      "tar",
      ["-xzf", archive, "-C", folder, "--strip-components=1"],
      project,
    );
    await write("package.json", "{}");
  });
  after(() => rm(project, { recursive: true }));

  /**
   * Runs a test of the project with Jest, transformed to CommonJS as ts-jest and Babel do.
   *
   * @param {string} environment
   * @param {string} text
   */
  const jest = async (environment, text, setup = "") => {
    await write(
      "transform.cjs",
      `const esbuild = require(${JSON.stringify(join(root, "node_modules/esbuild"))});
       exports.process = (text) => ({ code: esbuild.transformSync(text, { format: "cjs", target: "es2022" }).code });`,
    );
    await write("setup.js", setup);
    const config = {
      rootDir: project,
      testEnvironment: join(
        root,
        "node_modules",
        `jest-environment-${environment}`,
      ),
      testMatch: ["**/app.test.js"],
      transform: { "\\.js$": join(project, "transform.cjs") },
      setupFiles: [join(project, "setup.js")],
    };
    await write("app.test.js", text);
    return outputOf(
      process.execPath,
      [
        join(root, "node_modules/jest/bin/jest.js"),
        "--config",
        JSON.stringify(config),
      ],
      project,
    );
  };

  const CALLS = `
    import oaiq from "oaiq";
    test("the page continues to work", () => {
      expect(typeof oaiq).toBe("function");
      expect(oaiq("init", { pixelId: "PIXEL" })).toBe(undefined);
      expect(oaiq("measure", "page_viewed", { type: "contents" })).toBe(undefined);
      expect(oaiq.consent(true)).toBe(undefined);
    });`;

  for (const environment of ["node", "jsdom"])
    test(`imports it in Jest in the environment ${environment}`, async () => {
      const output = await jest(environment, CALLS);
      assert.match(output, /1 passed/);
    });

  test("has no warning in jsdom with the setup of docs/testing.md", async () => {
    const docs = await readFile(join(root, "docs/testing.md"), "utf8");
    const [, setup] =
      /```js\n *\/\/ jest\.setup\.js\n([^]*?)```/.exec(docs) ?? [];
    assert.ok(setup);
    assert.match(await jest("jsdom", CALLS), /\[oaiq\]/);
    const output = await jest("jsdom", CALLS, setup);
    assert.match(output, /1 passed/);
    assert.doesNotMatch(output, /\[oaiq\]/);
  });

  test("can be mocked in Jest as docs/testing.md says", async () => {
    const docs = await readFile(join(root, "docs/testing.md"), "utf8");
    const [, example] = /```js\n( *jest\.mock[^]*?)```/.exec(docs) ?? [];
    assert.ok(example);
    const output = await jest(
      "node",
      // a project's transformer hoists the mock; here it is first anyway
      example.replace(
        /import oaiq from "oaiq";/,
        `const { default: oaiq } = require("oaiq");
        const buy = (id) => oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR" }, { event_id: id });`,
      ),
    );
    assert.match(output, /1 passed/);
  });

  test("keeps its other files as files in a Vite build with any assetsInlineLimit", async () => {
    await write("index.html", `<script type="module" src="/main.js"></script>`);
    await write(
      "main.js",
      `import oaiq from "oaiq"; oaiq("init", { pixelId: "PIXEL" });`,
    );
    for (const assetsInlineLimit of [undefined, 200_000]) {
      const result = await build({
        root: project,
        configFile: false,
        logLevel: "silent",
        build: { write: false, assetsInlineLimit },
      });
      assert.ok("output" in result);
      const names = result.output.map(({ fileName }) => fileName).sort();
      for (const name of [
        "consent",
        "debug",
        "fallback",
        "keepalive",
        "layer",
        "recovery",
      ])
        assert.ok(
          names.some((file) => file.includes(`oaiq.${name}.min`)),
          `no ${name} in ${names}`,
        );
    }
  });
});
