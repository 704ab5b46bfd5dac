// Installs what is missing. Each function says in one line what it installs and why, and does nothing the second time.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fail, find, printed, root, run, say } from "./exec.mjs";

const TARGET = "wasm32-unknown-unknown";
/** Debian's Rust for the web: a compiler, cargo, the standard library's source and a linker. */
const DEBIAN_RUST = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];

const installPackages = (packages, why) => {
  const byHand = `install ${packages.join(" ")} and run this again`;
  if (!find("apt-get")) fail(`${why}; ${byHand}`);
  const asRoot = process.getuid() === 0 ? [] : ["sudo"];
  if (asRoot.length && !find("sudo")) fail(`${why}; ${byHand}`);
  say(`installing ${packages.join(" ")}: ${why}`);
  const apt = (...args) => {
    const [program, ...rest] = [
      ...asRoot,
      "apt-get",
      "-qq",
      "-o",
      "DPkg::Lock::Timeout=300",
      ...args,
    ];
    run(program, rest, {
      env: { DEBIAN_FRONTEND: "noninteractive" },
      otherwise: `apt-get could not do it; ${byHand}`,
    });
  };
  apt("update");
  apt("install", "-y", "--no-install-recommends", ...packages);
};

/** The packages that package-lock.json names. */
export const nodePackages = () => {
  const installed = join(root, "node_modules/.package-lock.json");
  const wanted = join(root, "package-lock.json");
  if (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(wanted).mtimeMs
  )
    return;
  say(
    "installing node packages: the bundler, the formatter, the linter and what drives the browser",
  );
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
};

export const rust = () => {
  if (!find("cargo"))
    fail(
      "Rust is missing: install it from https://rustup.rs and run this again",
    );
};

/** Lets a released compiler build its own standard library for size, and end at a fault without a text. */
const FOR_SIZE = {
  args: [
    "--target",
    TARGET,
    "-Zbuild-std=std,panic_abort",
    "-Zbuild-std-features=optimize_for_size",
  ],
  env: {
    RUSTC_BOOTSTRAP: "1",
    RUSTFLAGS: "-Zunstable-options -Cpanic=immediate-abort -Zmir-opt-level=1",
  },
};

/** rustup's compiler, where its standard library's source is there or can be had. */
const rustupCompiler = () => {
  const sysroot = printed("rustc", ["--print", "sysroot"]) ?? "";
  const has = (path) => existsSync(join(sysroot, "lib/rustlib", path));
  const source = "src/rust/library/Cargo.lock";
  const understands = printed(
    "rustc",
    [
      "-Zunstable-options",
      "-Cpanic=immediate-abort",
      "--print=cfg",
      `--target=${TARGET}`,
    ],
    { RUSTC_BOOTSTRAP: "1" },
  );
  if (understands === null) return null;
  if (!has(source) && find("rustup")) {
    say(
      "adding rust-src to Rust: the pixel's standard library is built for size",
    );
    printed("rustup", ["component", "add", "rust-src"]);
  }
  return has(source)
    ? { cargo: "cargo", folder: "target/wasm-rustup", ...FOR_SIZE }
    : null;
};

/** Debian's Rust for the web, for a machine on which rustup can fetch nothing. */
const debianCompiler = () => {
  const file = (name, ending) =>
    printed("dpkg", ["-L", name])
      ?.split("\n")
      .find((path) => path.endsWith(ending));
  if (!file("rustc-web", "/bin/rustc") || !find("wasm-ld-19"))
    installPackages(
      DEBIAN_RUST,
      `rustup cannot fetch Rust's source, so Debian's Rust for the web compiles the pixel`,
    );
  return {
    cargo: file("cargo-web", "/bin/cargo"),
    folder: "target/wasm-debian",
    args: FOR_SIZE.args,
    env: {
      ...FOR_SIZE.env,
      RUSTC: file("rustc-web", "/bin/rustc"),
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: "wasm-ld-19",
    },
  };
};

/**
 * A compiler for WebAssembly: the program, what goes into its environment, its arguments, and a target folder of its
 * own, because two compilers do not share one.
 */
export const wasmCompiler = () => {
  rust();
  return rustupCompiler() ?? debianCompiler();
};

/** wasm-bindgen's tool, of the very version that Cargo.lock names. */
export const wasmBindgen = () => {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const [, version] =
    /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(lock) ?? [];
  const own = join(root, "target/tools/bin/wasm-bindgen");
  for (const tool of [own, "wasm-bindgen"])
    if (printed(tool, ["--version"]) === `wasm-bindgen ${version}`) return tool;
  say(
    `installing wasm-bindgen ${version} under target/tools: it joins the module to JavaScript (about two minutes, once)`,
  );
  run("cargo", [
    "install",
    "--quiet",
    "wasm-bindgen-cli",
    "--version",
    version,
    "--root",
    join(root, "target/tools"),
  ]);
  return own;
};

/** Minifiers in Python, for the test of what tools do to the scripts. Gives the interpreter that has them. */
export const pythonTools = () => {
  const folder = join(root, "target/tools/python");
  const python = join(folder, "bin/python");
  const list = "tests/tools/requirements.txt";
  const wanted = readFileSync(join(root, list), "utf8").trim();
  const packages = wanted.split("\n").filter((line) => /^\w/.test(line));
  const pip = ["-m", "pip", "--disable-pip-version-check"];
  const installed = printed(python, [...pip, "freeze"])?.split("\n") ?? [];
  if (packages.every((name) => installed.includes(name))) return python;
  say(
    `installing ${packages.join(" ")} under target/tools: the tests minify the scripts with them`,
  );
  if (printed("python3", ["-m", "venv", folder]) === null) {
    installPackages(
      ["python3-venv"],
      "the minifiers in Python go into a folder of their own",
    );
    run("python3", ["-m", "venv", folder]);
  }
  run(python, [...pip, "install", "--quiet", "--requirement", list]);
  return python;
};

/** A Chromium for the browser tests: $CHROME, or one that is installed. */
export const chromium = () => {
  const found = () =>
    process.env.CHROME ??
    find("chromium") ??
    find("chromium-browser") ??
    find("google-chrome") ??
    null;
  if (!found())
    installPackages(["chromium"], "the browser tests run in a real Chromium");
  return found();
};

/** How to do without one of the browsers that come beside Chromium. */
const without = (engine) =>
  `(npm test -- --engines chooses engines, and may leave out ${engine})`;

/** A Firefox for the recorded visits: $FIREFOX, or one that is installed. */
export const firefox = () => {
  const found = () =>
    process.env.FIREFOX ?? find("firefox-esr") ?? find("firefox") ?? null;
  if (!found())
    installPackages(
      ["firefox-esr"],
      `the recorded visits are played in Firefox too ${without("firefox")}`,
    );
  return found();
};

/** WebKit for the recorded visits and its own tests: a driver, which brings a browser, and a display that nobody sees. */
export const webkit = () => {
  const missing = Object.entries({
    WebKitWebDriver: "webkit2gtk-driver",
    Xvfb: "xvfb",
  })
    .filter(([program]) => !find(program))
    .map(([, name]) => name);
  if (missing.length > 0)
    installPackages(
      missing,
      `the recorded visits are played in WebKit too ${without("webkit")}`,
    );
};
