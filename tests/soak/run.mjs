// Runs visitors, several at once, and sums up what became of their events.
import { launch } from "../e2e/support/browser.mjs";
import { accountFor } from "./account.mjs";
import { simulateVisits, VISITS_PER_VISITOR } from "./random-visits.mjs";
import { Prng } from "./prng.mjs";
import { NEW_TAB, NEXT_PAGE, SCENARIOS } from "./scenarios.mjs";
import { Visitor } from "./visitor.mjs";

/**
 * @typedef {import("./network.mjs").Network} Network
 * @typedef {import("./scenarios.mjs").Scenario} Scenario
 * @typedef {import("./scenarios.mjs").Run} Run
 * @typedef {import("playwright-core").Browser} Browser
 * @typedef {Awaited<ReturnType<typeof followVisitor>>} Result
 */

/** Visitors at a time: they mostly wait, but on a busy machine responses take long. */
const CONCURRENCY = 5;

/** The cross-origin endpoint has a self-signed certificate. */
export const launchBrowser = () => launch(["--ignore-certificate-errors"]);

/**
 * Runs one visitor from the first page to the last.
 *
 * @param {Network} network
 * @param {Browser} browser
 * @param {string} name
 * @param {Scenario} scenario
 * @param {(visitor: Visitor) => Promise<string | void>} run returns what to add to the scenario's name in the table
 */
const followVisitor = async (network, browser, name, scenario, run) => {
  const visitor = await Visitor.create(network, browser, name);
  try {
    const detail = await run(visitor);
    if (scenario.last === NEW_TAB) await visitor.openTab();
    else if (scenario.last === NEXT_PAGE) await visitor.goto();
    await visitor.settle();
    return {
      scenario,
      row: [scenario.name, detail].filter(Boolean).join("; "),
      ...accountFor(visitor),
      error: undefined,
      logText: visitor.logText,
    };
  } catch (error) {
    // the other visitors continue, and this one's events do not count
    visitor.events = [];
    return {
      scenario,
      row: scenario.name,
      ...accountFor(visitor),
      error: error instanceof Error ? error.stack : String(error),
      logText: visitor.logText,
    };
  } finally {
    await visitor.close();
  }
};

/**
 * Runs all tasks, several at a time.
 *
 * @template T
 * @param {(() => Promise<T>)[]} tasks
 */
const runConcurrently = async (tasks) => {
  /** @type {T[]} */
  const results = [];
  const queue = tasks.entries();
  const worker = async () => {
    for (const [i, task] of queue) results[i] = await task();
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return results;
};

/** @type {Scenario} */
export const RANDOM_VISITS = {
  name: "random visits",
  last: NEW_TAB,
  allowsBeaconLoss: true,
};

/**
 * Runs every scenario, and random visits.
 *
 * @param {object} options
 * @param {Network} options.network
 * @param {Browser} options.browser
 * @param {number} options.seed
 * @param {number} options.runs how many times each scenario runs
 * @param {number} options.visits how many random visits there are
 * @param {string} [options.only] only scenarios whose name contains this
 */
export const runSoak = ({
  network,
  browser,
  seed,
  runs,
  visits,
  only = "",
}) => {
  /** @type {(() => Promise<Result>)[]} */
  const tasks = [];
  /**
   * @param {Scenario} scenario
   * @param {string} name
   * @param {(visitor: Visitor) => Promise<string | void>} run
   */
  const add = (scenario, name, run) => {
    if (scenario.name.includes(only))
      tasks.push(() => followVisitor(network, browser, name, scenario, run));
  };
  // the longest ones first
  for (let i = 1; i <= Math.ceil(visits / VISITS_PER_VISITOR); i += 1)
    add(RANDOM_VISITS, `z${i}`, (visitor) =>
      simulateVisits(visitor, new Prng(seed, 100, i), new Prng(seed, 101, i)),
    );
  SCENARIOS.forEach((scenario, number) => {
    for (let i = 1; i <= runs; i += 1)
      add(scenario, `${"abcdefghijkl"[number]}${i}`, (visitor) =>
        scenario.run(visitor, new Prng(seed, number, i)),
      );
  });
  return runConcurrently(tasks);
};

/**
 * Describes what must not happen, each with the visitor's log.
 *
 * @param {Result[]} results
 * @param {number} [maxDuplicates] what part of the events of random visits may be delivered twice. All of these were in flight
 *   when their page ended, which takes longer on a busy machine.
 */
export const findFailures = (results, maxDuplicates = 1) => {
  const failures = [];
  for (const {
    scenario,
    row,
    lost,
    unexplained,
    lostByBeacon,
    outboxRecords,
    error,
    logText,
  } of results) {
    const reasons = error ? [error] : [];
    if (lost.length) reasons.push(`lost: ${lost.join(" ")}`);
    if (lostByBeacon && !scenario.allowsBeaconLoss)
      reasons.push(`${lostByBeacon} lost by beacons`);
    if (unexplained.length)
      reasons.push(`duplicated without a reason: ${unexplained.join(" ")}`);
    if (outboxRecords.length)
      reasons.push(`left in the outbox: ${outboxRecords.join("\n")}`);
    if (reasons.length)
      failures.push(`${row}: ${reasons.join("; ")}\n${logText}`);
  }
  const random = sum(
    results.filter(({ scenario }) => scenario === RANDOM_VISITS),
  );
  if (random.duplicated > random.measured * maxDuplicates)
    failures.push(
      `${RANDOM_VISITS.name}: ${random.duplicated} of ${random.measured} were delivered twice`,
    );
  return failures;
};

/** @param {Result[]} results */
const sum = (results) => {
  const total = (/** @type {(result: Result) => number} */ value) =>
    results.reduce((all, result) => all + value(result), 0);
  return {
    visitors: results.length,
    measured: total(({ measured }) => measured),
    delivered: total(({ delivered }) => delivered),
    duplicated: total(({ duplicated }) => duplicated),
    inFlight: total(({ inFlight, unconfirmed }) => inFlight + unconfirmed),
    stalled: total(({ stalled }) => stalled),
    lostByBeacon: total(({ lostByBeacon }) => lostByBeacon),
    lost: total(({ lost }) => lost.length),
  };
};

/**
 * A Markdown table with a line per scenario, or two for scenarios with two outcomes.
 *
 * @param {Result[]} results
 */
export const formatTable = (results) => {
  /** @type {Map<string, Result[]>} */
  const rows = new Map();
  for (const result of results)
    rows.set(result.row, [...(rows.get(result.row) ?? []), result]);
  const lines = [...rows].map(([row, its]) => {
    const all = sum(its);
    return [
      row,
      all.visitors,
      all.measured,
      all.delivered,
      all.duplicated,
      all.inFlight,
      all.stalled,
      all.lostByBeacon,
      all.lost,
    ];
  });
  return [HEADS, RULES, ...lines]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
};

const HEADS = [
  "scenario",
  "visitors",
  "measured",
  "delivered",
  "delivered twice",
  "of these in flight when the page ended",
  "of these stalled by the network",
  "lost by a beacon",
  "lost otherwise",
];
const RULES = HEADS.map((_, i) => (i ? "---:" : "---"));
