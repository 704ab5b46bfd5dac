// Builds dist/: the pixel's module inside its script, and the debug build beside it. And the inspector's page.
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { buildInspector } from "./build-inspector.mjs";
import { forOldTokenizers, withoutDelimiters } from "./old-tokenizers.mjs";
import { fail, root, run, say } from "./exec.mjs";
import {
  asJavaScript,
  assembled,
  namesBehind,
  renamed,
  shrink,
} from "./wasm-opt.mjs";
import { nodePackages, wasmBindgen, wasmCompiler } from "./setup.mjs";
import { writeSnippets } from "./snippets.mjs";

/**
 * Compiles the crate with these features; the folder then holds oaiq_bg.wasm, its glue oaiq_bg.js and imports.js.
 * `callsIn` gives the exports that are called, by the glue that wasm-bindgen has made.
 */
const compile = async (name, features, callsIn, linkerArgs = []) => {
  const { cargo, env, args, folder } = wasmCompiler();
  const out = join(root, "target/pkg", name);
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
      folder,
      "--features",
      features,
      "--",
      ...linkerArgs.map((arg) => `-Clink-arg=${arg}`),
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
  const glue = await readFile(join(out, "oaiq_bg.js"), "utf8");
  const names = await shrink(out, [...new Set(await callsIn(glue))]);
  return { folder: out, names };
};

/** Where scripts call the module themselves, as `module.name()`: calls with plain numbers need no glue. */
const CALLING = ["www/pixel", "www/recovery"];

/** The exports that these scripts call. */
const calledExports = async () => {
  const called = new Set();
  for (const folder of CALLING)
    for (const file of await readdir(join(root, folder)))
      if (file.endsWith(".js"))
        for (const name of namesBehind(
          "module",
          await readFile(join(root, folder, file), "utf8"),
        ))
          called.add(name);
  return called;
};

/** A small stack keeps the addresses behind it short. It grows towards address 0, where an overflow traps. */
const STACK = 4096;

const compilePixel = (name, features) =>
  compile(name, features, calledExports, [`-zstack-size=${STACK}`]);

const compileDebug = () =>
  compile("debug", "debug", (glue) => [
    ...namesBehind("wasm", glue),
    "__wbindgen_start",
  ]);

/** Stands in a bundled script where the module's text will be. */
const MODULE = "oaiq:module";
/** The same for the module that makes bytes of that text, which is small and plain ASCII. */
const DECODER = "oaiq:decoder";

/** Stands for the text of www/pixel/keepalive-worker.worker.js, which a worker runs. */
const ERRAND = "oaiq:keepalive-worker";

/** Stands for the byte 0, which is by far the most frequent one, and which HTML keeps out of scripts. */
const ZERO = ")".charCodeAt();

/** A module as characters, each of which the reader (www/pixel/wasm-decoder.wat) makes a byte of; where `isPlain` is not so, 256 higher. */
const characters = (module, isPlain) =>
  [...module].map((byte) =>
    String.fromCharCode(
      byte === 0 ? ZERO : byte === ZERO || !isPlain(byte) ? byte + 256 : byte,
    ),
  );

/**
 * A module as a template literal, a character a byte: of all ways to carry one, that which brotli makes the least of.
 * What a template does not keep as it is (a carriage return, what it is escaped by) is written 256 higher.
 */
const asTemplate = (module) => {
  const special = Buffer.from("`\\$\r");
  const text = characters(module, (byte) => !special.includes(byte)).join("");
  const higher = (character) =>
    String.fromCharCode(character.charCodeAt() + 256);
  return `\`${withoutDelimiters(text, higher)}\``;
};

