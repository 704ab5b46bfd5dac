// Installs missing tools. Each function prints what it installs and why, and does nothing if the tool is there.
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { capture, die, log, root, run, which } from "./exec.mjs";

const TARGET = "wasm32-unknown-unknown";
/** Debian's Rust for WebAssembly: compiler, cargo, source of the standard library, linker. */
const DEBIAN_RUST = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];

/**
 * @typedef {object} WasmToolchain
 * @property {string} cargo the cargo to run
 * @property {string} targetDir two compilers cannot share a target directory
 * @property {string[]} args
 * @property {Record<string, string>} env
 */

/**
 * @param {string[]} packages
 * @param {string} why
 */
const installDebianPackages = (packages, why) => {
  const manually = `install ${packages.join(" ")} and run this command again`;
  if (!which("apt-get")) die(`${why}; ${manually}`);
  const sudo = process.getuid?.() === 0 ? [] : ["sudo"];
  if (sudo.length && !which("sudo")) die(`${why}; ${manually}`);
  log(`installing ${packages.join(" ")}: ${why}`);
  /** @param {string[]} args */
  const apt = (...args) => {
    const [program = "", ...rest] = [
      ...sudo,
      "apt-get",
      "-qq",
      "-o",
      "DPkg::Lock::Timeout=300",
      ...args,
    ];
    run(program, rest, {
      env: { DEBIAN_FRONTEND: "noninteractive" },
      onFailure: `apt-get failed; ${manually}`,
    });
  };
  apt("update");
  apt("install", "-y", "--no-install-recommends", ...packages);
};

/** Installs the packages of package-lock.json. */
export const installNodePackages = () => {
  const installed = join(root, "node_modules/.package-lock.json");
  const lock = join(root, "package-lock.json");
  if (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(lock).mtimeMs
  )
    return;
  log("installing node packages");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
};

/** Exits with a message if Rust is missing. */
export const requireRust = () => {
  if (!which("cargo"))
    die(
      "Rust is missing: install it from https://rustup.rs and run this command again",
    );
};

/**
 * Makes a stable compiler build its own standard library optimized for size, and abort on a panic without a message.
 */
