// Builds dist/: the pixel's module inside its script, and the debug build beside it.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { root, run, say } from "./run.mjs";
import { shrink } from "./shrink.mjs";
import { nodePackages, wasmBindgen, wasmCompiler } from "./setup.mjs";

/**
 * Compiles the crate with these features; the folder then holds oaiq_bg.wasm, its glue oaiq_bg.js and imports.js.
 * `calls` are exports that the script calls beside those of the glue.
 */
const compile = async (name, features, calls = []) => {
  const { cargo, env, args, folder } = wasmCompiler();
  const out = join(root, "target/pkg", name);
  run(
    cargo,
    [
      "build",
      "--quiet",
      "--locked",
      "--release",
      "--lib",
      ...args,
      "--target-dir",
      folder,
      "--features",
      features,
    ],
    { env },
  );
  const module = join(root, folder, "wasm32-unknown-unknown/release/oaiq.wasm");
  run(wasmBindgen(), [
    module,
    "--target",
    "bundler",
    "--no-typescript",
    "--remove-name-section",
    "--remove-producers-section",
    "--out-dir",
    out,
    "--out-name",
    "oaiq",
  ]);
  await shrink(out, calls);
  return out;
};

/** Puts a compiled module into a script. */
const bundle = async (entry, pkg, outfile) => {
  const { build } = await import("esbuild");
  const module = await readFile(join(pkg, "oaiq_bg.wasm"));
  await build({
    entryPoints: [join(root, entry)],
    outfile: join(root, outfile),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    // plain ASCII is the same in whatever encoding a page is served
    charset: "ascii",
    legalComments: "none",
    // a page may have replaced what the script stands on before it is evaluated
    banner: { js: "try{" },
    footer: {
      js: '}catch(e){try{console.warn("[oaiq] nothing is measured: this page has replaced what the pixel needs ("+e+")")}catch{}}',
    },
    plugins: [
      {
        name: "module",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^oaiq:glue$/ }, () => ({
            path: join(pkg, "oaiq_bg.js"),
          }));
          onResolve({ filter: /^oaiq:imports$/ }, () => ({
            path: join(pkg, "imports.js"),
          }));
          onResolve({ filter: /^\.\/page\.js$/ }, () => ({
            path: join(root, "www/page.js"),
          }));
          onResolve({ filter: /^oaiq:module$/ }, ({ path }) => ({
            path,
            namespace: "module",
          }));
          onLoad({ filter: /.*/, namespace: "module" }, () => ({
            contents: `export const hexadecimal = "${module.toString("hex")}"`,
          }));
        },
      },
    ],
  });
};

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;

const report = async (files) => {
  console.log("file                         raw    gzip  brotli");
  for (const file of files) {
    const bytes = await readFile(join(root, file));
    const columns = [
      bytes.length,
      gzipSync(bytes, { level: 9 }).length,
      brotli(bytes),
    ];
    console.log(
      file.padEnd(24) + columns.map((n) => String(n).padStart(8)).join(""),
    );
  }
};

/** Builds everything that users get. */
export const build = async () => {
  nodePackages();
  say("building dist/");
  const pixel = await compile("pixel", "");
  const debug = await compile("debug", "debug", ["__wbindgen_start"]);
  await rm(join(root, "dist"), { recursive: true, force: true });
  await bundle("www/oaiq.js", pixel, "dist/oaiq.min.js");
  await bundle("www/debug.js", debug, "dist/oaiq.debug.min.js");
  await report(["dist/oaiq.min.js", "dist/oaiq.debug.min.js"]);
};

/** Builds a pixel that can be made to fail inside its module, for the test of what a page gets then. */
export const buildFaulty = async () => {
  await bundle(
    "www/oaiq.js",
    await compile("faulty", "provoke-fault"),
    "target/faulty/oaiq.min.js",
  );
};

if (import.meta.filename === process.argv[1]) await build();
