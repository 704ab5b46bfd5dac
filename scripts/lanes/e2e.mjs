// npm run test:e2e: what only a real browser shows.
import { builtCollector, builtFaultyPixel, builtPixel } from "../built.mjs";
import { fail } from "../exec.mjs";
import { setUp } from "./conformance.mjs";
import { given, isCommand, nodeTests, testFiles } from "./lane.mjs";

const USAGE = `npm run test:e2e [-- NAME...]
  NAME  only test files whose path contains it: cookies, webkit, chromium/consent`;

/** Which tests need which engine. The Chromium ones are many, and all of them go without the others. */
const FOLDERS = { chromium: "e2e/chromium", webkit: "e2e/webkit" };

export const testEndToEnd = async (names = [], engines = ["webkit"]) => {
  const wanted = Object.keys(FOLDERS).filter(
    (engine) => engine === "chromium" || engines.includes(engine),
  );
  const isNamed = (file) =>
    names.length === 0 || names.some((name) => file.includes(name));
  const files = Object.fromEntries(
    wanted.map((engine) => [
      engine,
      testFiles(FOLDERS[engine]).filter(isNamed),
    ]),
  );
  const used = wanted.filter((engine) => files[engine].length > 0);
  if (used.length === 0)
    fail(`no test file has ${names.join(" or ")} in its path`);
  const env = setUp(used);
  await builtPixel();
  if (files.chromium.length > 0) {
    await builtFaultyPixel();
    await builtCollector();
  }
  // WebKit takes its time: not beside Chromium
  for (const engine of used) nodeTests(files[engine], { env, atOnce: 3 });
};

if (isCommand(import.meta)) await testEndToEnd(given(USAGE).names);
