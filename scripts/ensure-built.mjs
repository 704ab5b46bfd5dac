// Builds what the tests and `npm start` need, if a source is newer than the last build.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildInspector } from "./build-inspector.mjs";
import { build, buildFaultInjected } from "./build.mjs";
import { root, run } from "./exec.mjs";
import { installNodePackages, requireRust } from "./setup.mjs";

/** Folders whose files do not affect dist/. */
const UNRELATED = new Set(["scripts/lanes", "www/inspector", "www/shop"]);

/**
 * When a file in these folders last changed.
 *
 * @param {string[]} paths
 * @returns {number} in milliseconds since 1970
 */
const lastChange = (...paths) =>
  Math.max(
    ...paths.map((path) => {
      if (UNRELATED.has(path)) return 0;
      const file = join(root, path);
      const stats = statSync(file);
      if (!stats.isDirectory()) return stats.mtimeMs;
      return Math.max(
        stats.mtimeMs,
        ...readdirSync(file).map((name) => lastChange(`${path}/${name}`)),
      );
    }),
  );

/** @param {string} file */
const isUpToDate = (file) =>
  existsSync(join(root, file)) &&
  lastChange(file) >
    lastChange(
      "src",
      "www",
      "scripts",
      "Cargo.toml",
      "Cargo.lock",
      "package.json",
      "package-lock.json",
    );

const buildIfNeeded = async () => {
  installNodePackages();
  requireRust();
  // the last file that the build writes; it also writes snippets into www/
  if (isUpToDate("dist/integrity.json")) await buildInspector();
  else await build();
};

/** @type {Promise<void> | undefined} */
let pixel;
/** Builds dist/ and the inspector's page if needed; checks only once per process. */
export const ensurePixelBuilt = () => (pixel ??= buildIfNeeded());

/** Builds the pixel whose module can be made to panic, if needed. */
export const ensureFaultInjectedPixelBuilt = async () => {
  if (!isUpToDate("target/fault-injected/oaiq.min.js"))
    await buildFaultInjected();
};

/**
 * Compiles programs of the workspace.
 *
 * @param {string[]} args for cargo
 */
export const cargoBuild = (...args) =>
  run("cargo", ["build", "--quiet", "--locked", ...args]);

/**
 * Compiles the collector, which contains the inspector.
 *
 * @param {string[]} args for cargo
 */
export const buildCollector = async (...args) => {
  await buildInspector();
  cargoBuild("--package=oaiq-collector", ...args);
};

/**
 * Compiles the relay, which contains the pixel.
 *
 * @param {string[]} args for cargo
 */
export const buildRelay = (...args) =>
  cargoBuild("--package=oaiq-relay", ...args);