const SIZE_OPTIMIZED = {
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

/**
 * rustup's compiler, if it has the source of its standard library or rustup can add it.
 *
 * @returns {WasmToolchain | null}
 */
const rustupToolchain = () => {
  const sysroot = capture("rustc", ["--print", "sysroot"]) ?? "";
  const hasSource = () =>
    existsSync(join(sysroot, "lib/rustlib/src/rust/library/Cargo.lock"));
  const supportsFlags = capture(
    "rustc",
    [
      "-Zunstable-options",
      "-Cpanic=immediate-abort",
      "--print=cfg",
      `--target=${TARGET}`,
    ],
    { RUSTC_BOOTSTRAP: "1" },
  );
  if (supportsFlags === null) return null;
  if (!hasSource() && which("rustup")) {
    log("adding rust-src: the pixel's standard library is built for size");
    capture("rustup", ["component", "add", "rust-src"]);
  }
  return hasSource()
    ? { cargo: "cargo", targetDir: "target/wasm-rustup", ...SIZE_OPTIMIZED }
    : null;
};

/**
 * Debian's compiler, for machines where rustup cannot download anything.
 *
 * @returns {WasmToolchain}
 */
const debianToolchain = () => {
  /**
   * @param {string} name
   * @param {string} suffix
   */
  const fileOf = (name, suffix) =>
    capture("dpkg", ["-L", name])
      ?.split("\n")
      .find((path) => path.endsWith(suffix));
  const find = () => ({
    rustc: fileOf("rustc-web", "/bin/rustc"),
    cargo: fileOf("cargo-web", "/bin/cargo"),
  });
  if (!find().rustc || !which("wasm-ld-19"))
    installDebianPackages(
      DEBIAN_RUST,
      "rustup cannot provide Rust's source, so Debian's Rust compiles the pixel",
    );
  const { rustc, cargo } = find();
  if (!rustc || !cargo) die(`${DEBIAN_RUST.join(" ")}: no rustc or cargo`);
  return {
    cargo,
    targetDir: "target/wasm-debian",
    args: SIZE_OPTIMIZED.args,
    env: {
      ...SIZE_OPTIMIZED.env,
      RUSTC: rustc,
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: "wasm-ld-19",
    },
  };
};

/** A compiler for WebAssembly, and how to call it. */
export const wasmToolchain = () => {
  requireRust();
  return rustupToolchain() ?? debianToolchain();
};

/** The wasm-bindgen program, in exactly the version that Cargo.lock has. */
export const ensureWasmBindgen = () => {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const version = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(lock)?.[1];
  if (!version) die("Cargo.lock: no wasm-bindgen");
  const own = join(root, "target/tools/bin/wasm-bindgen");
  for (const program of [own, "wasm-bindgen"])
    if (capture(program, ["--version"]) === `wasm-bindgen ${version}`)
      return program;
  log(
    `installing wasm-bindgen ${version} into target/tools: it generates the module's JavaScript (two minutes, once)`,
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

/** Minifiers written in Python, for test:tools. Returns the path of the interpreter that has them. */
export const ensurePythonMinifiers = () => {
  const folder = join(root, "target/tools/python");
  const python = join(folder, "bin/python");
  const requirements = "tests/tools/requirements.txt";
  const packages = readFileSync(join(root, requirements), "utf8")
    .trim()
    .split("\n")
    .filter((line) => /^\w/.test(line));
  const pip = ["-m", "pip", "--disable-pip-version-check"];
  const installed = capture(python, [...pip, "freeze"])?.split("\n") ?? [];
  if (packages.every((name) => installed.includes(name))) return python;
  log(
    `installing ${packages.join(" ")} into target/tools: test:tools minifies the scripts with them`,
  );
  if (capture("python3", ["-m", "venv", folder]) === null) {
    installDebianPackages(
      ["python3-venv"],
      "the minifiers written in Python need a virtual environment",
    );
    run("python3", ["-m", "venv", folder]);
  }
  run(python, [...pip, "install", "--quiet", "--requirement", requirements]);
  return python;
};

/**
 * The first browser that `find` returns; installs the package if there is none.
 *
 * @param {() => string | null | undefined} find
 * @param {string} name of the Debian package
 * @param {string} why
 */
const ensureBrowser = (find, name, why) => {
  if (!find()) installDebianPackages([name], why);
  return find() ?? die(`${name} is installed but not on PATH`);
};

/** The path of a Chromium: $CHROME, or an installed one. */
export const ensureChromium = () =>
  ensureBrowser(
    () =>
      process.env.CHROME ??
      which("chromium") ??
      which("chromium-browser") ??
      which("google-chrome"),
    "chromium",
    "the browser tests run in Chromium",
  );

/**
 * How to run the tests without one of the other browsers.
 *
 * @param {string} engine
 */
const orLeaveOut = (engine) =>
  `(npm test -- --engines LIST runs them in other engines, without ${engine})`;

/** The path of a Firefox: $FIREFOX, or an installed one. */
export const ensureFirefox = () =>
  ensureBrowser(
    () => process.env.FIREFOX ?? which("firefox-esr") ?? which("firefox"),
    "firefox-esr",
    `the conformance tests run in Firefox ${orLeaveOut("firefox")}`,
  );

/** NATS, which several relays share. Debian installs it where only root's PATH leads. */
export const ensureNatsServer = () => {
  if (which("nats-server") || existsSync("/usr/sbin/nats-server")) return;
  installDebianPackages(
    ["nats-server"],
    "the relay's tests run clusters of NATS servers",
  );
};

/** Lets the tests of a visitor's journey move the clocks of programs. */
export const ensureFaketime = () => {
  if (!which("faketime"))
    installDebianPackages(
      ["faketime"],
      "an end-to-end test moves the clock of the relay by two days",
    );
};

/** WebKit: a driver, which brings a browser, and a virtual display. */
export const ensureWebKit = () => {
  const missing = Object.entries({
    WebKitWebDriver: "webkit2gtk-driver",
    Xvfb: "xvfb",
  })
    .filter(([program]) => !which(program))
    .map(([, name]) => name);
  if (missing.length > 0)
    installDebianPackages(
      missing,
      `the conformance and end-to-end tests run in WebKit ${orLeaveOut("webkit")}`,
    );
};
