// Renders the measurements as Markdown tables, for the terminal and docs/figures.md.
import { cpus } from "node:os";
import process from "node:process";
import * as markdown from "prettier/plugins/markdown";
import { format } from "prettier/standalone";

/**
 * @typedef {import("./measure.mjs").Spread} Spread
 *
 * @typedef {object} Timings a library's timings at one CPU speed; the ratios are parts of the calibration of the same page
 * @property {Spread} start
 * @property {Spread} call
 * @property {Spread} calibration
 * @property {Spread} startRatio
 * @property {Spread} callRatio
 *
 * @typedef {import("./libraries.mjs").Library & {
 *   size: ReturnType<typeof import("./measure.mjs").bundleSize>,
 *   full: Timings,
 *   slowed: Timings,
 *   delivery: Awaited<ReturnType<typeof import("./measure.mjs").measureDelivery>>,
 *   memory?: Awaited<ReturnType<typeof import("./measure.mjs").measureMemory>> | undefined,
 * }} Result
 *
 * @typedef {Partial<Result> & { name: string }} Row
 */

/**
 * The vendor's script as it was measured on another machine with the same calibration: sizes in bytes, the start as a part
 * of the calibration, a call in µs per ms of calibration.
 */
export const VENDOR_BASELINE = {
  name: "the vendor's script, measured elsewhere",
  size: { raw: 82_800, gzip: 26_300, brotli: 23_400 },
  startRatio: 0.4,
  callRatio: 0.77,
};

const VENDOR_ROW = { name: VENDOR_BASELINE.name, size: VENDOR_BASELINE.size };

/**
 * A number with three significant digits, or all digits before the decimal point if there are more.
 *
 * @param {number} value
 */
export const formatNumber = (value) => {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
};

/** @param {number} value */
const formatCount = (value) => Math.round(value).toLocaleString("en");

/** @param {number} bytes */
export const formatKilobytes = (bytes) =>
  (bytes / 1000).toLocaleString("en", {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });

/** @param {Spread} spread */
const formatSpread = ({ median, min, max }) =>
  `${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`;

const MISSING = "–";

/**
 * @template {Row} R
 * @param {R[]} rows
 * @param {[heading: string, cell: (row: R) => string | undefined | false][]} columns
 */
const table = (rows, columns) => {
  /** @param {string[]} cells */
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(([heading]) => heading)),
    line(columns.map((_, i) => (i ? "--:" : "---"))),
    ...rows.map((row) => line(columns.map(([, cell]) => cell(row) || MISSING))),
  ].join("\n");
};

/** @type {[heading: string, cell: (row: Row) => string]} */
const nameColumn = ["", ({ name, ours }) => (ours ? `**${name}**` : name)];

/** @param {Result[]} results */
const sizes = (results) =>
  table(
    [...results, VENDOR_ROW],
    [
      nameColumn,
      ["raw, kB", ({ size }) => formatKilobytes(size.raw)],
      ["gzip -9, kB", ({ size }) => formatKilobytes(size.gzip)],
      ["brotli -q 11, kB", ({ size }) => formatKilobytes(size.brotli)],
    ],
  );

/** @param {Result[]} results */
const starts = (results) =>
  table(/** @type {Row[]} */ ([...results, VENDOR_ROW]), [
    nameColumn,
    ["ms", ({ full }) => full && formatSpread(full.start)],
    [
      "relative to the calibration",
      ({ full }) =>
        full
          ? formatSpread(full.startRatio)
          : formatNumber(VENDOR_BASELINE.startRatio),
    ],
    ["ms, CPU slowed 4×", ({ slowed }) => slowed && formatSpread(slowed.start)],
    [
      "relative to the calibration, slowed 4×",
      ({ slowed }) => slowed && formatSpread(slowed.startRatio),
    ],
    [
      "until the page is quiet, CPU ms",
      ({ delivery }) => delivery && formatNumber(delivery.startThread),
    ],
  ]);

/** @param {Result[]} results */
const calls = (results) =>
  table(/** @type {Row[]} */ ([...results, VENDOR_ROW]), [
    nameColumn,
    ["µs", ({ full }) => full && formatSpread(full.call)],
    [
      "µs per ms of calibration",
      ({ full }) =>
        full
          ? formatSpread(full.callRatio)
          : formatNumber(VENDOR_BASELINE.callRatio),
    ],
    ["µs, CPU slowed 4×", ({ slowed }) => slowed && formatSpread(slowed.call)],
    [
      "µs per ms of calibration, slowed 4×",
      ({ slowed }) => slowed && formatSpread(slowed.callRatio),
    ],
    [
      "with all it causes, CPU µs",
      ({ delivery }) => delivery && formatNumber(delivery.callThread),
    ],
  ]);

