// The installed Firefox, driven over WebDriver BiDi.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { which } from "../../../scripts/exec.mjs";
import { Visitor } from "./context.mjs";

/** Nobody listens there: what is not a visitor's goes nowhere. */
const NOWHERE = { host: "127.0.0.1", port: 9 };

const PREFERENCES = {
  "network.proxy.type": 1,
  "network.proxy.http": NOWHERE.host,
  "network.proxy.http_port": NOWHERE.port,
  "network.proxy.ssl": NOWHERE.host,
  "network.proxy.ssl_port": NOWHERE.port,
  // a visit to localhost is answered like any other
  "network.proxy.allow_hijacking_localhost": true,
  // and a visit over plain http stays one
  "dom.security.https_first": false,
  "dom.security.https_first_schemeless": false,
  // requests arrive in the order in which they were made: one after the other, not beside one another
  "network.http.max-persistent-connections-per-server": 1,
  "browser.chrome.site_icons": false,
};

/** Firefox sends beacons with the lowest priority. BiDi has no word for them. */
const isBeacon = ({ priority }) => /\bu=6\b/.test(priority);

/** Starts Firefox. Gives what `play` takes for a browser. */
export const launch = async () => {
  const executablePath =
    process.env.FIREFOX ?? which("firefox-esr") ?? which("firefox");
  if (!executablePath)
    throw new Error("there is no Firefox: install firefox-esr, or set FIREFOX");
  // root may start Firefox only where the home is root's own
  const home = await mkdtemp(join(tmpdir(), "oaiq-firefox-"));
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    acceptInsecureCerts: true,
    defaultViewport: null,
    // the network is watched from its other end
    networkEnabled: false,
    extraPrefsFirefox: PREFERENCES,
    env: { ...process.env, HOME: home },
  });
  const open = async (proxyServer) => {
    const context = await browser.createBrowserContext({ proxyServer });
    return {
      // a tab would hide those before it in the window
      newPage: () => context.newPage({ type: "window" }),
      cookies: () => context.cookies(),
      close: () => context.close(),
    };
  };
  return {
    newContext: () => Visitor.arrives({ open, isBeacon }),
    close: async () => {
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
};
