// No measured event is lost, however pages are left and whatever the network does: the short form of `npm run soak`.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Network } from "./network.mjs";
import { findFailures, formatTable, launchBrowser, runSoak } from "./run.mjs";

const SEED = 20_26;

/** @type {[string, {runs: number, visits: number}][]} */
const SIZES = [
  ["localhost", { runs: 2, visits: 24 }],
  // without locks, the records of a page that has ended become free after a while
  ["plain", { runs: 1, visits: 0 }],
  ["opaque", { runs: 1, visits: 0 }],
];

describe("soak", { concurrency: 3 }, () => {
  /** @type {import("playwright-core").Browser | undefined} */
  let browser;
  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  for (const [setup, size] of SIZES)
    test(`every measured event is delivered in the setup ${setup}`, async (t) => {
      assert.ok(browser);
      const network = await Network.open(setup);
      t.after(() => network.close());
      const results = await runSoak({ network, browser, seed: SEED, ...size });
      t.diagnostic(`seed ${SEED}\n${formatTable(results)}`);
      assert.equal(findFailures(results).join("\n\n"), "", `seed ${SEED}`);
    });
});
