// Builds target/inspector/: the inspector's page, with the library for its view in its one script.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { root, say } from "./run.mjs";
import { nodePackages } from "./setup.mjs";

const SOURCE = join(root, "www/inspector");
const OUT = join(root, "target/inspector");

export const buildInspector = async () => {
  nodePackages();
  say("building target/inspector/");
  const { build } = await import("esbuild");
  await rm(OUT, { recursive: true, force: true });
  await mkdir(OUT, { recursive: true });
  await build({
    entryPoints: [join(SOURCE, "inspector.jsx"), join(SOURCE, "inspector.css")],
    outdir: OUT,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    // what its licence asks for
    banner: { js: "/*! With Preact, (c) 2015-present Jason Miller, MIT */" },
    legalComments: "none",
    logLevel: "warning",
  });
  for (const file of ["index.html", "icon.svg"])
    await copyFile(join(SOURCE, file), join(OUT, file));
};

if (import.meta.filename === process.argv[1]) await buildInspector();
