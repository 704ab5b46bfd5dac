// npm run test:soak: a short form of `npm run soak`.
import { ensurePixelBuilt } from "../ensure-built.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { ensureChromium } from "../setup.mjs";
import { runNodeTests } from "./lane.mjs";

const USAGE = `npm run test:soak
Runs each scenario of npm run soak once or twice, and some random visits.`;

export const testSoak = async () => {
  await ensurePixelBuilt();
  runNodeTests(["tests/soak/soak.test.mjs"], {
    env: { CHROME: ensureChromium() },
  });
};

if (isMain(import.meta)) {
  parseOptions(USAGE, {});
  await testSoak();
}
