// Chromium's arguments in tests and measurements.

/** Runs without a sandbox or a GPU, and makes no requests of its own. */
export const CHROMIUM_ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Pages cannot tell this browser from a visitor's: `navigator.webdriver` is false. */
export const HIDE_AUTOMATION = "--disable-blink-features=AutomationControlled";
