// Compiles the crate to the WebAssembly modules that the scripts contain.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root, run } from "../exec.mjs";
import { ensureWasmBindgen, wasmToolchain } from "../setup.mjs";
import { exportsUsedBy, optimizeWasm } from "./wasm-opt.mjs";

/**
 * @typedef {object} CompiledModule
 * @property {string} folder has oaiq_bg.wasm, its JavaScript oaiq_bg.js, and imports.js, the import object
 * @property {Map<string, string>} names the exports' one-letter names
 */

/**
 * How much larger LLVM may make a function by inlining. Of all values from 0 to 60, this one makes the smallest script
 * (brotli); rustc's own for `opt-level = "z"` is 5.
 */
const INLINE_THRESHOLD = "-Cllvm-args=--inline-threshold=15";

/**
 * Compiles the crate with some features.
 *
 * @param {string} name of the folder in target/pkg
 * @param {string} features
 * @param {(glue: string) => Promise<Iterable<string>>} exportsToKeep takes the JavaScript that wasm-bindgen has generated
 * @param {string[]} [linkerArgs]
 * @returns {Promise<CompiledModule>}
 */
const compile = async (name, features, exportsToKeep, linkerArgs = []) => {
  const { cargo, env, args, targetDir } = wasmToolchain();
  const folder = join(root, "target/pkg", name);
  run(
    cargo,
    [
      "rustc",
      "--quiet",
      "--locked",
      "--release",
      "--lib",
      ...args,
      "--target-dir",
      targetDir,
      "--features",
      features,
      "--",
      INLINE_THRESHOLD,
      ...linkerArgs.map((arg) => `-Clink-arg=${arg}`),
    ],
    { env },
  );
  run(ensureWasmBindgen(), [
    join(root, targetDir, "wasm32-unknown-unknown/release/oaiq.wasm"),
    "--target",
    "bundler",
    "--no-typescript",
    "--remove-name-section",
    "--remove-producers-section",
    "--out-dir",
    folder,
    "--out-name",
    "oaiq",
  ]);
  const glue = await readFile(join(folder, "oaiq_bg.js"), "utf8");
  const names = await optimizeWasm(folder, new Set(await exportsToKeep(glue)));
  return { folder, names };
};

/**
 * The exports that the scripts of these entry points call directly, as `module.name()`: calls that pass only numbers
 * need no generated JavaScript.
 *
 * @param {string[]} entries
 */
const exportsCalledFrom = async (entries) => {
  const { build } = await import("esbuild");
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir: "target",
    bundle: true,
    format: "esm",
    write: false,
    metafile: true,
    external: ["oaiq:*"],
    logLevel: "error",
  });
  const scripts = await Promise.all(
    Object.keys(metafile.inputs)
      .sort()
      .map((file) => readFile(join(root, file), "utf8")),
  );
  return scripts.flatMap((script) => exportsUsedBy("module", script));
};

/** A small stack makes the addresses of static data short. It grows towards address 0, so an overflow traps. */
const STACK_BYTES = 4096;

/**
 * The pixel's module.
 *
 * @param {string} name
 * @param {string} features
 * @param {string[]} entries every script that calls this module
 */
export const compilePixel = (name, features, entries) =>
  compile(name, features, () => exportsCalledFrom(entries), [
    `-zstack-size=${STACK_BYTES}`,
  ]);

/** The debug build's module. */
export const compileDebug = () =>
  compile("debug", "debug", async (glue) => [
    ...exportsUsedBy("wasm", glue),
    "__wbindgen_start",
  ]);