/** A module of ASCII characters alone, each written as it is where a template and HTML keep it. */
const asAsciiTemplate = (module) => {
  if (module.some((byte) => byte > 127))
    fail("www/pixel/wasm-decoder.wat: not all of its bytes are ASCII");
  const text = String.fromCharCode(...module);
  const escape = (character) =>
    `\\x${character.charCodeAt().toString(16).padStart(2, "0")}`;
  const escaped = text.replace(/[`\\$\r\0]/g, escape);
  return `\`${withoutDelimiters(escaped, escape)}\``;
};

/** The same in plain ASCII, for those who bundle the script with others. */
const asEscapes = (module) => {
  const escaped = characters(module, () => true).map((character) => {
    if (/[ !#-[\]-~]/.test(character)) return character;
    const code = character.charCodeAt().toString(16);
    return code.length > 2 ? `\\u0${code}` : `\\x${code.padStart(2, "0")}`;
  });
  return `"${escaped.join("")}"`;
};

/** Says that a file is UTF-8, whatever its page or its server say (https://encoding.spec.whatwg.org/#decode). */
const BYTE_ORDER_MARK = "\ufeff";
/**
 * Begins a script that other tools put behind another one: without it, a line comment or an unfinished statement at the end
 * of that one would reach into this.
 */
const NEW_LINE = "\n";

/** The same in fewer bytes; terser finds some that esbuild leaves. */
const minified = async (script) => {
  const { minify } = await import("terser");
  const { code } = await minify(script, {
    ecma: 2022,
    compress: {
      passes: 3,
      // what reads longer here may compress better
      sequences: false,
      lhs_constants: false,
      booleans: false,
      inline: 0,
    },
    // plain ASCII is the same in whatever encoding a page is served
    // one kind of quotes compresses better
    format: { ascii_only: true, quote_style: 2 },
  });
  return code;
};

const errand = async () =>
  minified(
    await readFile(join(root, "www/pixel/keepalive-worker.worker.js"), "utf8"),
  );

const PIXEL = "www/pixel/entry.js";
/** Why a script could not be evaluated, as JavaScript: a page may have replaced what it calls, before it is there. */
const REPLACED = `"the page has replaced what the pixel needs ("+e+")"`;
/** The pixel may also have been loaded where there is no page: in a worker, or in a tag manager's sandbox. */
const WHY_NOT = `(self.document?${REPLACED}:"it needs a page. Elsewhere, send events from your server")`;

/**
 * The text of a script with a compiled module in it. `assets` is how it finds its other files.
 */
const bundle = async (entry, { folder, names }, assets = "script") => {
  const { build } = await import("esbuild");
  const files = {
    glue: join(folder, "oaiq_bg.js"),
    imports: join(folder, "imports.js"),
    "asset-urls": join(root, `www/pixel/asset-urls.${assets}.js`),
    fallback: join(folder, "fallback.js"),
  };
  const { outputFiles } = await build({
    entryPoints: [join(root, entry)],
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    banner: { js: "try{" },
    footer: {
      js: `}catch(e){try{console.warn("[oaiq] nothing is measured: "+${entry === PIXEL ? WHY_NOT : REPLACED})}catch{}}`,
    },
    plugins: [
      {
        name: "module",
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^oaiq:/ }, ({ path }) =>
            [MODULE, DECODER, ERRAND].includes(path)
              ? { path, namespace: "text" }
              : { path: files[path.slice("oaiq:".length)] },
          );
          onResolve({ filter: /^\.\/host\.js$/ }, () => ({
            path: join(root, "www/pixel/host.js"),
          }));
          onLoad({ filter: /.*/, namespace: "text" }, async ({ path }) => ({
            contents: `export const text = ${JSON.stringify(path === ERRAND ? await errand() : path)}`,
          }));
          onLoad(
            { filter: /\/www\/(debug|pixel|recovery)\/[a-z.-]+\.js$/ },
            async ({ path }) => ({
              contents: renamed(await readFile(path, "utf8"), "module", names),
            }),
          );
        },
      },
    ],
  });
  return minified(await forOldTokenizers(outputFiles[0].text));
};

/** The memory of www/pixel/wasm-decoder.wat, in bytes; what has no room there is cut off without a word. */
const DECODER_ROOM = 4 << 16;

/** Puts the module, and the one that decodes it, into their places in the script. */
const carrying = async (script, literal) => {
  if (Buffer.byteLength(literal) > DECODER_ROOM)
    fail(
      "the module is too large: give www/pixel/wasm-decoder.wat more memory",
    );
  const decoder = await assembled(join(root, "www/pixel/wasm-decoder.wat"));
  return script
    .replace(`"${DECODER}"`, () => asAsciiTemplate(decoder))
    .replace(`"${MODULE}"`, () => literal);
};

const moduleOf = ({ folder }) => readFile(join(folder, "oaiq_bg.wasm"));

/** Writes a script that a page loads. */
const writeScript = async (file, entry, pkg) => {
  const script = await carrying(
    await bundle(entry, pkg),
    asTemplate(await moduleOf(pkg)),
  );
  await mkdir(dirname(join(root, file)), { recursive: true });
  await writeFile(
    join(root, file),
    BYTE_ORDER_MARK + NEW_LINE + script.trimEnd(),
  );
};

/** Where the frame of the npm package takes the script. */
const PLACE = /\/\/ eslint-disable-next-line.*\n *install\(\);/;

/** The npm package's module around a script. Imported on a server it does nothing, in a page it is the script, once. */
const framed = async (script) => {
  const frame = await readFile(join(root, "www/package/index.js"), "utf8");
  return frame.replace(PLACE, () => script.trimEnd());
};

/** Writes the npm package: as an ES module, and as a CommonJS one, for Jest and others that call `require`. */
const writePackage = async (pkg) => {
  const module = asEscapes(await moduleOf(pkg));
  const script = async (assets) =>
    framed(await carrying(await bundle(PIXEL, pkg, assets), module));
  const asModule = await script("package");
  await writeFile(
    join(root, "dist/oaiq.mjs"),
    asModule.replaceAll('"oaiq:here"', "import.meta.url"),
  );
  // there is no import.meta, but a bundle of such modules is a classic script, which knows its own address
  const asCommonJs = await script("script");
  await writeFile(
    join(root, "dist/oaiq.cjs"),
    `Object.defineProperty(exports, "__esModule", { value: true });\n` +
      asCommonJs.replace("export default", "exports.default ="),
  );
  for (const file of ["oaiq.d.ts", "oaiq.d.cts"])
    await copyFile(join(root, "www/types/oaiq.d.ts"), join(root, "dist", file));
};

/** Writes the hashes by which a page can hold the scripts to what they are (Subresource Integrity). */
const writeIntegrity = async (file, scripts) => {
  const hashes = {};
  for (const script of scripts) {
    const bytes = await readFile(join(root, "dist", script));
    const hash = createHash("sha384").update(bytes).digest("base64");
    hashes[script] = `sha384-${hash}`;
  }
  await writeFile(join(root, file), `${JSON.stringify(hashes, null, 2)}\n`);
};

/** The length of these bytes as servers send them, by brotli -q 11, */
export const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;

/** and by gzip -9. */
export const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;

const report = async (files) => {
  console.log("file                         raw    gzip  brotli");
  for (const file of files) {
    const bytes = await readFile(join(root, file));
    const columns = [bytes.length, gzip(bytes), brotli(bytes)];
    console.log(
      file.padEnd(24) + columns.map((n) => String(n).padStart(8)).join(""),
    );
  }
};

const SCRIPTS = [
  "oaiq.min.js",
  "oaiq.fallback.min.js",
  "oaiq.debug.min.js",
  "oaiq.consent.min.js",
  "oaiq.recovery.min.js",
];

/** Builds everything that users get. */
export const build = async () => {
  nodePackages();
  say("building dist/");
  const pixel = await compilePixel("pixel", "");
  const debug = await compileDebug();
  await asJavaScript(pixel.folder);
  await rm(join(root, "dist"), { recursive: true, force: true });
  await writeScript("dist/oaiq.min.js", PIXEL, pixel);
  await writeScript(
    "dist/oaiq.fallback.min.js",
    "www/pixel/fallback.entry.js",
    pixel,
  );
  await writeScript("dist/oaiq.debug.min.js", "www/debug/entry.js", debug);
  for (const name of ["consent", "recovery"])
    await writeFile(
      join(root, `dist/oaiq.${name}.min.js`),
      NEW_LINE + (await bundle(`www/${name}/entry.js`, pixel)),
    );
  await writePackage(pixel);
  await writeSnippets();
  await writeIntegrity("dist/integrity.json", SCRIPTS);
  await buildInspector();
  await report(SCRIPTS.map((script) => `dist/${script}`));
};

/** Builds a pixel that can be made to fail inside its module, for the test of what a page gets then. */
export const buildFaulty = async () =>
  writeScript(
    "target/faulty/oaiq.min.js",
    PIXEL,
    await compilePixel("faulty", "provoke-fault"),
  );

if (import.meta.filename === process.argv[1]) await build();
