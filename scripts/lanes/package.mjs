// npm run test:package: what users download.
import { ensurePixelBuilt } from "../ensure-built.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { NEED_A_BUILD } from "./check.mjs";
import { runNodeTests } from "./lane.mjs";

const USAGE = `npm run test:package
Tests the sizes of the scripts, the npm package, and its types.`;

export const testPackage = async () => {
  await ensurePixelBuilt();
  runNodeTests(NEED_A_BUILD);
};

if (isMain(import.meta)) {
  parseOptions(USAGE, {});
  await testPackage();
}
