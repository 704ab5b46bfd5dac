// npm run test:soak: the short form of `npm run soak`.
import { builtPixel } from "../built.mjs";
import { chromium } from "../setup.mjs";
import { given, isCommand, nodeTests } from "./lane.mjs";

const USAGE = `npm run test:soak
  each scenario of npm run soak once or twice, and some random visits`;

export const testSoak = async () => {
  await builtPixel();
  nodeTests(["tests/soak/soak.test.mjs"], { env: { CHROME: chromium() } });
};

if (isCommand(import.meta)) {
  given(USAGE);
  await testSoak();
}
