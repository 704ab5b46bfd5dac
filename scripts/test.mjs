// npm test: everything that must hold, the quick before the slow.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build, buildFaulty } from "./build.mjs";
import { root, run, say } from "./run.mjs";
import { chromium, nodePackages, rust } from "./setup.mjs";

const bin = (name) => join(root, "node_modules/.bin", name);

nodePackages();
rust();
const CHROME = chromium();

say("formats and lints");
run(bin("prettier"), ["--check", "--log-level=warn", "."]);
run(bin("eslint"), ["."]);
run("cargo", ["fmt", "--all", "--check"]);
run("cargo", [
  "clippy",
  "--quiet",
  "--locked",
  "--workspace",
  "--all-targets",
  "--all-features",
  "--",
  "--deny",
  "warnings",
]);

say("native tests");
run("cargo", ["test", "--quiet", "--locked", "--workspace", "--all-features"]);

await build();
await buildFaulty();
run("cargo", ["build", "--quiet", "--locked", "--package", "oaiq-collector"]);

say("browser tests, in real Chromium");
const browserTests = readdirSync(join(root, "tests/browser")).filter((name) =>
  name.endsWith(".test.mjs"),
);
const RECORDED = "conformance.test.mjs";
// the recorded visits are about times, so nothing else may run beside them
for (const names of [
  [RECORDED],
  browserTests.filter((name) => name !== RECORDED),
]) {
  const files = names.map((name) => join("tests/browser", name));
  run(process.execPath, ["--test", "--test-concurrency=2", ...files], {
    env: { CHROME },
  });
}
