// npm start: builds what is missing or out of date, and serves the demo shop and the inspector.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildInspector } from "./build-inspector.mjs";
import { build } from "./build.mjs";
import { fail, root, run, say } from "./run.mjs";
import { nodePackages, rust } from "./setup.mjs";

/** The newest change of any file below these. */
const newest = (...paths) =>
  Math.max(
    ...paths.map((path) => {
      const here = join(root, path);
      const state = statSync(here);
      if (!state.isDirectory()) return state.mtimeMs;
      return Math.max(
        state.mtimeMs,
        ...readdirSync(here).map((name) => newest(join(path, name))),
      );
    }),
  );

const isBuilt = () =>
  existsSync(join(root, "dist/oaiq.min.js")) &&
  newest("dist/oaiq.min.js") >
    newest(
      "src",
      "www",
      "scripts",
      "Cargo.toml",
      "Cargo.lock",
      "package-lock.json",
    );

nodePackages();
rust();
if (isBuilt()) await buildInspector();
else await build();
say("building the collector (some minutes the first time)");
run("cargo", [
  "build",
  "--quiet",
  "--locked",
  "--release",
  "--package",
  "oaiq-collector",
]);

const collector = spawn(
  join(root, "target/release/oaiq-collector"),
  process.argv.slice(2),
  {
    cwd: root,
    stdio: "inherit",
  },
);
collector.on("error", (error) =>
  fail(`the collector could not be started: ${error.message}`),
);
collector.on("exit", (status, signal) => process.exit(signal ? 1 : status));
// the terminal's Ctrl+C reaches both; the collector then ends by itself
for (const signal of ["SIGINT", "SIGTERM"])
  process.on(signal, () => collector.kill(signal));
