// What the tests and `npm start` need built: made only where a source is newer.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { build, buildFaulty } from "./build.mjs";
import { buildInspector } from "./build-inspector.mjs";
import { root, run } from "./exec.mjs";
import { nodePackages, rust } from "./setup.mjs";

/** What dist/ is not made of. */
const ELSEWHERE = new Set(["scripts/lanes", "www/inspector", "www/shop"]);

/** The newest change of any file below these. */
const newest = (...paths) =>
  Math.max(
    ...paths.map((path) => {
      if (ELSEWHERE.has(path)) return 0;
      const here = join(root, path);
      const state = statSync(here);
      if (!state.isDirectory()) return state.mtimeMs;
      return Math.max(
        state.mtimeMs,
        ...readdirSync(here).map((name) => newest(`${path}/${name}`)),
      );
    }),
  );

const isBuilt = (file) =>
  existsSync(join(root, file)) &&
  newest(file) >
    newest(
      "src",
      "www",
      "scripts",
      "Cargo.toml",
      "Cargo.lock",
      "package-lock.json",
    );

const buildPixel = async () => {
  nodePackages();
  rust();
  // the build's last file: it also writes snippets into www/
  if (isBuilt("dist/integrity.json")) await buildInspector();
  else await build();
};

let pixel;
/** dist/ and the inspector's page; looked at once in a process. */
export const builtPixel = () => (pixel ??= buildPixel());

/** The pixel whose module can be made to fail. */
export const builtFaultyPixel = async () => {
  if (!isBuilt("target/faulty/oaiq.min.js")) await buildFaulty();
};

/** The collector's program, with the inspector in it. */
export const builtCollector = async (...args) => {
  await buildInspector();
  run("cargo", [
    "build",
    "--quiet",
    "--locked",
    "--package",
    "oaiq-collector",
    ...args,
  ]);
};
