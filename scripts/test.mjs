// npm test: everything that must hold, the quick before the slow. Each lane is a command of its own (scripts/lanes).
import { builtFaultyPixel, builtPixel } from "./built.mjs";
import { check } from "./lanes/check.mjs";
import { testCollector } from "./lanes/collector.mjs";
import {
  ENGINES,
  enginesOf,
  setUp,
  testConformance,
} from "./lanes/conformance.mjs";
import { testEndToEnd } from "./lanes/e2e.mjs";
import { given, inOrder } from "./lanes/lane.mjs";
import { testPackage } from "./lanes/package.mjs";
import { testSoak } from "./lanes/soak.mjs";
import { testTools } from "./lanes/tools.mjs";

const USAGE = `npm test [-- OPTIONS]
  --engines ENGINE[,ENGINE]  plays the recorded visits in these alone (${ENGINES.join(",")})`;

const engines = enginesOf(
  given(USAGE, {
    engines: { type: "string", default: ENGINES.join(",") },
  }).engines,
);

await inOrder([
  ["check: formats, lints, types, native and Node unit tests", check],
  ["install the browsers", () => setUp(["chromium", ...engines])],
  ["build the pixel", builtPixel],
  ["build the pixel whose module fails", builtFaultyPixel],
  ["package: sizes, the npm package, its types", testPackage],
  ["tools: what other tools make of the scripts and snippets", testTools],
  ["collector", () => testCollector()],
  // recorded visits and the soak's visitors go by the clock: nothing else may run beside them
  ...engines.map((engine) => [
    `conformance in ${engine}`,
    () => testConformance(engine),
  ]),
  ["soak, the short form", testSoak],
  ["end-to-end tests", () => testEndToEnd([], engines)],
]);
