// npm run test:collector: lints and native tests of the collector.
import { buildInspector } from "../build-inspector.mjs";
import { run } from "../exec.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { requireRust } from "../setup.mjs";
import { clippy } from "./check.mjs";

const USAGE = `npm run test:collector [-- NAME]
Lints and tests the collector, and the crate oaiq-ingest, which it shares with the relay.
  NAME  run only tests whose name contains NAME`;

/** @param {string[]} [names] */
export const testCollector = async (names = []) => {
  requireRust();
  // the collector contains the inspector's page
  await buildInspector();
  run("cargo", clippy("oaiq-collector", "--package=oaiq-ingest"));
  run("cargo", [
    "test",
    "--quiet",
    "--locked",
    "--package=oaiq-collector",
    "--package=oaiq-ingest",
    ...names,
  ]);
};

if (isMain(import.meta))
  await testCollector(parseOptions(USAGE, {}, { allowNames: true }).names);
