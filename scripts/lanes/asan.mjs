// npm run test:asan: native tests of the core with AddressSanitizer. Needs a nightly toolchain.
import { capture, log, run } from "../exec.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { requireRust } from "../setup.mjs";

const USAGE = `npm run test:asan [-- NAME]
Tests the core with AddressSanitizer. Without a nightly toolchain or RUSTC_BOOTSTRAP=1 it does nothing.
  NAME  run only tests whose name contains NAME`;

/**
 * The arguments that make cargo use a nightly toolchain; null if there is none. A stable one with `RUSTC_BOOTSTRAP=1` will do.
 */
export const nightly = () => {
  if (process.env.RUSTC_BOOTSTRAP === "1") return [];
  for (const toolchain of [[], ["+nightly"]])
    if (/nightly/.test(capture("cargo", [...toolchain, "--version"]) ?? ""))
      return toolchain;
  return null;
};

/** The target triple of this machine. */
const hostTarget = () =>
  /^host: (.+)$/m.exec(capture("rustc", ["-vV"]) ?? "")?.[1] ?? "";

/** @param {string[]} [names] */
export const testAsan = (names = []) => {
  requireRust();
  const toolchain = nightly();
  if (!toolchain)
    return log(
      "skipped: AddressSanitizer needs a nightly toolchain (rustup toolchain install nightly) or RUSTC_BOOTSTRAP=1",
    );
  run(
    "cargo",
    [
      ...toolchain,
      "test",
      "--quiet",
      "--locked",
      "--package=oaiq",
      "--features=wire,explain",
      "--lib",
      "--tests",
      // with a target, build scripts and macros are compiled without the sanitizer
      `--target=${hostTarget()}`,
      "--target-dir=target/asan",
      ...names,
    ],
    { env: { RUSTFLAGS: "-Zsanitizer=address" } },
  );
};

if (isMain(import.meta))
  testAsan(parseOptions(USAGE, {}, { allowNames: true }).names);
