// Builds target/inspector/, which the collector serves: the page, one script with Preact, and one style sheet.
import { Buffer } from "node:buffer";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { log, root } from "./exec.mjs";
import { isMain } from "./options.mjs";
import { installNodePackages } from "./setup.mjs";

const SOURCE = join(root, "www/inspector");
const OUT = join(root, "target/inspector");

/**
 * Writes a file unless it is unchanged: the collector embeds it, and would be compiled again.
 *
 * @param {string} name
 * @param {Buffer} bytes
 */
const write = async (name, bytes) => {
  const path = join(OUT, name);
  const before = await readFile(path).catch(() => null);
  if (!before?.equals(bytes)) await writeFile(path, bytes);
};

export const buildInspector = async () => {
  installNodePackages();
  log("building target/inspector/");
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [
      { in: join(SOURCE, "inspector.jsx"), out: "inspector" },
      { in: join(SOURCE, "styles/index.css"), out: "inspector" },
    ],
    outdir: OUT,
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    // the licence requires it
    banner: { js: "/*! With Preact, (c) 2015-present Jason Miller, MIT */" },
    legalComments: "none",
    logLevel: "warning",
  });
  const files = new Map(
    outputFiles.map(({ path, contents }) => [
      basename(path),
      Buffer.from(contents),
    ]),
  );
  for (const name of ["index.html", "icon.svg"])
    files.set(name, await readFile(join(SOURCE, name)));
  await mkdir(OUT, { recursive: true });
  for (const name of await readdir(OUT))
    if (!files.has(name)) await rm(join(OUT, name), { recursive: true });
  for (const [name, bytes] of files) await write(name, bytes);
};

if (isMain(import.meta)) await buildInspector();
