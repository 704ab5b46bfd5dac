// The measurements. Nothing here is judged: a number is a number, on whatever machine this runs.
import { Buffer } from "node:buffer";
import { setTimeout as pause } from "node:timers/promises";
import { brotli, gzip } from "../scripts/build.mjs";
import { order } from "./libraries.mjs";
import * as page from "./page.mjs";
import { openVisit } from "./visit.mjs";

/** The calls that are timed together, and those before them that warm up. */
const CALLS = 200;
const ROUNDS = 3;
/** Longer than any contestant waits before it sends, in ms. */
const QUIET = 6_500;
/** What a page calls while its main thread is watched: rows as a busy page makes them. */
const WATCHED_ROWS = 30;
const WATCHED_CALLS = 20;

/** What a visitor downloads, in bytes. */
export const size = ({ script }) => {
  const bytes = Buffer.from(script);
  return { raw: bytes.length, gzip: gzip(bytes), brotli: brotli(bytes) };
};

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

/** A measured series in three numbers. */
export const spread = (values) => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
});

/** Several runs of one measurement as one: of each of its numbers the median. */
export const medians = (runs) =>
  Object.fromEntries(
    Object.keys(runs[0]).map((key) => [
      key,
      median(runs.map((run) => run[key])),
    ]),
  );

/** One page: `start` in ms, `fixed` (the fixed work) in ms, `call` in µs. */
const timing = async (browser, contestant, slowdown) => {
  const visit = await openVisit(browser, contestant, { slowdown });
  const start = await visit.evaluate(page.runScript);
  await visit.network.quiet(500);
  const fixed = await visit.evaluate(page.fixedWork, order);
  await visit.evaluate(page.timeCalls, CALLS);
  const calls = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await visit.network.quiet(100);
    calls.push(await visit.evaluate(page.timeCalls, CALLS));
  }
  await visit.close();
  return { start, fixed, call: median(calls) };
};

/**
 * Start and call of each contestant, one fresh page after the other. They take turns, so that whatever slows the machine
 * for a while slows all. A map from contestant to its pages' timings, for each slowdown.
 */
export const timings = async (
  browser,
  contestants,
  slowdowns,
  pages,
  progress,
) => {
  // the browser's own first pages are slower
  for (const contestant of contestants) await timing(browser, contestant, 1);
  const results = new Map(
    slowdowns.map((slowdown) => [
      slowdown,
      new Map(contestants.map((contestant) => [contestant, []])),
    ]),
  );
  for (let turn = 0; turn < pages; turn += 1) {
    progress(turn + 1);
    for (const slowdown of slowdowns)
      for (let i = 0; i < contestants.length; i += 1) {
        // nobody always comes after the same one
        const contestant = contestants[(i + turn) % contestants.length];
        const result = await timing(browser, contestant, slowdown);
        results.get(slowdown).get(contestant).push(result);
      }
  }
  return results;
};

/**
 * What reaches the network, and what the main thread does for it until the page is quiet again: batches are
 * written and promises kept after the call has returned. CPU time, so contestants may run side by side.
 */
export const delivery = async (browser, contestant) => {
  const visit = await openVisit(browser, contestant);
  const { network } = visit;

  /** What some work causes until the page is quiet; `idle`: the main thread's CPU time for none, in ms. */
  const caused = async (work, idle = 0) => {
    const before = network.counts();
    const from = await visit.mainThread();
    await work();
    await network.quiet(QUIET);
    const now = network.counts();
    return {
      mainThread: Math.max(0, (await visit.mainThread()) - from - idle),
      requests: now.requests - before.requests,
      bytes: now.bytes - before.bytes,
      orders: now.orders - before.orders,
    };
  };
  const rows = (calls) => async () => {
    for (let row = 0; row < WATCHED_ROWS; row += 1) {
      await visit.evaluate(page.timeCalls, calls);
      await network.quiet(100);
    }
  };
  // an idle page works a little too, and being asked is work
  const idle = await caused(() => {});
  const idleRows = await caused(rows(0));
  const start = await caused(
    () => visit.evaluate(page.runScript),
    idle.mainThread,
  );
  const ten = await caused(() => visit.evaluate(page.timeCalls, 10));
  const many = await caused(rows(WATCHED_CALLS), idleRows.mainThread);
  await visit.close();
  const calls = WATCHED_ROWS * WATCHED_CALLS;
  return {
    /** The main thread's CPU time of the start and all that it causes, in ms, */
    startThread: start.mainThread,
    /** and of one call, in µs. */
    callThread: (many.mainThread * 1000) / calls,
    startRequests: start.requests,
    tenRequests: ten.requests,
    tenBytes: ten.bytes,
    made: 1 + 10 + calls,
    arrived: start.orders + ten.orders + many.orders,
  };
};

/** What a page's long life leaves in memory, in bytes; `limit`: the longest it may take, in ms. */
export const memory = async (browser, contestant, limit) => {
  const visit = await openVisit(browser, contestant);
  const { network } = visit;
  await visit.evaluate(page.watchModules);
  const before = await visit.heap();
  await visit.evaluate(page.runScript);
  await network.quiet(QUIET);
  const started = (await visit.heap()) - before;
  const startedModule = await visit.evaluate(page.moduleBytes);

  const { calls, atOnce, underWay } = contestant.life;
  const end = Date.now() + limit;
  const ordersBefore = network.orders;
  let made = 0;
  while (made < calls && Date.now() < end) {
    await visit.evaluate(page.timeCalls, atOnce);
    made += atOnce;
    // a page that calls faster than it can send would measure its backlog; what is lost never comes
    const waited = Date.now();
    while (
      made - (network.orders - ordersBefore) > underWay &&
      Date.now() - waited < 2 * QUIET
    )
      await pause(20);
  }
  await network.quiet(QUIET, limit / 10);
  const result = {
    made,
    arrived: network.orders - ordersBefore,
    started,
    startedModule,
    heap: (await visit.heap()) - before,
    module: await visit.evaluate(page.moduleBytes),
  };
  await visit.close();
  return result;
};
