// The visits that were recorded with the vendor's script, played with this pixel.
import { before, describe } from "node:test";
import { play } from "../conformance/harness.mjs";
import { testRecordedVisits } from "../conformance/recorded.mjs";
import { pixelFiles, sharedBrowser } from "./browser.mjs";

const AGREES =
  "a recorded visit leaves on the network and in the browser what the vendor's script left there";

let files;
before(async () => {
  files = await pixelFiles();
});

describe(AGREES, { concurrency: 5 }, () => {
  const browser = sharedBrowser();
  testRecordedVisits((visit) => play(browser, files, visit));
});

describe(
  `${AGREES}, where a Content-Security-Policy lets no WebAssembly run`,
  { concurrency: 5 },
  () => {
    const browser = sharedBrowser();
    testRecordedVisits((visit) =>
      play(browser, files, { ...visit, nonce: "pixel" }),
    );
  },
);

describe(
  `${AGREES}, in a browser without WebAssembly`,
  { concurrency: 5 },
  () => {
    const browser = sharedBrowser("--js-flags=--jitless");
    testRecordedVisits((visit) => play(browser, files, visit));
  },
);
