// Builds the apps of this folder with the packages of their frameworks, and with the package as `npm pack` would make it.
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { promisify } from "node:util";
import { root } from "../../scripts/exec.mjs";

/** Where the apps are installed and built. It is kept, so that only a changed lock file installs again. */
const TARGET = join(root, "target/frameworks");

/** @type {Record<string, string>} */
const CONTENT_TYPES = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
};

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 */
const run = async (program, args, cwd) => {
  const done = promisify(execFile)(program, args, {
    cwd,
    timeout: 600_000,
    maxBuffer: 1 << 26,
    env: {
      ...process.env,
      NODE_ENV: undefined,
      NEXT_TELEMETRY_DISABLED: "1",
      ASTRO_TELEMETRY_DISABLED: "1",
      NG_CLI_ANALYTICS: "false",
    },
  });
  await done.catch((error) => {
    throw new Error(
      `${program} ${args.join(" ")}: ${error.message}\n${error.stdout}\n${error.stderr}`,
    );
  });
};

/** @param {string} file */
const textOrNothing = (file) => readFile(file, "utf8").catch(() => "");

/**
 * Installs an app's packages, unless its lock file has not changed since.
 *
 * @param {string} source
 * @param {string} folder
 */
const install = async (source, folder) => {
  const lock = await readFile(join(source, "package-lock.json"), "utf8");
  const installed = join(folder, "node_modules/.installed-lock");
  if ((await textOrNothing(installed)) === lock) return;
  await run(
    "npm",
    ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"],
    folder,
  );
  await writeFile(installed, lock);
};

/**
 * Builds an app, and returns the files that it consists of by their paths on the site.
 *
 * @param {string} name of its folder
 * @param {string} output the folder that the build writes; "" if there is no build
 * @param {string[]} [assets] files that belong into its folder "assets"
 */
export const buildApp = async (name, output, assets = []) => {
  const source = join(root, "tests/frameworks", name);
  const folder = join(TARGET, name);
  await mkdir(folder, { recursive: true });
  for (const entry of await readdir(folder))
    if (entry !== "node_modules")
      await rm(join(folder, entry), { recursive: true });
  await cp(source, folder, { recursive: true });
  await install(source, folder);
  const pixel = join(folder, "node_modules/oaiq");
  await rm(pixel, { recursive: true, force: true });
  await cp(join(root, "dist"), join(pixel, "dist"), { recursive: true });
  await cp(join(root, "package.json"), join(pixel, "package.json"));
  if (output) await run("npm", ["run", "build"], folder);
  for (const asset of assets)
    await cp(join(folder, asset), join(folder, "assets", basename(asset)));
  return filesIn(join(folder, output));
};

/**
 * A site's pages: each file by its path, and an HTML file also by the path without its name or extension.
 *
 * @param {string} folder
 * @param {string} path
 */
const filesIn = async (folder, path = "/") => {
  /** @type {Record<string, { html: Buffer, headers: Record<string, string> }>} */
  const files = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (name === "node_modules") continue;
    if (entry.isDirectory()) {
      Object.assign(
        files,
        await filesIn(join(folder, name), `${path}${name}/`),
      );
      continue;
    }
    const page = {
      html: await readFile(join(folder, name)),
      headers: {
        "content-type":
          CONTENT_TYPES[extname(name)] ?? "application/octet-stream",
      },
    };
    files[path + name] = page;
    if (name === "index.html") {
      files[path] = page;
      files[path.replace(/(.)\/$/, "$1")] ??= page;
    } else if (name.endsWith(".html"))
      files[path + name.replace(/\.html$/, "")] = page;
  }
  return files;
};
