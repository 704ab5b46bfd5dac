// npm run build: builds dist/, the install snippets, and the inspector's page. Its parts are in scripts/build/.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buildInspector } from "./build-inspector.mjs";
import { bundle } from "./build/bundle.mjs";
import { compileDebug, compilePixel } from "./build/compile.mjs";
import { embedWasm, toTemplateLiteral } from "./build/embed-wasm.mjs";
import { writeIntegrity } from "./build/integrity.mjs";
import {
  writeHelpers,
  writeNpmPackage,
  writeReact,
} from "./build/npm-package.mjs";
import {
  MODULES,
  releaseSizes,
  SCRIPTS,
  sizeFigures,
  sizesOf,
  sizeTable,
} from "./build/sizes.mjs";
import { banner, PIXEL_ENTRY } from "./build/version.mjs";
import { wasmToJs } from "./build/wasm-opt.mjs";
import { log, root } from "./exec.mjs";
import { isMain, parseOptions } from "./options.mjs";
import { installNodePackages } from "./setup.mjs";
import { writeSnippets } from "./snippets.mjs";
import { writeSection } from "./write-figures.mjs";

const USAGE = `npm run build [-- --write]
Builds dist/, the install snippets, and the inspector's page, and prints the size of each file.
  --write  write the sizes into docs/figures.md`;

/** Makes browsers read a script as UTF-8, whatever its page or server declare (https://encoding.spec.whatwg.org/#decode). */
const BYTE_ORDER_MARK = "\ufeff";
/**
 * Starts each script, for tools that concatenate scripts: a line comment or an unfinished statement at the end of the one
 * before must not extend into ours.
 */
const NEW_LINE = "\n";

const FALLBACK_ENTRY = "www/pixel/fallback.entry.js";
const RECOVERY_ENTRY = "www/recovery/entry.js";

/**
 * Writes a script that contains a module.
 *
 * @param {string} file
 * @param {string} entry
 * @param {import("./build/compile.mjs").CompiledModule} compiled
 */
const writeScript = async (file, entry, compiled) => {
  const wasm = await readFile(join(compiled.folder, "oaiq_bg.wasm"));
  const script = await embedWasm(
    await bundle(entry, compiled),
    toTemplateLiteral(wasm),
  );
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(
    join(root, file),
    BYTE_ORDER_MARK + NEW_LINE + banner() + script.trimEnd(),
  );
};

/**
 * Writes a script that contains no module, though it may call the one that the pixel has loaded.
 *
 * @param {string} file
 * @param {string} entry
 * @param {import("./build/compile.mjs").CompiledModule} compiled
 */
const writeScriptWithoutModule = async (file, entry, compiled) =>
  writeFile(
    join(root, file),
    NEW_LINE + banner() + (await bundle(entry, compiled)),
  );

/**
 * @param {string} name
 * @param {string} [features]
 */
const compile = (name, features = "") =>
  compilePixel(name, features, [
    PIXEL_ENTRY,
    // reached only through the generated imports.js
    "www/pixel/host.js",
    FALLBACK_ENTRY,
    RECOVERY_ENTRY,
  ]);

/** Builds all that users get. */
export const build = async () => {
  installNodePackages();
  log("building dist/");
  const pixel = await compile("pixel");
  const debug = await compileDebug();
  await wasmToJs(pixel.folder);
  await rm(join(root, "dist"), { recursive: true, force: true });
  await writeScript("dist/oaiq.min.js", PIXEL_ENTRY, pixel);
  await writeScript("dist/oaiq.fallback.min.js", FALLBACK_ENTRY, pixel);
  await writeScript("dist/oaiq.debug.min.js", "www/debug/entry.js", debug);
  await writeScriptWithoutModule(
    "dist/oaiq.consent.min.js",
    "www/consent/entry.js",
    pixel,
  );
  await writeScriptWithoutModule(
    "dist/oaiq.recovery.min.js",
    RECOVERY_ENTRY,
    pixel,
  );
  await writeScriptWithoutModule(
    "dist/oaiq.keepalive.min.js",
    "www/keepalive/entry.js",
    pixel,
  );
  for (const name of ["fields", "layer", "matching", "views"])
    await writeScriptWithoutModule(
      `dist/oaiq.${name}.min.js`,
      `www/${name}/entry.js`,
      pixel,
    );
  await writeHelpers();
  await writeReact();
  await writeNpmPackage(pixel);
  await writeSnippets();
  await writeIntegrity(SCRIPTS);
  await buildInspector();
  console.log(
    sizeTable(await sizesOf([...SCRIPTS, ...MODULES]), releaseSizes()),
  );
};

/** Builds a pixel whose module can be made to panic, for the tests of what the page gets then. */
export const buildFaultInjected = async () =>
  writeScript(
    "target/fault-injected/oaiq.min.js",
    PIXEL_ENTRY,
    await compile("fault-injected", "fault-injection"),
  );

if (isMain(import.meta)) {
  const { write } = parseOptions(USAGE, { write: { type: "boolean" } }).values;
  await build();
  if (write)
    writeSection("size", `By \`npm run build\`:\n\n${await sizeFigures()}`);
}
