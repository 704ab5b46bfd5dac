// Takes out of a compiled module what nobody calls, and gives what crosses its border names of one letter.
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fail, printed, root, run } from "./run.mjs";

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

const OPTIMISE = [
  // not --traps-never-happen: a fault must end in a trap, not in whatever comes next
  "--low-memory-unused",
  "-Oz",
  "--converge",
  "--strip-debug",
  "--strip-producers",
  "--strip-target-features",
];

/**
 * Shrinks the wasm-bindgen output oaiq_bg.wasm and oaiq_bg.js in that folder, and writes imports.js beside them, which
 * has what the module is instantiated with. `calls` are the exports that are called beside those that the glue calls.
 */
export const shrink = async (folder, calls) => {
  const wasm = join(folder, "oaiq_bg.wasm");
  const glueFile = join(folder, "oaiq_bg.js");
  let glue = await readFile(glueFile, "utf8");

  const called = new Set(
    [...glue.matchAll(/\bwasm\.(\w+)/g)].map(([, name]) => name),
  );
  if (!calls.includes("__wbindgen_start"))
    called.delete("__wbindgen_externrefs");
  for (const name of calls) called.add(name);
  const graph = join(folder, "exports.json");
  const roots = [...called].map((name) => ({ name, export: name, root: true }));
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
  run(bin("wasm-opt"), [wasm, ...OPTIMISE, ...FEATURES, "-o", wasm]);

  const names = JSON.parse(
    printed(bin("wasm-opt"), [
      wasm,
      ...FEATURES,
      "--minify-imports-and-exports-and-modules",
      "-o",
      wasm,
    ]) ?? fail("wasm-opt could not rename the module's imports"),
  );
  const exported = new Map(names.exports);
  glue = glue.replaceAll(
    /\bwasm\.(\w+)/g,
    (_, name) => `wasm.${exported.get(name)}`,
  );
  await writeFile(glueFile, glue);

  // whatever module an import came from, it is now in "a"
  const from = (module) =>
    names.imports
      .filter(([origin]) => origin === module)
      .map(([, name]) => name);
  const start = exported.get("__wbindgen_start");
  await writeFile(
    join(folder, "imports.js"),
    [
      `import { ${from("./oaiq_bg.js").join(", ")} } from "./oaiq_bg.js";`,
      `import { ${from("./page.js").join(", ")} } from "./page.js";`,
      `export const imports = { a: { ${names.imports.map(([, name, short]) => `${short}: ${name}`).join(", ")} } };`,
      `export const started = (exports) => ${start ? `exports.${start}()` : "undefined"};`,
      "",
    ].join("\n"),
  );
};
