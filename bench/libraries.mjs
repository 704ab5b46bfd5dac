// The compared libraries: their scripts as a visitor downloads them, and how a page starts and calls them.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { ensurePixelBuilt } from "../scripts/ensure-built.mjs";
import { root } from "../scripts/exec.mjs";

/**
 * @typedef {object} MemoryTest
 * @property {number} calls
 * @property {number} rowLength the number of calls in a row
 * @property {number} maxPending the next row starts when no more calls than this are undelivered
 *
 * @typedef {object} Library
 * @property {string} name
 * @property {boolean} [ours]
 * @property {string} script
 * @property {string} queue what a page runs before the script
 * @property {string} start what a page runs right after the script
 * @property {string} call reports one order
 * @property {MemoryTest} memoryTest
 * @property {string} note how the library is set up
 */

/** What every call reports. Amounts are in cents. */
export const orderPayload = {
  amount: 5997,
  currency: "EUR",
  contents: [
    { id: "sku-1", name: "Walking boots", quantity: 1, amount: 3999 },
    { id: "sku-2", name: "Woollen socks", quantity: 2, amount: 999 },
  ],
};
/** The event's name in every library. It identifies orders in request bodies. */
export const EVENT_NAME = "order_created";

/** @param {unknown} value */
const json = (value) => JSON.stringify(value);
/** @param {string} name of the function that reports an order */
const orderCall = (name) => `${name}("${EVENT_NAME}", ${json(orderPayload)});`;

const pixelCall = `oaiq("measure", "${EVENT_NAME}", ${json({ type: "contents", ...orderPayload })});`;
/** What the install snippet does before the script loads. */
const pixelQueue = `
  window.oaiq = function () { oaiq.q.push(arguments); };
  oaiq.q = [];
  oaiq("init", { pixelId: "BENCHPIXEL00000000001" });
  ${pixelCall}`;

// Turns off all that PostHog does besides sending events. It still stores its identity in a cookie and localStorage,
// sends batches every 3 s, and compresses them, as by default.
const posthogOptions = {
  advanced_disable_flags: true,
  autocapture: false,
  capture_dead_clicks: false,
  capture_exceptions: false,
  capture_heatmaps: false,
  capture_pageleave: false,
  capture_pageview: false,
  capture_performance: false,
  disable_external_dependency_loading: true,
  disable_session_recording: true,
  disable_surveys: true,
  rageclick: false,
  // by default it drops events above 10 per second, and a dropped call costs little
  rate_limiting: { events_per_second: 1e9, events_burst_limit: 1e9 },
};
const posthog = {
  start: `posthog.init("phc_bench", ${json(posthogOptions)});`,
  call: orderCall("posthog.capture"),
};

// Plausible's properties are scalars.
const plausibleEvent = {
  props: {
    item_1: "1 × sku-1 Walking boots, 39.99",
    item_2: "2 × sku-2 Woollen socks, 9.99",
  },
  revenue: { amount: "59.97", currency: "EUR" },
};

/** @type {MemoryTest} */
const LONG_MEMORY_TEST = { calls: 100_000, rowLength: 500, maxPending: 2_000 };
/**
 * For libraries that would take hours. Browsers reject requests with `keepalive` when more than 64 KiB are in flight.
 *
 * @type {MemoryTest}
 */
const SHORT_MEMORY_TEST = { calls: 10_000, rowLength: 100, maxPending: 100 };

/**
 * Libraries from npm. `entry` is the module to bundle, which only stores the library in a global variable. The others are
 * as in `Library`.
 *
 * @type {{ name: string, package: string, entry: string, start: string, call: string, memoryTest?: MemoryTest,
 *   note: string }[]}
 */
