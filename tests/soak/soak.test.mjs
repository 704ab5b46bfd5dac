// Nothing that was measured is lost, however pages are left and whatever the network does: the short form of
// `npm run soak`.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Network } from "./network.mjs";
import { faults, openBrowser, soak, table } from "./run.mjs";

const SEED = 20_26;

describe("soak", { concurrency: 3 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser?.close());

  const FORMS = {
    localhost: { runs: 2, visits: 24 },
    // where there are no locks, what a dead page has claimed comes free after a while
    plain: { runs: 1, visits: 0 },
    opaque: { runs: 1, visits: 0 },
  };
  for (const [setup, form] of Object.entries(FORMS))
    test(`${setup}: all that was measured arrives`, async (t) => {
      const network = await Network.open(setup);
      t.after(() => network.close());
      const results = await soak({ network, browser, seed: SEED, ...form });
      t.diagnostic(`seed ${SEED}\n${table(results)}`);
      assert.equal(faults(results).join("\n\n"), "", `seed ${SEED}`);
    });
});
