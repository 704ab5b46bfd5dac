// The tools that sites put scripts through.
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

const outputOf = async (program, args) => {
  const { stdout } = await promisify(execFile)(program, args, {
    maxBuffer: 1 << 24,
    encoding: "utf8",
  });
  return stdout;
};

/** Gives the text to a program as a file, which it ends on, and takes what the program prints. */
const filtered = async (text, program, args) => {
  const folder = await mkdtemp(join(tmpdir(), "oaiq-tools-"));
  try {
    const file = join(folder, "script.js");
    await writeFile(file, text);
    return await outputOf(program, [...args, file]);
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** A minifier in Python: an expression of the text `s`. */
const python = (module, expression) => (text) =>
  filtered(text, ensurePythonMinifiers(), [
    "-c",
    `import sys, ${module}
with open(sys.argv[1], encoding="utf-8", newline="") as file: s = file.read()
sys.stdout.reconfigure(encoding="utf-8", newline="")
sys.stdout.write(${expression})`,
  ]);

const byEsbuild = (options) => async (text) => {
  const { code } = await transform(text, {
    minify: true,
    logLevel: "silent",
    ...options,
  });
  return code;
};

/** google-closure-compiler. */
export const closure = (text, ...options) =>
  filtered(text, join(root, "node_modules/.bin/google-closure-compiler"), [
    "--compilation_level=SIMPLE",
    "--charset=UTF-8",
    ...options,
    "--js",
  ]);

/**
 * By the name that docs/tools.md has for it: what the tool makes of a script, and of an ES module if that is another way, or
 * impossible. `damages`: the tool does not know template literals, so it removes bytes of the WebAssembly module, and the
 * fallback runs in its place.
 */
export const TOOLS = {
  terser: {
    script: async (text) => (await minify(text)).code,
    module: async (text) => (await minify(text, { module: true })).code,
  },
  "esbuild, `charset: utf8`": { script: byEsbuild({ charset: "utf8" }) },
  "esbuild, `target: es2015`": { script: byEsbuild({ target: "es2015" }) },
  "uglify-js": {
    script: (text) => {
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
    // it drops the export of the only module that it is given
    module: null,
  },
};
