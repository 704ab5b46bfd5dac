// Takes out of a compiled module what nobody calls, and gives what crosses its border names of one letter.
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fail, printed, root, run } from "./exec.mjs";

const bin = (name) => join(root, "node_modules/.bin", name);

/** What the module may use: all browsers of the last years have these. */
const FEATURES = [
  "bulk-memory",
  "bulk-memory-opt",
  "multivalue",
  "mutable-globals",
  "nontrapping-float-to-int",
  "reference-types",
  "sign-ext",
].map((feature) => `--enable-${feature}`);

// not --traps-never-happen: a fault must end in a trap, not in whatever comes next
const OPTIMISE = [
  // control flow made anew, and twice, takes one and a half percent more off what -Oz leaves
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

/** The module before what suits brotli alone: as JavaScript it is smaller so. */
const plainModule = (folder) => join(folder, "plain.wasm");

/**
 * What shrinks a module further that is written and read anew: found by trying random sequences, and judged by what brotli
 * makes of the script that carries the module.
 */
const AGAIN = [
  ["-O3"],
  ["--optimize-instructions"],
  ["--optimize-added-constants-propagate", "--simplify-globals-optimizing"],
  ["--dealign"],
  ["--propagate-globals-globally", "--coalesce-locals", "--reorder-functions"],
];

/** What the first browsers with WebAssembly did not have, and wasm2js does not know. */
const LOWER = [
  "--llvm-memory-copy-fill-lowering",
  "--llvm-nontrapping-fptoint-lowering",
  "--signext-lowering",
];

const optimise = (wasm, passes) =>
  run(bin("wasm-opt"), [
    wasm,
    "--low-memory-unused",
    ...passes,
    ...FEATURES,
    "-o",
    wasm,
  ]);

/**
 * Shrinks wasm-bindgen's output oaiq_bg.wasm and oaiq_bg.js in that folder, of which `calls` are the exports that are
 * needed, and writes imports.js beside them, which has what the module is instantiated with. The map that comes back
 * has the exports' new names.
 */
export const shrink = async (folder, calls) => {
  const wasm = join(folder, "oaiq_bg.wasm");
  const graph = join(folder, "exports.json");
  const roots = calls.map((name) => ({ name, export: name, root: true }));
  await writeFile(graph, JSON.stringify(roots));
  if (
    printed(bin("wasm-metadce"), [
      wasm,
      "--graph-file",
      graph,
      ...FEATURES,
      "-o",
      wasm,
    ]) === null
  )
    fail("wasm-metadce could not read the module");
  await rm(graph);
  optimise(wasm, OPTIMISE);
  const names = JSON.parse(
    printed(bin("wasm-opt"), [
      wasm,
      ...FEATURES,
      "--minify-imports-and-exports-and-modules",
      "-o",
      wasm,
    ]) ?? fail("wasm-opt could not rename the module's imports"),
  );
  await copyFile(wasm, plainModule(folder));
  for (const passes of AGAIN) optimise(wasm, [...passes, "-Oz"]);
  const glueFile = join(folder, "oaiq_bg.js");
  let glue = await readFile(glueFile, "utf8");
  const exported = new Map(names.exports);
  glue = renamed(glue, "wasm", exported);
  await writeFile(glueFile, glue);

  // whatever module an import came from, it is now in "a"
  const imported = names.imports.map(
    ([module, name]) => `import { ${name} } from "${module}";`,
  );
  await writeFile(
    join(folder, "imports.js"),
    [
      ...imported,
      `export const imports = { a: { ${names.imports.map(([, name, short]) => `${short}: ${name}`).join(", ")} } };`,
      "",
    ].join("\n"),
  );
  return exported;
};

/** Which exports a script calls: the names behind `holder.` */
export const namesBehind = (holder, script) =>
  [...script.matchAll(new RegExp(`\\b${holder}\\.(\\w+)`, "g"))].map(
    ([, name]) => name,
  );

/** A script with the exports' new names behind `holder.` */
export const renamed = (script, holder, names) =>
  script.replaceAll(
    new RegExp(`\\b${holder}\\.(\\w+)`, "g"),
    (_, name) => `${holder}.${names.get(name) ?? name}`,
  );

/** The shrunk module of that folder as JavaScript: fallback.js, whose `instantiate` takes imports and gives exports. */
export const asJavaScript = async (folder) => {
  const lowered = join(folder, "lowered.wasm");
  const script = join(folder, "fallback.js");
  run(bin("wasm-opt"), [
    plainModule(folder),
    ...FEATURES,
    ...LOWER,
    "-Oz",
    "-o",
    lowered,
  ]);
  run(bin("wasm2js"), [lowered, ...FEATURES, "-Oz", "-o", script]);
  // it comes as a module that imports from one named "a" and instantiates itself
  const body = (await readFile(script, "utf8"))
    .replace(/^import .*$/m, "")
    .replaceAll(/^export var .*$/gm, "");
  await writeFile(
    script,
    `export const instantiate = ({ a }) => {\n${body}\nreturn retasmFunc;\n};\n`,
  );
};

/** The bytes of a module that is written as text. */
export const assembled = async (file) => {
  const out = join(root, "target/pkg", `${basename(file)}.wasm`);
  run(bin("wasm-opt"), [file, "-Oz", "-o", out]);
  return [...(await readFile(out))];
};
