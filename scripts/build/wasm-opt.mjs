// Optimizes compiled WebAssembly modules with Binaryen's programs.
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { bin, capture, die, root, run } from "../exec.mjs";

/** What the module may use: every browser of the last years has these. */
const FEATURES = [
  "bulk-memory",
  "bulk-memory-opt",
  "multivalue",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "sign-ext",
].map((feature) => `--enable-${feature}`);

// Not --traps-never-happen: a panic must end in a trap.
const PASSES = [
  // rebuilding the control flow, and optimizing twice, saves 1.5 % more than -Oz alone
  "--flatten",
  "--rereloop",
  "-Oz",
  "-Oz",
  "--converge",
  "--merge-locals",
  "-Oz",
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];

/**
 * Runs of wasm-opt that shrink the module further, each on the file that the one before has written. Found by trying
 * random sequences, and comparing the brotli size of the script that contains the module.
 */
const FURTHER_PASSES = [
  ["-O3"],
  ["--optimize-instructions"],
  ["--optimize-added-constants-propagate", "--simplify-globals-optimizing"],
  ["--dealign"],
  ["--propagate-globals-globally", "--coalesce-locals", "--reorder-functions"],
];

/** Features that the first browsers with WebAssembly lack, and that wasm2js cannot translate. */
const LOWERING = [
  "--llvm-memory-copy-fill-lowering",
  "--llvm-nontrapping-fptoint-lowering",
  "--signext-lowering",
];

/**
 * The module before FURTHER_PASSES: JavaScript made of this one is smaller.
 *
 * @param {string} folder
 */
const intermediateModule = (folder) => join(folder, "intermediate.wasm");

/**
 * @param {string} wasm
 * @param {string[]} passes
 */
const wasmOpt = (wasm, passes) =>
  run(bin("wasm-opt"), [
    wasm,
    "--low-memory-unused",
    ...passes,
    ...FEATURES,
    "-o",
    wasm,
  ]);

/**
 * Shrinks oaiq_bg.wasm and its JavaScript oaiq_bg.js, as wasm-bindgen has written them into a folder, and writes
 * imports.js there: the import object for the module. Imports and exports get one-letter names.
 *
 * @param {string} folder
 * @param {Iterable<string>} exports the exports to preserve; all others are removed, with the code that only they need
 * @returns {Promise<Map<string, string>>} each export's new name
 */
export const optimizeWasm = async (folder, exports) => {
  const wasm = join(folder, "oaiq_bg.wasm");
  const graph = join(folder, "exports.json");
  const roots = [...exports].map((name) => ({
    name,
    export: name,
    root: true,
  }));
  await writeFile(graph, JSON.stringify(roots));
  if (
    capture(bin("wasm-metadce"), [
      wasm,
      "--graph-file",
      graph,
      ...FEATURES,
      "-o",
      wasm,
    ]) === null
  )
    die("wasm-metadce could not read the module");
  await rm(graph);
  wasmOpt(wasm, PASSES);
  /** @type {{ imports: [module: string, name: string, short: string][], exports: [name: string, short: string][] }} */
  const names = JSON.parse(
    capture(bin("wasm-opt"), [
      wasm,
      ...FEATURES,
      "--minify-imports-and-exports-and-modules",
      "-o",
      wasm,
    ]) ?? die("wasm-opt could not rename the module's imports"),
  );
  await copyFile(wasm, intermediateModule(folder));
  for (const passes of FURTHER_PASSES) wasmOpt(wasm, [...passes, "-Oz"]);

  const renamed = new Map(names.exports);
  const glue = join(folder, "oaiq_bg.js");
  await writeFile(
    glue,
    renameExports(await readFile(glue, "utf8"), "wasm", renamed),
  );
  // wasm-opt moves all imports into one module named "a"
  const imports = names.imports.map(
    ([module, name]) => `import { ${name} } from "${module}";`,
  );
  const members = names.imports.map(([, name, short]) => `${short}: ${name}`);
  await writeFile(
    join(folder, "imports.js"),
    [
      ...imports,
      `export const imports = { a: { ${members.join(", ")} } };`,
      "",
    ].join("\n"),
  );
  return renamed;
};

/**
 * The exports that a script uses: every name after `object.`
 *
 * @param {string} object the variable that holds the module's exports
 * @param {string} script
 */
export const exportsUsedBy = (object, script) =>
  [...script.matchAll(new RegExp(`\\b${object}\\.(\\w+)`, "g"))].map(
    ([, name = ""]) => name,
  );

/**
 * Replaces the exports' names after `object.` by their new ones.
 *
 * @param {string} script
 * @param {string} object
 * @param {Map<string, string>} names
 */
export const renameExports = (script, object, names) =>
  script.replaceAll(
    new RegExp(`\\b${object}\\.(\\w+)`, "g"),
    (_, name) => `${object}.${names.get(name) ?? name}`,
  );

/**
 * Translates the optimized module of a folder to JavaScript: fallback.js, whose `instantiate` takes the import object
 * and returns the exports.
 *
 * @param {string} folder
 */
export const wasmToJs = async (folder) => {
  const lowered = join(folder, "lowered.wasm");
  const script = join(folder, "fallback.js");
  run(bin("wasm-opt"), [
    intermediateModule(folder),
    ...FEATURES,
    ...LOWERING,
    "-Oz",
    "-o",
    lowered,
  ]);
  run(bin("wasm2js"), [lowered, ...FEATURES, "-Oz", "-o", script]);
  // wasm2js writes a module that imports from "a" and instantiates itself
  const body = (await readFile(script, "utf8"))
    .replace(/^import .*$/m, "")
    .replaceAll(/^export var .*$/gm, "");
  await writeFile(
    script,
    `export const instantiate = ({ a }) => {\n${body}\nreturn retasmFunc;\n};\n`,
  );
};

/**
 * Assembles a module written in the text format, and returns its bytes.
 *
 * @param {string} file
 */
export const assembleWat = async (file) => {
  const out = join(root, "target/pkg", `${basename(file)}.wasm`);
  run(bin("wasm-opt"), [file, "-Oz", "-o", out]);
  return [...(await readFile(out))];
};
