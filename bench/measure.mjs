// The measurements.
import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliSize, gzipSize } from "../scripts/build/sizes.mjs";
import { orderPayload } from "./libraries.mjs";
import * as page from "./page.mjs";
import { openVisit } from "./visit.mjs";

/**
 * @typedef {import("playwright-core").Browser} Browser
 * @typedef {import("./libraries.mjs").Library} Library
 * @typedef {{ median: number, min: number, max: number }} Spread a series of measurements
 *
 * @typedef {object} Timing of one page
 * @property {number} start in ms
 * @property {number} calibration the time of a fixed amount of work, in ms
 * @property {number} call in µs
 */

/** The number of calls that are timed together, and of calls to warm up before. */
const CALLS = 200;
const ROUNDS = 3;
/** Longer than any library waits before it sends, in ms. */
const QUIET_MS = 6_500;
/** The calls that a page makes while its main thread is watched, in rows as a busy page makes them. */
const WATCHED_ROWS = 30;
const CALLS_PER_ROW = 20;

/**
 * The size of a library's script, in bytes.
 *
 * @param {Library} library
 */
export const bundleSize = ({ script }) => {
  const bytes = Buffer.from(script);
  return {
    raw: bytes.length,
    gzip: gzipSize(bytes),
    brotli: brotliSize(bytes),
  };
};

/** @param {number[]} values */
const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = NaN, high = NaN] = [
    sorted[(sorted.length - 1) >> 1],
    sorted[sorted.length >> 1],
  ];
  return (low + high) / 2;
};

/**
 * @param {number[]} values
 * @returns {Spread}
 */
export const spread = (values) => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values),
});

/**
 * The median of each property over several runs.
 *
 * @template {Record<string, number>} Run
 * @param {Run[]} runs
 */
export const medians = (runs) =>
  /** @type {Run} */ (
    Object.fromEntries(
      Object.keys(runs[0] ?? {}).map((key) => [
        key,
        median(runs.map((run) => run[key] ?? NaN)),
      ]),
    )
  );

/**
 * @param {Browser} browser
 * @param {Library} library
 * @param {number} slowdown
 * @returns {Promise<Timing>}
 */
const timePage = async (browser, library, slowdown) => {
  const visit = await openVisit(browser, library, { slowdown });
  const start = await visit.page.evaluate(page.runScript);
  await visit.network.quiet(500);
  const calibration = await visit.page.evaluate(page.calibrate, orderPayload);
  await visit.page.evaluate(page.timeCalls, CALLS);
  const calls = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await visit.network.quiet(100);
    calls.push(await visit.page.evaluate(page.timeCalls, CALLS));
  }
  await visit.close();
  return { start, calibration, call: median(calls) };
};

/**
 * Times the start and the calls of each library, in fresh pages. The libraries take turns, so that all of them are slowed
 * when something slows the machine for a while.
 *
 * @param {Browser} browser
 * @param {Library[]} libraries
 * @param {number[]} slowdowns
 * @param {number} pages for each library and slowdown
 * @param {(turn: number) => void} onProgress
 * @returns {Promise<Map<number, Map<Library, Timing[]>>>} each page's timings by slowdown and library
 */
export const measureTimings = async (
  browser,
  libraries,
  slowdowns,
  pages,
  onProgress,
) => {
  // a browser's first pages are slower
  for (const library of libraries) await timePage(browser, library, 1);
  /** @type {Map<number, Map<Library, Timing[]>>} */
  const results = new Map(
    slowdowns.map((slowdown) => [
      slowdown,
      new Map(libraries.map((library) => [library, []])),
    ]),
  );
  for (let turn = 0; turn < pages; turn += 1) {
    onProgress(turn + 1);
    // each turn starts with another library
    const first = turn % libraries.length;
    const order = [...libraries.slice(first), ...libraries.slice(0, first)];
    for (const [slowdown, timings] of results)
      for (const library of order)
        timings.get(library)?.push(await timePage(browser, library, slowdown));
  }
  return results;
};

