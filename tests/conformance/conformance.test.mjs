// Replays with this pixel the visits that were recorded with the vendor's script in Chromium. ENGINE selects the browser
// (engines.mjs), NAME the visits whose names contain it.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { readDist } from "../e2e/support/browser.mjs";
import { replay } from "./player.mjs";
import { isTimed, recordings, defineConformanceTests } from "./suite.mjs";
import { ENGINES } from "./engines.mjs";

const { ENGINE = "chromium", NAME = "" } = process.env;
const engine = ENGINES[ENGINE];
assert.ok(
  engine,
  `unknown engine ${ENGINE}; there are ${Object.keys(ENGINES).join(", ")}`,
);
const matchesName = (/** @type {import("./suite.mjs").Recording} */ { name }) =>
  name.includes(NAME) && (engine.hasForms || !name.startsWith("forms-"));
assert.ok(
  recordings.some(matchesName),
  `no recorded visit has ${NAME} in its name`,
);
const { title, launch, prepare = (visit) => visit, concurrency } = engine;

/** @type {import("./player.mjs").ReplayBrowser | undefined} */
let browser;
/** @type {Map<string, Buffer>} */
let files;
before(async () => {
  files = await readDist();
  browser = await launch();
});
after(() => browser?.close());

/** @param {import("./player.mjs").Visit} visit */
const replayHere = (visit) => {
  assert.ok(browser);
  return replay(browser, files, prepare(visit));
};

/**
 * Defines the tests of the selected recordings.
 *
 * @param {string} what
 * @param {(visit: import("./player.mjs").Visit) => boolean} isOne
 * @param {number} concurrency
 */
const defineTests = (what, isOne, concurrency) => {
  /** @param {import("./suite.mjs").Recording} recording */
  const isSelected = (recording) =>
    matchesName(recording) && isOne(recording.visit);
  if (!recordings.some(isSelected)) return;
  describe(
    `${what} in ${title} matches its recording of the vendor's script`,
    { concurrency },
    () => defineConformanceTests(replayHere, { isSelected }),
  );
};

defineTests("a visit", (visit) => !isTimed(visit), concurrency.untimed);
defineTests("a visit with steps", isTimed, concurrency.timed);
