// npm run check: what can be said of the pixel in a minute, without a browser, SQLite or WebAssembly.
import { join } from "node:path";
import { root, run } from "../exec.mjs";
import { nodePackages, rust } from "../setup.mjs";
import { given, isCommand, nodeTests, testFiles } from "./lane.mjs";

const USAGE = `npm run check
  formats, lints, types, native tests of the pixel, Node unit tests`;

/** They look at what a build has made; the lane "package" runs them. */
export const NEED_A_BUILD = [
  "tests/unit/package.test.mjs",
  "tests/unit/size.test.mjs",
];

const bin = (name) => join(root, "node_modules/.bin", name);

/** clippy for one crate. */
export const clippy = (crate, ...features) =>
  run("cargo", [
    "clippy",
    "--quiet",
    "--locked",
    "--all-targets",
    `--package=${crate}`,
    ...features,
    "--",
    "--deny=warnings",
  ]);

export const check = () => {
  nodePackages();
  rust();
  run(
    bin("prettier"),
    [
      "--check",
      "--log-level=warn",
      "--cache",
      "--cache-location=target/prettier",
      ".",
    ],
    { otherwise: "not formatted: npm run format" },
  );
  run(bin("eslint"), ["."]);
  run(bin("tsc"), ["--project", "tests/types/tsconfig.source.json"]);
  run("cargo", ["fmt", "--all", "--check"], {
    otherwise: "not formatted: npm run format",
  });
  clippy("oaiq", "--all-features");
  nodeTests([
    ...testFiles("unit").filter((file) => !NEED_A_BUILD.includes(file)),
    ...testFiles("unit/inspector"),
  ]);
  run("cargo", [
    "test",
    "--quiet",
    "--locked",
    "--package=oaiq",
    "--features=wire,explain",
  ]);
};

if (isCommand(import.meta)) {
  given(USAGE);
  check();
}
