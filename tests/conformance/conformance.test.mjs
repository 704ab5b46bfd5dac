// The visits that were recorded with the vendor's script in Chromium, played with this pixel. ENGINE names the browser
// (engines.mjs), NAME a part of the visits' names.
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { pixelFiles } from "../e2e/support/browser.mjs";
import { play } from "./player.mjs";
import { isTimed, recordings, testRecordedVisits } from "./suite.mjs";
import { ENGINES } from "./engines.mjs";

const { ENGINE = "chromium", NAME = "" } = process.env;
const engine = ENGINES[ENGINE];
assert.ok(
  engine,
  `there is no engine ${ENGINE}, only ${Object.keys(ENGINES).join(", ")}`,
);
const isNamed = ({ name }) => name.includes(NAME);
assert.ok(
  recordings.some(isNamed),
  `no recorded visit has ${NAME} in its name`,
);
const { title, launch, changed = (visit) => visit, atOnce } = engine;

let browser;
let files;
before(async () => {
  files = await pixelFiles();
  browser = await launch();
});
after(() => browser?.close());

const playHere = (visit) => play(browser, files, changed(visit));

/** Tests of those recordings, so many at a time. */
const testAll = (what, isOne, concurrency) => {
  const isWanted = (recording) => isNamed(recording) && isOne(recording.visit);
  if (!recordings.some(isWanted)) return;
  describe(
    `${what} leaves in ${title} what the vendor's script left in Chromium`,
    { concurrency },
    () => testRecordedVisits(playHere, { isWanted }),
  );
};

testAll("a recorded visit", (visit) => !isTimed(visit), atOnce.waiting);
testAll("a recorded visit with steps", isTimed, atOnce.timed);
