// npm run test:e2e: tests in real browsers.
import {
  buildCollector,
  buildRelay,
  ensureFaultInjectedPixelBuilt,
  ensurePixelBuilt,
} from "../ensure-built.mjs";
import { die } from "../exec.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { ensureFaketime } from "../setup.mjs";
import { ensureEngines } from "./conformance.mjs";
import { runNodeTests, testFiles } from "./lane.mjs";

const USAGE = `npm run test:e2e [-- NAME...]
Runs the end-to-end tests in Chromium and WebKit.
  NAME  run only test files whose path contains NAME, such as cookies, webkit, chromium/consent`;

/** The tests of each engine. */
const FOLDERS = { chromium: "e2e/chromium", webkit: "e2e/webkit" };

/**
 * @param {string[]} [names]
 * @param {string[]} [engines] Chromium is always among them
 */
export const testEndToEnd = async (names = [], engines = ["webkit"]) => {
  /** @param {string} file */
  const isSelected = (file) =>
    names.length === 0 || names.some((name) => file.includes(name));
  const suites = Object.entries(FOLDERS)
    .filter(([engine]) => engine === "chromium" || engines.includes(engine))
    .map(([engine, folder]) => ({
      engine,
      files: testFiles(folder).filter(isSelected),
    }))
    .filter(({ files }) => files.length > 0);
  if (suites.length === 0)
    die(`no test file has ${names.join(" or ")} in its path`);
  const env = ensureEngines(suites.map(({ engine }) => engine));
  await ensurePixelBuilt();
  const hasChromium = suites.some(({ engine }) => engine === "chromium");
  const hasRelay = suites.some(({ files }) =>
    files.some((file) => file.includes("relay-journey")),
  );
  if (hasChromium) await ensureFaultInjectedPixelBuilt();
  if (hasChromium || hasRelay) await buildCollector();
  if (hasRelay) {
    ensureFaketime();
    buildRelay();
  }
  // one after the other: WebKit is slow, and its tests would time out
  for (const { files } of suites) runNodeTests(files, { env, concurrency: 3 });
};

if (isMain(import.meta))
  await testEndToEnd(parseOptions(USAGE, {}, { allowNames: true }).names);
