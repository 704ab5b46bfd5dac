// node bench/matching.mjs: the time of a `measure` call on a page with a checkout form, with and without automatic advanced
// matching.
import console from "node:console";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ensurePixelBuilt } from "../scripts/ensure-built.mjs";
import { log, root } from "../scripts/exec.mjs";
import { parseOptions, wholeNumber } from "../scripts/options.mjs";
import { writeSection } from "../scripts/write-figures.mjs";
import { orderPayload } from "./libraries.mjs";
import { spread } from "./measure.mjs";
import * as page from "./page.mjs";
import { openBrowser } from "./visit.mjs";

const USAGE = `npm run bench:matching [-- OPTIONS]
Times measure on a page with a checkout form of 20 fields, with and without automatic advanced matching.
  --pages N  fresh pages for each (default: 12)
  --write    write the table into docs/figures.md
To time the vendor's script too, set VENDOR_SDK in the environment to its file.`;

const HOST = "https://shop.example.test";
/** The number of calls that are timed together. */
const CALLS = 100;
const ROUNDS = 3;
/** A batch is sent within this time, and its response arrives. */
const BATCH_MS = 5_000;

const FIELDS = [
  ["email", "email", "Email address", "ada@example.com"],
  ["phone", "tel", "Phone", "+44 20 7946 0000"],
  ["first_name", "text", "First name", "Ada"],
  ["last_name", "text", "Last name", "Lovelace"],
  ["company", "text", "Company", ""],
  ["address", "text", "Address", "12 St James's Square"],
  ["address2", "text", "Apartment", ""],
  ["city", "text", "City", "London"],
  ["state", "text", "State", ""],
  ["zip", "text", "Postal code", "SW1Y 4JH"],
  ["country", "text", "Country", "GB"],
  ["billing_first_name", "text", "First name", "Ada"],
  ["billing_last_name", "text", "Last name", "Lovelace"],
  ["billing_city", "text", "City", "London"],
  ["billing_zip", "text", "Postal code", "SW1Y 4JH"],
  ["coupon", "text", "Coupon", ""],
  ["note", "text", "Note for the courier", ""],
  ["newsletter", "checkbox", "Send me news", ""],
  ["terms", "checkbox", "I accept the terms", ""],
  ["gift", "checkbox", "It is a gift", ""],
];

/** @param {string} script */
const html = (script) => `<!doctype html><title>Checkout</title>
<form>${FIELDS.map(
  ([name, type, label, value]) =>
    `<label>${label} <input name="${name}" type="${type}" value="${value}"></label>`,
).join("\n")}<button>Pay</button></form>
<script>window.oaiq=function(){oaiq.q.push(arguments)};oaiq.q=[];oaiq("init",{pixelId:"BENCHPIXEL00000000001"})</script>
<script async src="/sdk/${script}"></script>`;

/**
 * The time of a call in µs for each ms of fixed work.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} script
 * @param {boolean} isEnabled
 */
const timePage = async (browser, script, isEnabled) => {
  const context = await browser.newContext();
  await context.route("**/*", async (route) => {
    const url = new URL(route.request().url());
    const file = /^\/sdk\/(.+)/.exec(url.pathname)?.[1];
    if (url.origin === HOST && file)
      return route.fulfill({
        contentType: "text/javascript",
        body: await readFile(
          file === "vendor.js"
            ? (process.env.VENDOR_SDK ?? "")
            : join(root, "dist", file),
        ),
      });
    if (url.origin === HOST)
      return route.fulfill({ contentType: "text/html", body: html(script) });
    return route.fulfill({
      headers: {
        "Access-Control-Allow-Origin": HOST,
        "Access-Control-Allow-Credentials": "true",
      },
      contentType: "application/json",
      body: JSON.stringify({ automatic_advanced_matching_enabled: isEnabled }),
    });
  });
  const tab = await context.newPage();
  /** @type {string[]} */
  const bodies = [];
  tab.on("request", (request) => {
    if (request.method() === "POST") bodies.push(request.postData() ?? "");
  });
  await tab.goto(HOST, { waitUntil: "networkidle" });
  await tab.evaluate(() => {
    /** @type {any} */ (globalThis).bench = {};
  });
  const calibration = await tab.evaluate(page.calibrate, orderPayload);
  await tab.evaluate(
    page.prepareCalls,
    `oaiq("measure", "order_created", ${JSON.stringify({ type: "contents", ...orderPayload })});`,
  );
  await tab.evaluate(page.timeCalls, CALLS);
  const calls = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await sleep(100);
    calls.push(await tab.evaluate(page.timeCalls, CALLS));
  }
  await sleep(BATCH_MS);
  await context.close();
  const hasRead = bodies.some((body) => body.includes('"fm":{"em"'));
  if (hasRead !== isEnabled)
    throw new Error(`${script}: the form was ${hasRead ? "" : "not "}read`);
  return spread(calls).median / calibration;
};

const { values } = parseOptions(USAGE, {
  pages: { type: "string" },
  write: { type: "boolean" },
});
const pages = wholeNumber("pages", values.pages ?? "12", 1, USAGE);
await ensurePixelBuilt();
/** @type {[name: string, script: string, isEnabled: boolean, ratios: number[]][]} */
const rows = [
  ["this pixel, matching enabled", "oaiq.min.js", true, []],
  ["this pixel, matching not enabled", "oaiq.min.js", false, []],
];
if (process.env.VENDOR_SDK)
  rows.push(
    ["vendor's script, matching enabled", "vendor.js", true, []],
    ["vendor's script, matching not enabled", "vendor.js", false, []],
  );
const browser = await openBrowser();
try {
  for (let turn = 0; turn < pages; turn += 1) {
    log(`page ${turn + 1} of ${pages}`);
    for (const [, script, isEnabled, ratios] of rows)
      ratios.push(await timePage(browser, script, isEnabled));
  }
} finally {
  await browser.close();
}
const table = [
  "| | median | min | max |",
  "| --- | ---: | ---: | ---: |",
  ...rows.map(([name, , , ratios]) => {
    const { median, min, max } = spread(ratios);
    return `| ${name} | ${median.toFixed(2)} | ${min.toFixed(2)} | ${max.toFixed(2)} |`;
  }),
].join("\n");
console.log(table);
if (values.write)
  writeSection(
    "matching",
    `By \`npm run bench:matching -- --write --pages ${pages}\`, in Chromium ${browser.version()}: µs for each ms of fixed work.\n\n${table}`,
  );
