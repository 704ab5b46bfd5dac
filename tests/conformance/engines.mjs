// The browsers that the recorded visits are replayed in.
import { launch as launchChromium } from "../e2e/support/browser.mjs";
import { launch as launchFirefox } from "../e2e/firefox/firefox.mjs";
import { launch as launchWebKit } from "../e2e/webkit/webkit.mjs";

/**
 * @typedef {object} Engine
 * @property {string} title
 * @property {() => Promise<import("./player.mjs").ReplayBrowser>} launch
 * @property {(visit: import("./player.mjs").Visit) => import("./player.mjs").Visit} [prepare] changes a visit
 * @property {boolean} [hasForms] whether it replays what visitors do with forms
 * @property {{untimed: number, timed: number}} concurrency how many visits run at a time, on two cores: those that only wait
 *   for requests, and those with steps at certain times
 */

/** @type {Record<string, Engine>} */
export const ENGINES = {
  chromium: {
    title: "Chromium",
    launch: () => launchChromium(),
    hasForms: true,
    concurrency: { untimed: 12, timed: 6 },
  },
  csp: {
    title: "Chromium, where a Content-Security-Policy forbids WebAssembly",
    launch: () => launchChromium(),
    prepare: (visit) => ({ ...visit, nonce: "pixel" }),
    concurrency: { untimed: 12, timed: 6 },
  },
  nowasm: {
    title: "Chromium without WebAssembly",
    launch: () => launchChromium(["--js-flags=--jitless"]),
    concurrency: { untimed: 12, timed: 6 },
  },
  firefox: {
    title: "Firefox",
    launch: launchFirefox,
    concurrency: { untimed: 8, timed: 5 },
  },
  webkit: {
    title: "WebKit",
    launch: launchWebKit,
    concurrency: { untimed: 6, timed: 4 },
  },
};