const NPM_LIBRARIES = [
  {
    name: "posthog-js",
    package: "posthog-js",
    entry: `import posthog from "posthog-js"; window.posthog = posthog;`,
    ...posthog,
    note: "the package's main entry. Autocapture, page views, heatmaps, dead clicks, exceptions, performance, session recording, surveys, feature flags and external scripts are off; its limit of ten events per second is lifted",
  },
  {
    name: "posthog-js, slim",
    package: "posthog-js",
    entry: `import posthog from "posthog-js/dist/module.slim.js"; window.posthog = posthog;`,
    ...posthog,
    note: "`posthog-js/dist/module.slim.js`, the smallest build in the package, without its extensions; the same settings",
  },
  {
    name: "mixpanel-browser",
    package: "mixpanel-browser",
    entry: `import mixpanel from "mixpanel-browser/src/loaders/loader-module-core"; window.mixpanel = mixpanel;`,
    start: `mixpanel.init("bench", { autocapture: false, track_pageview: false, record_sessions_percent: 0 });`,
    call: orderCall("mixpanel.track"),
    memoryTest: SHORT_MEMORY_TEST,
    note: "`loader-module-core`, which its README names for a smaller script without session recording; autocapture and page views are off. It sends batches of up to 50 events every 5 s. It rewrites its queue in localStorage for each event, so many calls in a row take long",
  },
  {
    name: "@segment/analytics-next",
    package: "@segment/analytics-next",
    entry: `import { AnalyticsBrowser } from "@segment/analytics-next"; window.AnalyticsBrowser = AnalyticsBrowser;`,
    start: `window.analytics = AnalyticsBrowser.load({ writeKey: "bench", cdnSettings: { integrations: { "Segment.io": { apiKey: "bench" } } } });`,
    call: orderCall("analytics.track"),
    memoryTest: SHORT_MEMORY_TEST,
    note: "the entry that its README imports. Its settings are passed in the call, so it downloads none; no destinations. It does most of its work later, in promises: see the columns for the time until the page is quiet. By default each call is a request",
  },
  {
    name: "@plausible-analytics/tracker",
    package: "@plausible-analytics/tracker",
    entry: `import { init, track } from "@plausible-analytics/tracker"; window.analytics = { init, track };`,
    start: `analytics.init({ domain: "shop.example.test", autoCapturePageviews: false });`,
    call: `analytics.track("${EVENT_NAME}", ${json(plausibleEvent)});`,
    memoryTest: SHORT_MEMORY_TEST,
    note: "the entry that its README imports; page views are off. It has no cookies, no identity and no queue: each call is a request. Its properties are flat, so the items are two strings and the total is its `revenue`",
  },
];

/**
 * @param {string} entry
 * @returns {Promise<string>}
 */
const bundle = async (entry) => {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: root },
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    legalComments: "none",
    logLevel: "error",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
};

/**
 * The installed version of an npm package.
 *
 * @param {string} name
 * @returns {Promise<string>}
 */
const versionOf = async (name) =>
  JSON.parse(
    await readFile(join(root, "node_modules", name, "package.json"), "utf8"),
  ).version;

const readPixel = async () => {
  await ensurePixelBuilt();
  return readFile(join(root, "dist/oaiq.min.js"), "utf8");
};

/**
 * The libraries whose name contains a text.
 *
 * @param {string} [nameFilter]
 * @returns {Promise<Library[]>}
 */
export const libraries = async (nameFilter = "") => {
  const pixel = {
    queue: pixelQueue,
    start: "",
    call: pixelCall,
    memoryTest: LONG_MEMORY_TEST,
  };
  const all = [
    {
      name: "this pixel",
      getScript: readPixel,
      ...pixel,
      ours: true,
      note: "`dist/oaiq.min.js` with its defaults: it fetches its pixel config and sends batches",
    },
  ];
  const vendor = process.env.VENDOR_SDK;
  if (vendor)
    all.push({
      name: "the vendor's script",
      getScript: () => readFile(vendor, "utf8"),
      ...pixel,
      ours: false,
      note: "the file that `VENDOR_SDK` names, called like this pixel",
    });
  for (const library of NPM_LIBRARIES)
    all.push({
      name: library.name,
      getScript: () => bundle(library.entry),
      queue: "",
      // without a queue, the call that others queue is made right after the start
      start: `${library.start}\n${library.call}`,
      call: library.call,
      memoryTest: library.memoryTest ?? LONG_MEMORY_TEST,
      ours: false,
      note: `${await versionOf(library.package)}; ${library.note}`,
    });
  const selected = all.filter(({ name }) => name.includes(nameFilter));
  return Promise.all(
    selected.map(async ({ getScript, ...library }) => ({
      ...library,
      script: await getScript(),
    })),
  );
};
