// What is compared: each contestant's script, as a visitor downloads it, and how a page starts and calls it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { build as bundle } from "esbuild";
import { build } from "../scripts/build.mjs";
import { root } from "../scripts/exec.mjs";

/** What every call reports. Amounts are in cents. */
export const order = {
  amount: 5997,
  currency: "EUR",
  contents: [
    { id: "sku-1", name: "Walking boots", quantity: 1, amount: 3999 },
    { id: "sku-2", name: "Woollen socks", quantity: 2, amount: 999 },
  ],
};
/** The name under which every contestant reports it, by which an order is found in what arrives. */
export const ORDER = "order_created";

const json = (value) => JSON.stringify(value);
const orderCall = (name) => `${name}("${ORDER}", ${json(order)});`;

const pixelCall = `oaiq("measure", "${ORDER}", ${json({ type: "contents", ...order })});`;
/** The install snippet's part of the work: it is in the page before the script comes. */
const pixelQueue = `
  window.oaiq = function () { oaiq.q.push(arguments); };
  oaiq.q = [];
  oaiq("init", { pixelId: "BENCHPIXEL00000000001" });
  ${pixelCall}`;

// All that PostHog does besides sending the events that it is given. Left on are its defaults for those: its identity
// in cookie and localStorage, its batches every 3 s, their compression.
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
  // otherwise it drops what exceeds 10 events a second, and a dropped call costs little
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

/**
 * A page's long life, whose memory is looked at: so many `calls`, made in rows of `atOnce`, the next row when no more than
 * `underWay` have still to arrive.
 */
const LONG_LIFE = { calls: 100_000, atOnce: 500, underWay: 2_000 };
// with `keepalive`, browsers refuse what is more than 64 KiB under way
const SHORT_LIFE = { calls: 10_000, atOnce: 100, underWay: 100 };

/**
 * What comes from npm. `entry`: the module that makes the bundle, which does nothing but leave the library where a
 * page's code finds it. `start`: what the page then runs to start it. `call`: one order.
 * `life`: what it can do in minutes of a page's long life, if that is less than LONG_LIFE.
 */
const libraries = [
  {
    name: "posthog-js",
    package: "posthog-js",
    entry: `import posthog from "posthog-js"; window.posthog = posthog;`,
    ...posthog,
    note: "the package's own entry. Autocapture, page views, heatmaps, dead clicks, exceptions, performance, session recording, surveys, feature flags and external scripts are off; its limit of ten events a second is lifted",
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
    life: SHORT_LIFE,
    note: "`loader-module-core`, which its README names for a smaller script without session recording; autocapture and page views are off. It sends batches, at most 50 events each, every 5 s. Its waiting events are in localStorage, written anew for each: a row of many calls keeps it busy for long",
  },
  {
    name: "@segment/analytics-next",
    package: "@segment/analytics-next",
    entry: `import { AnalyticsBrowser } from "@segment/analytics-next"; window.AnalyticsBrowser = AnalyticsBrowser;`,
    start: `window.analytics = AnalyticsBrowser.load({ writeKey: "bench", cdnSettings: { integrations: { "Segment.io": { apiKey: "bench" } } } });`,
    call: orderCall("analytics.track"),
    life: SHORT_LIFE,
    note: "the entry that its README imports. Its settings are given in the call, so that it downloads none; no destinations. Most of its start and of a call is done later, in promises: see the columns that count until the page is quiet. By default each call is a request",
  },
  {
    name: "@plausible-analytics/tracker",
    package: "@plausible-analytics/tracker",
    entry: `import { init, track } from "@plausible-analytics/tracker"; window.analytics = { init, track };`,
    start: `analytics.init({ domain: "shop.example.test", autoCapturePageviews: false });`,
    call: `analytics.track("${ORDER}", ${json(plausibleEvent)});`,
    life: SHORT_LIFE,
    note: "the entry that its README imports; page views are off. It has no cookies, no identity and no queue: each call is a request. Its properties are flat, so the items are two texts and the total is its `revenue`",
  },
].map((library) => ({
  ...library,
  // without a queue, the call that waits elsewhere is the first after the start
  start: `${library.start}\n${library.call}`,
}));

const bundled = async (entry) => {
  const { outputFiles } = await bundle({
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
  return outputFiles[0].text;
};

const version = async (name) =>
  JSON.parse(
    await readFile(join(root, "node_modules", name, "package.json"), "utf8"),
  ).version;

/** The built pixel; builds it if it is missing. */
const builtPixel = async () => {
  const read = () => readFile(join(root, "dist/oaiq.min.js"), "utf8");
  // a build that is under way takes the file away for a moment
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      return await read();
    } catch {
      await pause(1000);
    }
  }
  await build();
  return read();
};

const pixel = { queue: pixelQueue, start: "", call: pixelCall };

/**
 * All contestants, or those whose name contains `only`: `name`; `script`, its text; `queue`, what a page runs before
 * it; `start`, what it runs right after it; `call`, one order; `life`, how much of it memory is measured after; `note`,
 * how it is set up.
 */
export const contestants = async (only = "") => {
  const all = [
    {
      name: "this pixel",
      text: builtPixel,
      ...pixel,
      ours: true,
      note: "`dist/oaiq.min.js` with its own settings: it fetches its pixel's settings and sends batches",
    },
  ];
  const vendor = process.env.VENDOR_SDK;
  if (vendor)
    all.push({
      name: "the vendor's script",
      text: () => readFile(vendor, "utf8"),
      ...pixel,
      note: "the file that `VENDOR_SDK` names, called as this pixel is",
    });
  for (const library of libraries) {
    const release = await version(library.package);
    all.push({
      ...library,
      text: () => bundled(library.entry),
      queue: "",
      note: `${release}; ${library.note}`,
    });
  }
  const chosen = all.filter(({ name }) => name.includes(only));
  return Promise.all(
    chosen.map(async ({ text, ...contestant }) => ({
      life: LONG_LIFE,
      ...contestant,
      script: await text(),
    })),
  );
};
