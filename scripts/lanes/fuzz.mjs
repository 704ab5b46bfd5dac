// npm run test:fuzz: the fuzz targets in fuzz/. Needs a nightly toolchain.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { capture, die, log, root, run } from "../exec.mjs";
import { isMain, parseOptions, wholeNumber } from "../options.mjs";
import { requireRust } from "../setup.mjs";
import { nightly } from "./asan.mjs";

const TARGETS = readdirSync(join(root, "fuzz/fuzz_targets"))
  .map((file) => file.replace(/\.rs$/, ""))
  .sort();

const USAGE = `npm run test:fuzz [-- TARGET...] [--seconds N]
Runs fuzz targets with AddressSanitizer. Without a nightly toolchain or RUSTC_BOOTSTRAP=1 it does nothing.
  TARGET       ${TARGETS.join(", ")} (default: all)
  --seconds N  how long each of them runs (default: 60)`;

/** cargo-fuzz, installed under target/tools/ if it is missing. */
const ensureCargoFuzz = () => {
  const own = join(root, "target/tools/bin/cargo-fuzz");
  for (const program of [own, "cargo-fuzz"])
    if (capture(program, ["--version"])) return program;
  log("installing cargo-fuzz under target/tools (about two minutes, once)");
  run("cargo", [
    "install",
    "--quiet",
    "--locked",
    "cargo-fuzz",
    "--root",
    join(root, "target/tools"),
  ]);
  return own;
};

/**
 * @param {string[]} targets
 * @param {number} seconds
 */
export const testFuzz = (targets, seconds) => {
  const unknown = targets.find((target) => !TARGETS.includes(target));
  if (unknown !== undefined)
    die(`unknown target "${unknown}"; targets: ${TARGETS.join(", ")}`);
  requireRust();
  const toolchain = nightly();
  if (!toolchain)
    return log(
      "skipped: fuzzing needs a nightly toolchain (rustup toolchain install nightly) or RUSTC_BOOTSTRAP=1",
    );
  const cargoFuzz = ensureCargoFuzz();
  run(process.execPath, [join(root, "fuzz/seeds.mjs")]);
  // cargo-fuzz calls cargo, which takes its toolchain from here
  /** @type {Record<string, string>} */
  const env = toolchain.length > 0 ? { RUSTUP_TOOLCHAIN: "nightly" } : {};
  for (const target of targets.length > 0 ? targets : TARGETS) {
    log(`fuzzing ${target} for ${seconds} s`);
    run(
      cargoFuzz,
      ["run", target, "--", `-max_total_time=${seconds}`, "-verbosity=0"],
      {
        env,
        onFailure: `${target} failed: the input is in fuzz/artifacts/${target}/`,
      },
    );
  }
};

if (isMain(import.meta)) {
  const { values, names } = parseOptions(
    USAGE,
    { seconds: { type: "string", default: "60" } },
    { allowNames: true },
  );
  testFuzz(names, wholeNumber("seconds", values.seconds, 1, USAGE));
}
