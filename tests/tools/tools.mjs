// The tools that sites process scripts with.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { minify } from "terser";
import uglify from "uglify-js";
import { root } from "../../scripts/exec.mjs";
import { ensurePythonMinifiers } from "../../scripts/setup.mjs";

/**
 * @param {string} program
 * @param {string[]} args
 */
const outputOf = async (program, args) => {
  const { stdout } = await promisify(execFile)(program, args, {
    maxBuffer: 1 << 24,
    encoding: "utf8",
  });
  return stdout;
};

/**
 * The output of a program whose last argument is a file with this text.
 *
 * @param {string} text
 * @param {string} program
 * @param {string[]} args
 */
const runFilter = async (text, program, args) => {
  const folder = await mkdtemp(join(tmpdir(), "oaiq-tools-"));
  try {
    const file = join(folder, "script.js");
    await writeFile(file, text);
    return await outputOf(program, [...args, file]);
  } finally {
    await rm(folder, { recursive: true });
  }
};

/**
 * A minifier in Python.
 *
 * @param {string} module
 * @param {string} expression of the text `s`
 * @returns {Transform}
 */
const python = (module, expression) => (text) =>
  runFilter(text, ensurePythonMinifiers(), [
    "-c",
    `import sys, ${module}
with open(sys.argv[1], encoding="utf-8", newline="") as file: s = file.read()
sys.stdout.reconfigure(encoding="utf-8", newline="")
sys.stdout.write(${expression})`,
  ]);

/**
 * @param {import("esbuild").TransformOptions} options
 * @returns {Transform}
 */
const byEsbuild = (options) => async (text) => {
  const { code } = await transform(text, {
    minify: true,
    logLevel: "silent",
    ...options,
  });
  return code;
};

/**
 * Runs google-closure-compiler.
 *
 * @param {string} text
 * @param {string[]} options
 */
export const closure = (text, ...options) =>
  runFilter(text, join(root, "node_modules/.bin/google-closure-compiler"), [
    "--compilation_level=SIMPLE",
    "--charset=UTF-8",
    ...options,
    "--js",
  ]);

/**
 * Runs the check of tag managers. Rejects if the script is not ES5.
 *
 * @param {string} script
 */
export const checkEs5 = (script) =>
  closure(script, "--language_in=ECMASCRIPT5", "--language_out=ECMASCRIPT5");

/**
 * @typedef {(text: string) => Promise<string>} Transform
 *
 * @typedef {object} Tool
 * @property {Transform} script
 * @property {Transform | null} [module] for ES modules, if it differs; null if the tool does not support them
 * @property {boolean} [damages] whether the tool, because it does not know template literals, removes bytes of the WebAssembly
 *   module, so that the fallback runs
 */

/**
 * By their names in docs/tools.md.
 *
 * @type {Record<string, Tool>}
 */
export const TOOLS = {
  terser: {
    script: async (text) => String((await minify(text)).code),
    module: async (text) => String((await minify(text, { module: true })).code),
  },
  "esbuild, `charset: utf8`": { script: byEsbuild({ charset: "utf8" }) },
  "esbuild, `target: es2015`": { script: byEsbuild({ target: "es2015" }) },
  "uglify-js": {
    script: async (text) => {
      const { code, error } = uglify.minify(text);
      if (error) throw error;
      return code;
    },
  },
  rjsmin: { script: python("rjsmin", "rjsmin.jsmin(s)") },
  "jsmin (PyPI)": { script: python("jsmin", "jsmin.jsmin(s)"), damages: true },
  'jsmin (PyPI), ``quote_chars="\'\\"`"``': {
    script: python("jsmin", `jsmin.jsmin(s, quote_chars="'\\"\`")`),
  },
  "google-closure-compiler, `SIMPLE`": {
    script: (text) => closure(text),
    // it drops the exports of a single module
    module: null,
  },
};
