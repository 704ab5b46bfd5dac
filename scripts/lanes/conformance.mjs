// npm run test:conformance: replays recorded visits with this pixel. They were recorded with the vendor's script.
import { ensurePixelBuilt } from "../ensure-built.mjs";
import { die } from "../exec.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { ensureChromium, ensureFirefox, ensureWebKit } from "../setup.mjs";
import { runNodeTests } from "./lane.mjs";

/**
 * Installs each engine, and returns the environment that its tests need.
 *
 * @type {Record<string, () => Record<string, string> | void>}
 */
const SETUPS = {
  chromium: () => ({ CHROME: ensureChromium() }),
  csp: () => ({ CHROME: ensureChromium() }),
  nowasm: () => ({ CHROME: ensureChromium() }),
  firefox: () => ({ FIREFOX: ensureFirefox() }),
  webkit: () => ensureWebKit(),
};
export const ENGINES = Object.keys(SETUPS);

const USAGE = `npm run test:conformance [-- --engine LIST] [NAME]
Replays recorded visits of the vendor's script with this pixel.
  --engine LIST  engines, separated by commas (default: chromium):
                   chromium
                   csp      Chromium, with a Content-Security-Policy that blocks WebAssembly
                   nowasm   Chromium without WebAssembly
                   firefox
                   webkit
  NAME           replay only visits whose name contains NAME`;

/**
 * A list such as "firefox,webkit" as an array. Exits with a message if it names an unknown engine.
 *
 * @param {string} list
 */
export const parseEngines = (list) => {
  const engines = list.split(",");
  const unknown = engines.find((name) => !ENGINES.includes(name));
  if (unknown !== undefined)
    die(`unknown engine "${unknown}"; known: ${ENGINES.join(", ")}`);
  return engines;
};

/**
 * Installs missing engines, and returns the environment that their tests need.
 *
 * @param {string[]} engines
 * @returns {Record<string, string>}
 */
export const ensureEngines = (engines) =>
  Object.assign({}, ...engines.map((name) => SETUPS[name]?.()));

/**
 * @param {string} engine
 * @param {string} [name]
 */
export const testConformance = async (engine, name = "") => {
  await ensurePixelBuilt();
  runNodeTests(["tests/conformance/conformance.test.mjs"], {
    env: { ...ensureEngines([engine]), ENGINE: engine, NAME: name },
  });
};

if (isMain(import.meta)) {
  const { values, names } = parseOptions(
    USAGE,
    { engine: { type: "string", default: "chromium" } },
    { allowNames: true },
  );
  if (names.length > 1) die(`only one NAME is allowed\n${USAGE}`);
  for (const engine of parseEngines(values.engine))
    await testConformance(engine, names[0]);
}
