// The installed Firefox, driven over WebDriver BiDi.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { which } from "../../../scripts/exec.mjs";
import { Context } from "./context.mjs";

/** No one listens here: the browser's own requests go nowhere. */
const NOWHERE = { host: "127.0.0.1", port: 9 };

const PREFERENCES = {
  "network.proxy.type": 1,
  "network.proxy.http": NOWHERE.host,
  "network.proxy.http_port": NOWHERE.port,
  "network.proxy.ssl": NOWHERE.host,
  "network.proxy.ssl_port": NOWHERE.port,
  // localhost goes through the proxy too
  "network.proxy.allow_hijacking_localhost": true,
  // plain http is not upgraded
  "dom.security.https_first": false,
  "dom.security.https_first_schemeless": false,
  // requests arrive in the order in which they were made: sequentially, not in parallel
  "network.http.max-persistent-connections-per-server": 1,
  "browser.chrome.site_icons": false,
};

/**
 * Firefox sends beacons with the lowest priority. BiDi does not report them.
 *
 * @param {import("./route.mjs").Headers} headers
 */
const isBeacon = ({ priority }) => /\bu=6\b/.test(String(priority));

/** Starts Firefox. Returns what the conformance player needs of a Playwright browser. */
export const launch = async () => {
  const executablePath =
    process.env.FIREFOX ?? which("firefox-esr") ?? which("firefox");
  if (!executablePath)
    throw new Error(
      "Firefox was not found: install firefox-esr, or set FIREFOX",
    );
  // as root, Firefox starts only if root owns the home directory
  const home = await mkdtemp(join(tmpdir(), "oaiq-firefox-"));
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    acceptInsecureCerts: true,
    defaultViewport: null,
    // the proxy watches the network
    networkEnabled: false,
    extraPrefsFirefox: PREFERENCES,
    env: { ...process.env, HOME: home },
  });
  const open = async (/** @type {string} */ proxyServer) => {
    const context = await browser.createBrowserContext({ proxyServer });
    return {
      // a new tab would hide the other tabs of its window
      newPage: () => context.newPage({ type: "window" }),
      cookies: () => context.cookies(),
      close: () => context.close(),
    };
  };
  return {
    newContext: () => Context.create({ open, isBeacon }),
    close: async () => {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
};
