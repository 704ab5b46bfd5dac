// The benchmark: measures, prints the tables, and writes them into docs/.
import console from "node:console";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { die, log, messageOf, root } from "../scripts/exec.mjs";
import { parseOptions, wholeNumber } from "../scripts/options.mjs";
import { writeSection } from "../scripts/write-figures.mjs";
import { renderChart } from "./chart.mjs";
import { libraries } from "./libraries.mjs";
import {
  bundleSize,
  measureDelivery,
  measureMemory,
  measureTimings,
  medians,
  spread,
} from "./measure.mjs";
import { renderReport } from "./report.mjs";
import { openBrowser } from "./visit.mjs";

/**
 * @template T
 * @typedef {(browser: import("playwright-core").Browser, library: import("./libraries.mjs").Library) => Promise<T>}
 *   Measurement
 */

const USAGE = `npm run bench [-- OPTIONS]
Compares the pixel's size, speed, requests and memory with other scripts'.
  --quick       3 pages, no memory; takes a few minutes and writes nothing
  --only NAME   measure only libraries whose name contains NAME; writes nothing
  --pages N     fresh pages for each library and CPU speed (default: 15)
To compare the vendor's script too, set VENDOR_SDK in the environment to its file.`;

/** The longest that the memory test of a library may take, in ms. */
const MEMORY_LIMIT_MS = 300_000;
/** How many times slower the CPU is. */
const SLOWDOWNS = { full: 1, slowed: 4 };

/**
 * A library's timings at one CPU speed, also relative to the calibration of the same page.
 *
 * @param {import("./measure.mjs").Timing[]} [pages]
 */
const summarize = (pages = []) => {
  /** @param {(page: import("./measure.mjs").Timing) => number} value */
  const series = (value) => spread(pages.map(value));
  return {
    start: series(({ start }) => start),
    call: series(({ call }) => call),
    calibration: series(({ calibration }) => calibration),
    startRatio: series(({ start, calibration }) => start / calibration),
    callRatio: series(({ call, calibration }) => call / calibration),
  };
};

/**
 * Runs the benchmark.
 *
 * @param {string[]} args the command line's
 */
export const runBench = async (args) => {
  const { values } = parseOptions(
    USAGE,
    {
      quick: { type: "boolean" },
      only: { type: "string" },
      pages: { type: "string" },
    },
    { args },
  );
  const { quick, only } = values;
  const pages = wholeNumber(
    "pages",
    values.pages ?? (quick ? 3 : 15),
    1,
    USAGE,
  );
  const startTime = Date.now();
  const selected = await libraries(only);
  if (!selected.length) die(`no library's name contains ${only}`);

  const browser = await openBrowser();
  /**
   * Measures all libraries at the same time: requests, bytes and CPU time do not depend on what else runs.
   *
   * @template T
   * @param {Measurement<T>} measure
   */
  const measureAll = (measure) =>
    Promise.all(selected.map((library) => measure(browser, library)));
  /** @type {Awaited<ReturnType<typeof measureDelivery>>[][]} */
  const deliveries = [];
  /** @type {Awaited<ReturnType<typeof measureMemory>>[]} */
  let memories = [];
  let timings;
  try {
    timings = await measureTimings(
      browser,
      selected,
      Object.values(SLOWDOWNS),
      pages,
      (turn) => log(`start and call: page ${turn} of ${pages}`),
    );
    for (let turn = 0; turn < (quick ? 1 : 3); turn += 1) {
      log("requests and CPU time");
      deliveries.push(await measureAll(measureDelivery));
    }
    if (!quick) {
      log("memory, which takes some minutes");
      try {
        memories = await measureAll((browser, library) =>
          measureMemory(browser, library, MEMORY_LIMIT_MS),
        );
      } catch (error) {
        // the other measurements took long, so print them anyway
        log(`could not measure memory: ${messageOf(error)}`);
      }
    }
  } finally {
    await browser.close();
  }

  const results = selected.map((library, i) => ({
    ...library,
    size: bundleSize(library),
    full: summarize(timings.get(SLOWDOWNS.full)?.get(library)),
    slowed: summarize(timings.get(SLOWDOWNS.slowed)?.get(library)),
    delivery: medians(deliveries.flatMap((turn) => turn[i] ?? [])),
    memory: memories[i],
  }));
  const section = await renderReport(results, {
    browser: browser.version(),
    pages,
    command: [
      ...(process.env.VENDOR_SDK ? ["VENDOR_SDK=…"] : []),
      "npm run bench",
      ...(args.length ? ["--", ...args] : []),
    ].join(" "),
  });
  console.log(section);
  if (!only && memories.length) {
    writeSection("bench", section);
    await writeFile(join(root, "docs/bench.svg"), renderChart(results));
    log("wrote docs/bench.svg");
  }
  log(
    `finished after ${Math.round((Date.now() - startTime) / 60_000)} minutes`,
  );
};
