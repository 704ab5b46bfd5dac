// Runs the scenarios one after the other.
import { join } from "node:path";
import { crashBeforeMarking, kills } from "./scenarios/crashes.mjs";
import { badEventNamed, badEventUnnamed } from "./scenarios/bad-event.mjs";
import {
  noConsent,
  withdrawnConsent,
  rawIdentifiers,
} from "./scenarios/consent.mjs";
import { diskFull, storeFull } from "./scenarios/disk.mjs";
import {
  addressLimit,
  forgedAddresses,
  invalidRequests,
  largeBodies,
  manyPixels,
  slowClients,
} from "./scenarios/hostile.mjs";
import { outage } from "./scenarios/outage.mjs";
import {
  backoff,
  errors,
  expiry,
  refusedKey,
  retryAfter,
} from "./scenarios/upstream.mjs";
import { World } from "./world.mjs";

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {string} title
 * @property {(world: World) => Promise<string | { skipped: string }>} run returns what was found, and throws if it is wrong
 */

/**
 * @typedef {object} Result
 * @property {Scenario} scenario
 * @property {"passed" | "failed" | "skipped"} outcome
 * @property {string} text
 * @property {number} seconds
 */

/** @type {Scenario[]} */
export const SCENARIOS = [
  kills,
  outage,
  badEventNamed,
  badEventUnnamed,
  crashBeforeMarking,
  errors,
  backoff,
  retryAfter,
  refusedKey,
  expiry,
  storeFull,
  diskFull,
  forgedAddresses,
  invalidRequests,
  largeBodies,
  slowClients,
  addressLimit,
  manyPixels,
  noConsent,
  withdrawnConsent,
  rawIdentifiers,
];

/**
 * Runs a scenario in a directory of its own, which is left if it fails.
 *
 * @param {Scenario} scenario
 * @param {object} options
 * @param {string} options.dir
 * @param {import("./world.mjs").Programs} options.programs
 * @param {boolean} options.isQuick
 * @returns {Promise<Result>}
 */
export const runScenario = async (scenario, { dir, programs, isQuick }) => {
  const start = Date.now();
  const world = new World(join(dir, scenario.name), programs, isQuick);
  /** @returns {Promise<Pick<Result, "outcome" | "text">>} */
  const run = async () => {
    try {
      const result = await scenario.run(world);
      return typeof result === "string"
        ? { outcome: "passed", text: result }
        : { outcome: "skipped", text: result.skipped };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { outcome: "failed", text };
    } finally {
      await world.close();
    }
  };
  const result = await run();
  if (result.outcome !== "failed") world.remove();
  return { scenario, ...result, seconds: (Date.now() - start) / 1000 };
};

/**
 * The results as a table in Markdown.
 *
 * @param {Result[]} results
 */
export const formatTable = (results) =>
  [
    "| scenario | name | result |",
    "| --- | --- | --- |",
    ...results.map(
      ({ scenario, outcome, text }) =>
        `| ${scenario.title} | \`${scenario.name}\` | ${outcome === "passed" ? "" : `${outcome}: `}${text.replaceAll("|", "\\|")} |`,
    ),
  ].join("\n");
