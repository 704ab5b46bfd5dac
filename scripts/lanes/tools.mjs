// npm run test:tools: what other people's tools make of the scripts, the snippets and the package.
import { builtPixel } from "../built.mjs";
import { chromium, pythonTools } from "../setup.mjs";
import { given, isCommand, nodeTests, testFiles } from "./lane.mjs";

const USAGE = `npm run test:tools
  minifiers, bundlers, page builders and test runners of other people`;

export const testTools = async () => {
  pythonTools();
  await builtPixel();
  nodeTests(testFiles("tools"), { env: { CHROME: chromium() } });
};

if (isCommand(import.meta)) {
  given(USAGE);
  await testTools();
}