/** @param {Result[]} results */
const requests = (results) =>
  table(results, [
    nameColumn,
    ["at start", ({ delivery }) => formatCount(delivery.startRequests)],
    ["for 10 calls", ({ delivery }) => formatCount(delivery.tenRequests)],
    [
      "posted for 10 calls, kB",
      ({ delivery }) => formatKilobytes(delivery.tenBytes),
    ],
    [
      "delivered of all calls",
      ({ delivery }) =>
        `${formatCount(delivery.delivered)} of ${formatCount(delivery.made)}`,
    ],
  ]);

/** @param {Result[]} results */
const memories = (results) =>
  table(results, [
    nameColumn,
    ["calls", ({ memory }) => memory && formatCount(memory.made)],
    ["delivered", ({ memory }) => memory && formatCount(memory.delivered)],
    [
      "heap after the start, kB",
      ({ memory }) => memory && formatKilobytes(memory.heapAtStart),
    ],
    [
      "heap after the calls, kB",
      ({ memory }) => memory && formatKilobytes(memory.heapAtEnd),
    ],
    [
      "WebAssembly memory, start and end, kB",
      ({ memory }) =>
        memory?.wasmAtEnd
          ? `${formatKilobytes(memory.wasmAtStart)}, ${formatKilobytes(memory.wasmAtEnd)}`
          : undefined,
    ],
  ]);

/** @param {Result} result */
const calibration = ({ name, full, slowed }) =>
  `The calibration makes days and machines comparable. It is a fixed amount of work: 100 cookie writes and reads and 3,000 JSON round trips of the order, timed in each page after the start. In the pages of ${name} it took ${formatSpread(full.calibration)} ms, and ${formatSpread(slowed.calibration)} ms with the CPU slowed four times.`;

const NOTES = `- Each page is a first visit: a browser profile without cookies, storage or caches, and a process of its own. All requests are answered on the machine, at once; nothing is sent to anybody.
- _Start_ is the time that the script takes as an inline element: its evaluation, \`init\`, and the one order in its queue; for a library without a queue, evaluation, \`init\` and one call.
- _One call_ reports an order of two items: the mean of 200 calls in a row, the median of three such rows, after 200 calls to warm up.
- _Until the page is quiet_ and _with all it causes_ are the CPU time of the page's main thread until 6.5 s have passed without a request, minus that of an idle page. They include deferred work (batches, promises, timers).
- Developer tools watch the requests, as in every such measurement. That adds about 40 µs to each request, which matters most where each call is a request.
- _Memory_ is the JavaScript heap after garbage collection, minus the heap of the empty page. A page makes 100,000 calls, or 10,000 where more would take hours, or as many as it delivers in five minutes, and waits while too many are in flight. WebAssembly memory is not part of the heap and has a column of its own.
- Chromium's clock has a resolution of 0.1 ms.`;

/**
 * The section of docs/figures.md, without its markers.
 *
 * @param {Result[]} results
 * @param {{ browser: string, pages: number, command: string }} about the browser's version, the pages for each library,
 *   and the command
 */
export const renderReport = (results, { browser, pages, command }) => {
  const processors = cpus();
  const [first] = results;
  const parts = [
    `Measured by \`${command}\` on ${processors.length} cores of ${processors[0]?.model.trim()}, Chromium ${browser}, Node ${process.versions.node}. A figure is the median (minimum–maximum) of ${pages} fresh pages; the libraries take turns, page by page.`,
    ...(first ? [calibration(first)] : []),
    "![Size, start and call of each script](bench.svg)",
    "### What a visitor downloads",
    sizes(results),
    "### Start",
    starts(results),
    "### One call",
    calls(results),
    "### Requests",
    requests(results),
  ];
  if (results.every(({ memory }) => memory))
    parts.push("### Memory", memories(results));
  parts.push(
    "### How each library is set up",
    results.map(({ name, note }) => `- **${name}**: ${note}.`).join("\n"),
    "### What the figures mean",
    NOTES,
  );
  return format(parts.join("\n\n"), {
    parser: "markdown",
    plugins: [markdown],
  });
};
