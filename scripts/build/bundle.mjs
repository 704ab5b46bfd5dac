// Bundles and minifies the scripts.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { die, root } from "../exec.mjs";
import { forOldTokenizers } from "./old-tokenizers.mjs";
import { packageVersion } from "./version.mjs";
import { exportsUsedBy, renameExports } from "./wasm-opt.mjs";

/** Placeholder for the module's text in a bundled script; embedWasm replaces it. */
export const MODULE_PLACEHOLDER = "oaiq:module";
/** The same for the module that decodes this text. */
export const DECODER_PLACEHOLDER = "oaiq:decoder";
/** The import whose `text` is the source of the keepalive worker. */
const WORKER_IMPORT = "oaiq:keepalive-worker";
/** What `oaiq/react` imports when it loads the pixel. */
const PIXEL_IMPORT = "oaiq:pixel";
/** The import whose `build` is this project's version. */
const VERSION_IMPORT = "oaiq:version";

/**
 * Minifies a script. Terser saves some bytes that esbuild leaves.
 *
 * @param {string} script
 * @param {boolean} isModule
 */
const minify = async (script, isModule = false) => {
  const terser = await import("terser");
  const { code = "" } = await terser.minify(script, {
    ecma: 2020,
    module: isModule,
    compress: {
      passes: 3,
      // without these the script is longer, but compresses better
      sequences: false,
      lhs_constants: false,
      booleans: false,
      inline: 0,
    },
    // ASCII does not depend on the encoding that a page declares; one kind of quotes compresses better
    format: { ascii_only: true, quote_style: 2 },
  });
  return code;
};

const workerSource = async () =>
  minify(await readFile(join(root, "www/keepalive/worker.js"), "utf8"));

/**
 * Properties that a script shares with no other and that mean nothing to a browser, by its entry point. They get shorter names.
 *
 * @type {Record<string, RegExp>}
 */
const PRIVATE_PROPERTIES = {
  "www/matching/entry.js":
    /^(category|current|element|elements|endsAt|field|forms|given|hasForm|hasReadScripts|held|hints|inputMode|inputs|is(Acted|Payment|Scan)|items|kinds|layers?|letter|loose|own|present|property|readValue|structure|texts|told)$/,
};

/** What the page misses if a script cannot run; by default, everything. */
const CONSEQUENCE = {
  "www/debug/entry.js": "debug is off",
  "www/fields/entry.js": "forms are not filled",
  "www/views/entry.js": "page views are not measured",
  "www/keepalive/entry.js": "the keepalive worker is not used",
  "www/layer/entry.js": "the data layer is not measured",
  "www/matching/entry.js": "matching is off",
  "www/recovery/entry.js": "undelivered events are not sent again",
};
/**
 * What `catch(e)` says, as JavaScript: the page may have replaced the built-in functions that a script captures first, or the
 * script has been loaded without a page, in a worker or in a tag manager's sandbox.
 */
const REASON = `"it needs a page and its built-in functions ("+e+")"`;

/**
 * Bundles an entry point with what belongs to a compiled module.
 *
 * @param {string} entry
 * @param {import("./compile.mjs").CompiledModule} compiled
 * @param {"script" | "package"} [assets] how the script finds its other files: relative to its own element's URL, or as
 *   bundlers understand it
 */
export const bundle = async (entry, { folder, names }, assets = "script") => {
  const { build } = await import("esbuild");
  /** @type {Record<string, string>} */
  const files = {
    "oaiq:glue": join(folder, "oaiq_bg.js"),
    "oaiq:imports": join(folder, "imports.js"),
    "oaiq:asset-urls": join(root, `www/pixel/asset-urls.${assets}.js`),
    "oaiq:fallback": join(folder, "fallback.js"),
  };
  const consequence =
    CONSEQUENCE[/** @type {keyof typeof CONSEQUENCE} */ (entry)] ??
    "nothing is measured";
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    mangleProps: PRIVATE_PROPERTIES[entry],
    banner: { js: "try{" },
    footer: {
      js: `}catch(e){try{console.warn("[oaiq] ${consequence}: "+${REASON})}catch{}}`,
    },
    plugins: [
      {
        name: "oaiq",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^oaiq:/ }, ({ path }) =>
            files[path] ? { path: files[path] } : { path, namespace: "text" },
          );
          // the generated imports.js is elsewhere
          onResolve({ filter: /^\.\/host\.js$/ }, () => ({
            path: join(root, "www/pixel/host.js"),
          }));
          onLoad({ filter: /.*/, namespace: "text" }, async ({ path }) => {
            if (path === VERSION_IMPORT)
              return { contents: `export const build = "${packageVersion()}"` };
            const text = path === WORKER_IMPORT ? await workerSource() : path;
            return { contents: `export const text = ${JSON.stringify(text)}` };
          });
          onLoad({ filter: /\/www\/.*\.js$/ }, async ({ path }) => {
            const script = await readFile(path, "utf8");
            const missing = exportsUsedBy("module", script).find(
              (name) => !names.has(name),
            );
            if (missing)
              die(
                `${path}: the module has no export ${missing}, see compilePixel`,
              );
            return { contents: renameExports(script, "module", names) };
          });
        },
      },
    ],
  });
  const [output] = outputFiles;
  return minify(await forOldTokenizers(output?.text ?? ""));
};

/**
 * Bundles an entry point that needs neither a page nor the pixel's module as an ES module.
 *
 * @param {string} entry
 */
export const bundleModule = async (entry) => {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
  });
  const [output] = outputFiles;
  return minify(await forOldTokenizers(output?.text ?? "", "module"), true);
};

/**
 * Bundles the module `oaiq/react`. React and the pixel are not part of it.
 *
 * @param {"esm" | "cjs"} format
 * @param {string} pixel the expression that loads the pixel
 */
export const bundleReact = async (format, pixel) => {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [join(root, "www/react/index.js")],
    write: false,
    bundle: true,
    minify: true,
    format,
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    external: ["react", PIXEL_IMPORT],
  });
  const script = (outputFiles[0]?.text ?? "").replace(
    `import("${PIXEL_IMPORT}")`,
    () => pixel,
  );
  const code = await minify(
    await forOldTokenizers(script, format === "esm" ? "module" : "script"),
    format === "esm",
  );
  // terser removes the directive, which must be the first statement
  return `"use client";\n${code}`;
};
