// npm run check: all that needs neither a browser nor SQLite nor a WebAssembly build, in less than a minute.
import { bin, runInParallel } from "../exec.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { installNodePackages, requireRust } from "../setup.mjs";
import { testFiles } from "./lane.mjs";

const USAGE = `npm run check
Checks formatting, lints and types, and runs the pixel's native tests and the Node unit tests.`;

/** Unit tests of built files, which the lane "package" runs. */
export const NEED_A_BUILD = [
  "tests/unit/package.test.mjs",
  "tests/unit/size.test.mjs",
];

/** What `tsc` checks. The first one checks the public types, without a build. */
const TYPESCRIPT_PROJECTS = [
  "tests/types/tsconfig.source.json",
  "www/tsconfig.json",
  "www/inspector/tsconfig.json",
  "tests/tsconfig.json",
  "scripts/tsconfig.json",
];

/**
 * Cargo's arguments to lint one crate with clippy.
 *
 * @param {string} crate
 * @param {string[]} features
 */
export const clippy = (crate, ...features) => [
  "clippy",
  "--quiet",
  "--locked",
  "--all-targets",
  `--package=${crate}`,
  ...features,
  "--",
  "--deny=warnings",
];

const unitTests = () => [
  ...testFiles("unit").filter((file) => !NEED_A_BUILD.includes(file)),
  ...testFiles("unit/gtm"),
  ...testFiles("unit/helpers"),
  ...testFiles("unit/inspector"),
  ...testFiles("unit/layer"),
  ...testFiles("unit/matching"),
];

export const check = async () => {
  installNodePackages();
  requireRust();
  const notFormatted = "not formatted: run npm run format";
  await runInParallel([
    [
      {
        program: bin("prettier"),
        args: [
          "--check",
          "--log-level=warn",
          "--cache",
          "--cache-location=target/prettier",
          ".",
        ],
        onFailure: notFormatted,
      },
      { program: bin("eslint"), args: ["."] },
      ...TYPESCRIPT_PROJECTS.map((file) => ({
        program: bin("tsc"),
        args: ["--project", file],
      })),
      {
        program: process.execPath,
        args: ["--test", "--test-concurrency=1", ...unitTests()],
        onFailure: "tests failed, see above",
      },
    ],
    [
      {
        program: "cargo",
        args: ["fmt", "--all", "--check"],
        onFailure: notFormatted,
      },
      {
        program: "cargo",
        args: clippy("oaiq", "--package=xtask", "--all-features"),
      },
      {
        program: "cargo",
        args: [
          "test",
          "--quiet",
          "--locked",
          "--package=oaiq",
          "--package=xtask",
          "--features=oaiq/wire,oaiq/explain",
        ],
      },
    ],
  ]);
};

if (isMain(import.meta)) {
  parseOptions(USAGE, {});
  await check();
}
