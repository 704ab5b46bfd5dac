// The browsers that the recorded visits are played in.
import { launch as launchChromium } from "../e2e/support/browser.mjs";
import { launch as launchFirefox } from "../e2e/firefox/firefox.mjs";
import { launch as launchWebKit } from "../e2e/webkit/webkit.mjs";

/**
 * Per engine: what to call it, how to start it, what it changes about a visit, and how many visits go at a time on two
 * cores: those that only wait for what the pixel sends, and those whose own steps are about times.
 */
export const ENGINES = {
  chromium: {
    title: "Chromium",
    launch: launchChromium,
    atOnce: { waiting: 12, timed: 6 },
  },
  csp: {
    title: "Chromium, where a Content-Security-Policy forbids WebAssembly",
    launch: launchChromium,
    changed: (visit) => ({ ...visit, nonce: "pixel" }),
    atOnce: { waiting: 12, timed: 6 },
  },
  nowasm: {
    title: "Chromium without WebAssembly",
    launch: () => launchChromium(["--js-flags=--jitless"]),
    atOnce: { waiting: 12, timed: 6 },
  },
  firefox: {
    title: "Firefox",
    launch: launchFirefox,
    atOnce: { waiting: 8, timed: 5 },
  },
  webkit: {
    title: "WebKit",
    launch: launchWebKit,
    atOnce: { waiting: 6, timed: 4 },
  },
};
