// npm run test:package: what users download: its size, the npm package, its types.
import { builtPixel } from "../built.mjs";
import { NEED_A_BUILD } from "./check.mjs";
import { given, isCommand, nodeTests } from "./lane.mjs";

const USAGE = `npm run test:package
  sizes, the npm package and its types`;

export const testPackage = async () => {
  await builtPixel();
  nodeTests(NEED_A_BUILD);
};

if (isCommand(import.meta)) {
  given(USAGE);
  await testPackage();
}
