// npm test: all tests, the fast ones first. Each part is also a command of its own (scripts/lanes).
import {
  ensureFaultInjectedPixelBuilt,
  ensurePixelBuilt,
} from "./ensure-built.mjs";
import { check } from "./lanes/check.mjs";
import { testCollector } from "./lanes/collector.mjs";
import {
  ENGINES,
  ensureEngines,
  parseEngines,
  testConformance,
} from "./lanes/conformance.mjs";
import { testEndToEnd } from "./lanes/e2e.mjs";
import { runLanes } from "./lanes/lane.mjs";
import { testPackage } from "./lanes/package.mjs";
import { testRelay } from "./lanes/relay.mjs";
import { testSoak } from "./lanes/soak.mjs";
import { testTools } from "./lanes/tools.mjs";
import { parseOptions } from "./options.mjs";

const USAGE = `npm test [-- OPTIONS]
Runs all tests.
  --engines LIST  replay the recorded visits only in these engines, separated by commas
                  (default: ${ENGINES.join(",")})`;

const { values } = parseOptions(USAGE, {
  engines: { type: "string", default: ENGINES.join(",") },
});
const engines = parseEngines(values.engines);

await runLanes([
  ["check: formatting, lints, types, native and Node unit tests", check],
  ["install browsers", () => ensureEngines(["chromium", ...engines])],
  ["build the pixel", ensurePixelBuilt],
  ["build the pixel with fault injection", ensureFaultInjectedPixelBuilt],
  ["package: sizes, npm package, types", testPackage],
  ["tools: third-party tools", testTools],
  ["collector", () => testCollector()],
  ["relay", () => testRelay()],
  // conformance and soak measure time: nothing else may run at the same time
  ...engines.map(
    /** @returns {[name: string, lane: () => unknown]} */
    (engine) => [`conformance: ${engine}`, () => testConformance(engine)],
  ),
  ["soak: short form", testSoak],
  ["end-to-end", () => testEndToEnd([], engines)],
]);
