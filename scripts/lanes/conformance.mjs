// npm run test:conformance: the visits that were recorded with the vendor's script, played with this pixel.
import { builtPixel } from "../built.mjs";
import { fail } from "../exec.mjs";
import { chromium, firefox, webkit } from "../setup.mjs";
import { given, isCommand, nodeTests } from "./lane.mjs";

/** What each engine needs installed. Gives the environment that its tests take. */
const SETUPS = {
  chromium: () => ({ CHROME: chromium() }),
  csp: () => ({ CHROME: chromium() }),
  nowasm: () => ({ CHROME: chromium() }),
  firefox: () => ({ FIREFOX: firefox() }),
  webkit: () => webkit(),
};
export const ENGINES = Object.keys(SETUPS);

const USAGE = `npm run test:conformance -- --engine ENGINE[,ENGINE] [NAME]
  --engine  ${ENGINES.join(", ")}: csp is Chromium where a Content-Security-Policy
            forbids WebAssembly, nowasm is Chromium without WebAssembly (chromium)
  NAME      only visits whose name contains it`;

/** "firefox,webkit" as a list. Ends with a message if there is no such engine. */
export const enginesOf = (text) => {
  const engines = text.split(",");
  const unknown = engines.find((name) => !ENGINES.includes(name));
  if (unknown !== undefined)
    fail(`there is no engine "${unknown}", only ${ENGINES.join(", ")}`);
  return engines;
};

/** Installs what is missing. Gives the environment that the tests in these engines take. */
export const setUp = (engines) =>
  Object.assign({}, ...engines.map((name) => SETUPS[name]()));

export const testConformance = async (engine, NAME = "") => {
  await builtPixel();
  nodeTests(["tests/conformance/conformance.test.mjs"], {
    env: { ...setUp([engine]), ENGINE: engine, NAME },
  });
};

if (isCommand(import.meta)) {
  const { engine, names } = given(USAGE, {
    engine: { type: "string", default: "chromium" },
  });
  if (names.length > 1) fail(`one NAME at most\n${USAGE}`);
  for (const name of enginesOf(engine)) await testConformance(name, names[0]);
}