/**
 * Measures what reaches the network, and the CPU time of the main thread until the page is quiet again, because batches
 * and promises are processed after a call returns. CPU time does not depend on what else runs, so libraries may be
 * measured at the same time.
 *
 * @param {Browser} browser
 * @param {Library} library
 */
export const measureDelivery = async (browser, library) => {
  const visit = await openVisit(browser, library);
  const { network } = visit;

  /**
   * What some work causes until the page is quiet.
   *
   * @param {() => unknown} work
   * @param {number} [idle] the CPU time that is spent without the work, in ms
   */
  const effectOf = async (work, idle = 0) => {
    const before = network.counts();
    const timeBefore = await visit.mainThreadTime();
    await work();
    await network.quiet(QUIET_MS);
    const after = network.counts();
    return {
      mainThread: Math.max(
        0,
        (await visit.mainThreadTime()) - timeBefore - idle,
      ),
      requests: after.requests - before.requests,
      bytes: after.bytes - before.bytes,
      orders: after.orders - before.orders,
    };
  };
  /** @param {number} calls in each row */
  const makeRows = (calls) => async () => {
    for (let row = 0; row < WATCHED_ROWS; row += 1) {
      await visit.page.evaluate(page.timeCalls, calls);
      await network.quiet(100);
    }
  };
  // an idle page uses some CPU time, and so does `evaluate`
  const idle = await effectOf(() => {});
  const idleRows = await effectOf(makeRows(0));
  const start = await effectOf(
    () => visit.page.evaluate(page.runScript),
    idle.mainThread,
  );
  const ten = await effectOf(() => visit.page.evaluate(page.timeCalls, 10));
  const rows = await effectOf(makeRows(CALLS_PER_ROW), idleRows.mainThread);
  await visit.close();
  const calls = WATCHED_ROWS * CALLS_PER_ROW;
  return {
    /** The CPU time of the start and all that it causes, in ms. */
    startThread: start.mainThread,
    /** The CPU time of one call and all that it causes, in µs. */
    callThread: (rows.mainThread * 1000) / calls,
    startRequests: start.requests,
    tenRequests: ten.requests,
    tenBytes: ten.bytes,
    made: 1 + 10 + calls,
    delivered: start.orders + ten.orders + rows.orders,
  };
};

/**
 * Measures how much memory a page uses that makes very many calls. Sizes are in bytes.
 *
 * @param {Browser} browser
 * @param {Library} library
 * @param {number} limit the longest that it may take, in ms
 */
export const measureMemory = async (browser, library, limit) => {
  const visit = await openVisit(browser, library);
  const { network } = visit;
  await visit.page.evaluate(page.watchWasm);
  const before = await visit.heapSize();
  await visit.page.evaluate(page.runScript);
  await network.quiet(QUIET_MS);
  const heapAtStart = (await visit.heapSize()) - before;
  const wasmAtStart = await visit.page.evaluate(page.wasmMemoryBytes);

  const { calls, rowLength, maxPending } = library.memoryTest;
  const end = Date.now() + limit;
  const ordersBefore = network.orders;
  let made = 0;
  while (made < calls && Date.now() < end) {
    await visit.page.evaluate(page.timeCalls, rowLength);
    made += rowLength;
    // without waiting, this would measure the backlog; calls that a library drops never arrive, so the wait has a limit
    const waitStart = Date.now();
    while (
      made - (network.orders - ordersBefore) > maxPending &&
      Date.now() - waitStart < 2 * QUIET_MS
    )
      await sleep(20);
  }
  await network.quiet(QUIET_MS, limit / 10);
  const result = {
    made,
    delivered: network.orders - ordersBefore,
    heapAtStart,
    heapAtEnd: (await visit.heapSize()) - before,
    wasmAtStart,
    wasmAtEnd: await visit.page.evaluate(page.wasmMemoryBytes),
  };
  await visit.close();
  return result;
};
