// Builds the npm package's modules and types, and lists its files.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { capture, die, root } from "../exec.mjs";
import { bundle, bundleModule, bundleReact } from "./bundle.mjs";
import { embedWasm, toAsciiString } from "./embed-wasm.mjs";
import { banner, PIXEL_ENTRY } from "./version.mjs";

/** The files of the npm package, sorted. A file that is not listed here is not published by accident. */
export const PACKED_FILES = [
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "README.md",
  "SECURITY.md",
  "dist/integrity.json",
  "dist/oaiq.cjs",
  "dist/oaiq.consent.min.js",
  "dist/oaiq.d.cts",
  "dist/oaiq.d.ts",
  "dist/oaiq.debug.min.js",
  "dist/oaiq.fallback.min.js",
  "dist/oaiq.fields.min.js",
  "dist/oaiq.helpers.d.ts",
  "dist/oaiq.helpers.mjs",
  "dist/oaiq.keepalive.min.js",
  "dist/oaiq.layer.min.js",
  "dist/oaiq.matching.min.js",
  "dist/oaiq.min.js",
  "dist/oaiq.mjs",
  "dist/oaiq.react.cjs",
  "dist/oaiq.react.d.cts",
  "dist/oaiq.react.d.ts",
  "dist/oaiq.react.mjs",
  "dist/oaiq.recovery.min.js",
  "dist/oaiq.views.min.js",
  "docs/architecture.md",
  "docs/bench.svg",
  "docs/bundlers.md",
  "docs/collector.md",
  "docs/consent.md",
  "docs/csp.md",
  "docs/data-layer.md",
  "docs/decide.md",
  "docs/delivery.md",
  "docs/engines.md",
  "docs/event-path.svg",
  "docs/events.md",
  "docs/figures.md",
  "docs/forms.md",
  "docs/frameworks.md",
  "docs/glossary.md",
  "docs/gtm.md",
  "docs/helpers.md",
  "docs/inspector.png",
  "docs/matching.md",
  "docs/page-views.md",
  "docs/privacy.md",
  "docs/protocol.md",
  "docs/relay-cluster.md",
  "docs/relay.md",
  "docs/testing.md",
  "docs/tools.md",
  "docs/troubleshooting.md",
  "docs/upgrading.md",
  "gtm/README.md",
  "gtm/container.json",
  "gtm/template.tpl",
  "package.json",
  "www/snippet/short.html",
  "www/snippet/snippet.html",
  "www/snippet/snippet.js",
  "www/snippet/strict.html",
  "www/snippet/stub.html",
];

/**
 * The files that `npm pack` would put into the package, sorted. Does not build.
 *
 * @returns {string[]}
 */
export const packedFiles = () => {
  const json =
    capture("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"]) ??
    die("npm pack failed");
  // an array or an object by name, depending on npm's version
  const [{ files }] = Object.values(JSON.parse(json));
  return files.map((/** @type {{ path: string }} */ { path }) => path).sort();
};

/** The line of www/package/index.js that the script replaces. */
const INSTALL = /\/\/ eslint-disable-next-line.*\n *install\(\);/;

/**
 * Puts a script into the package's module: imported on a server the module does nothing, in a page it runs the script
 * once.
 *
 * @param {string} script
 */
const wrap = async (script) => {
  const wrapper = await readFile(join(root, "www/package/index.js"), "utf8");
  return (
    wrapper
      // a tool that removes line breaks would make the rest of the file a comment
      .replaceAll(/^\/\/.*\n+/gm, "")
      .replace(INSTALL, () => script.trimEnd())
  );
};

/**
 * Writes a text into dist/, below the banner.
 *
 * @param {string} file
 * @param {string} text
 */
const write = (file, text) =>
  writeFile(join(root, "dist", file), `${banner()}\n${text}`);

/** Writes the module `oaiq/helpers`, which contains no pixel, with its types. */
export const writeHelpers = async () => {
  await write("oaiq.helpers.mjs", await bundleModule("www/helpers/entry.js"));
  await write(
    "oaiq.helpers.d.ts",
    await readFile(join(root, "www/types/helpers.d.ts"), "utf8"),
  );
};

/** Writes the module `oaiq/react` with its types. It loads the pixel from the module next to it. */
export const writeReact = async () => {
  const types = await readFile(join(root, "www/types/react.d.ts"), "utf8");
  await write(
    "oaiq.react.mjs",
    await bundleReact("esm", 'import("./oaiq.mjs")'),
  );
  await write("oaiq.react.d.ts", types);
  await write(
    "oaiq.react.cjs",
    await bundleReact(
      "cjs",
      'Promise.resolve().then(()=>require("./oaiq.cjs"))',
    ),
  );
  await write("oaiq.react.d.cts", types.replace("./oaiq.js", "./oaiq.cjs"));
};

/**
 * Writes the package as an ES module and as a CommonJS module, for Jest and others that call `require`, with its types.
 *
 * @param {import("./compile.mjs").CompiledModule} compiled
 */
export const writeNpmPackage = async (compiled) => {
  const wasm = await readFile(join(compiled.folder, "oaiq_bg.wasm"));
  const literal = toAsciiString(wasm);
  /** @param {"script" | "package"} assets */
  const wrapped = async (assets) =>
    wrap(await embedWasm(await bundle(PIXEL_ENTRY, compiled, assets), literal));
  // bundlers recognize `new URL(..., import.meta.url)`, but esbuild would replace it in the build
  const esModule = await wrapped("package");
  await write(
    "oaiq.mjs",
    esModule.replaceAll('"oaiq:here"', "import.meta.url"),
  );
  // CommonJS has no import.meta, but the bundle it ends up in is a classic script, which knows its own URL
  const commonJs = await wrapped("script");
  await write(
    "oaiq.cjs",
    `Object.defineProperty(exports, "__esModule", { value: true });\n` +
      commonJs.replace("export default", "exports.default ="),
  );
  const types = await readFile(join(root, "www/types/oaiq.d.ts"), "utf8");
  for (const file of ["oaiq.d.ts", "oaiq.d.cts"]) await write(file, types);
};
