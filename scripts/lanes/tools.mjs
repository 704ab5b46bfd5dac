// npm run test:tools: third-party tools that process the scripts, the snippets and the package.
import { ensurePixelBuilt } from "../ensure-built.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { ensureChromium, ensurePythonMinifiers } from "../setup.mjs";
import { runNodeTests, testFiles } from "./lane.mjs";

const USAGE = `npm run test:tools
Tests the scripts, snippets and package with third-party minifiers, bundlers, page builders and test runners.`;

export const testTools = async () => {
  ensurePythonMinifiers();
  await ensurePixelBuilt();
  runNodeTests(testFiles("tools"), { env: { CHROME: ensureChromium() } });
};

if (isMain(import.meta)) {
  parseOptions(USAGE, {});
  await testTools();
}
