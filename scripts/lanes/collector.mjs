// npm run test:collector: lints and native tests of the collector.
import { buildInspector } from "../build-inspector.mjs";
import { run } from "../exec.mjs";
import { rust } from "../setup.mjs";
import { clippy } from "./check.mjs";
import { given, isCommand } from "./lane.mjs";

const USAGE = `npm run test:collector [-- NAME]
  NAME  only tests whose name contains it`;

export const testCollector = async (names = []) => {
  rust();
  // the collector carries it
  await buildInspector();
  clippy("oaiq-collector");
  run("cargo", [
    "test",
    "--quiet",
    "--locked",
    "--package=oaiq-collector",
    ...names,
  ]);
};

if (isCommand(import.meta)) await testCollector(given(USAGE).names);
