// npm test: everything that must hold, the quick before the slow.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { buildInspector } from "./build-inspector.mjs";
import { build, buildFaulty } from "./build.mjs";
import { root, run, say } from "./run.mjs";
import {
  chromium,
  firefox,
  nodePackages,
  pythonTools,
  rust,
  webkit,
} from "./setup.mjs";

const bin = (name) => join(root, "node_modules/.bin", name);

nodePackages();
rust();
pythonTools();
const CHROME = chromium();
const FIREFOX = firefox();
webkit();

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

// the collector carries it, and a test asks for it
await buildInspector();

say("native tests");
run(process.execPath, [
  "--test",
  "tests/user.test.mjs",
  "tests/consent.test.mjs",
  ...readdirSync(join(root, "tests/inspector"))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => `tests/inspector/${name}`),
]);
run("cargo", ["test", "--quiet", "--locked", "--workspace", "--all-features"]);

await build();
await buildFaulty();
run("cargo", ["build", "--quiet", "--locked", "--package", "oaiq-collector"]);

const nodeTests = (files) =>
  run(process.execPath, ["--test", "--test-concurrency=2", ...files], {
    env: { CHROME },
  });

say("what users download: its size, the npm package, its types");
nodeTests(["tests/size.test.mjs", "tests/package.test.mjs"]);

say(
  "what other people's tools do to the scripts, the snippets and the package",
);
nodeTests(
  readdirSync(join(root, "tests/tools"))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => `tests/tools/${name}`),
);

say("the recorded visits, in each engine");
// they are about times, so nothing else may run beside them
for (const ENGINE of ["chromium", "csp", "nowasm", "firefox", "webkit"])
  run(process.execPath, ["--test", "tests/engines/conformance.test.mjs"], {
    env: { CHROME, FIREFOX, ENGINE },
  });

say("browser tests");
// the soak's visitors come and go by the clock
nodeTests(["tests/soak/soak.test.mjs"]);
nodeTests(
  readdirSync(join(root, "tests/browser"))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => `tests/browser/${name}`),
);
