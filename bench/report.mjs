// The measurements as tables in Markdown: the console shows the same text as docs/figures.md.
import { cpus } from "node:os";
import process from "node:process";
import * as markdown from "prettier/plugins/markdown";
import { format } from "prettier/standalone";

/**
 * The vendor's script as it was measured elsewhere: on another day, with the same fixed work. Bytes; start as a part of
 * the fixed work; a call in µs per ms of fixed work.
 */
export const ELSEWHERE = {
  name: "the vendor's script, measured elsewhere",
  size: { raw: 82_800, gzip: 26_300, brotli: 23_400 },
  startRatio: 0.4,
  callRatio: 0.77,
};

/** Three digits that say something, more before the point if there are more. */
export const number = (value) => {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
};
const count = (value) => Math.round(value).toLocaleString("en");
export const kilobytes = (bytes) =>
  (bytes / 1000).toLocaleString("en", {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
const range = ({ median, least, most }) =>
  `${number(median)} (${number(least)}–${number(most)})`;

const MISSING = "–";

/** `columns`: heading and what stands below it, for each row. */
const table = (rows, columns) => {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(([heading]) => heading)),
    line(columns.map((_, i) => (i ? "--:" : "---"))),
    ...rows.map((row) =>
      line(columns.map(([, cell]) => cell(row) ?? MISSING).map(String)),
    ),
  ].join("\n");
};

const byName = ["", ({ name, ours }) => (ours ? `**${name}**` : name)];

const sizes = (results) =>
  table(
    [...results, ELSEWHERE],
    [
      byName,
      ["raw, kB", ({ size }) => kilobytes(size.raw)],
      ["gzip -9, kB", ({ size }) => kilobytes(size.gzip)],
      ["brotli -q 11, kB", ({ size }) => kilobytes(size.brotli)],
    ],
  );

const starts = (results) =>
  table(
    [
      ...results,
      { ...ELSEWHERE, startRatioText: number(ELSEWHERE.startRatio) },
    ],
    [
      byName,
      ["ms", ({ full }) => full && range(full.start)],
      [
        "of the fixed work",
        ({ full, startRatioText }) =>
          full ? range(full.startRatio) : startRatioText,
      ],
      ["ms, CPU slowed 4×", ({ slowed }) => slowed && range(slowed.start)],
      [
        "of the fixed work, slowed 4×",
        ({ slowed }) => slowed && range(slowed.startRatio),
      ],
      [
        "until the page is quiet, CPU ms",
        ({ delivery }) => delivery && number(delivery.startThread),
      ],
    ],
  );

const calls = (results) =>
  table(
    [...results, { ...ELSEWHERE, callRatioText: number(ELSEWHERE.callRatio) }],
    [
      byName,
      ["µs", ({ full }) => full && range(full.call)],
      [
        "µs per ms of fixed work",
        ({ full, callRatioText }) =>
          full ? range(full.callRatio) : callRatioText,
      ],
      ["µs, CPU slowed 4×", ({ slowed }) => slowed && range(slowed.call)],
      [
        "µs per ms of fixed work, slowed 4×",
        ({ slowed }) => slowed && range(slowed.callRatio),
      ],
      [
        "with all it causes, CPU µs",
        ({ delivery }) => delivery && number(delivery.callThread),
      ],
    ],
  );

const requests = (results) =>
  table(results, [
    byName,
    ["at start", ({ delivery }) => count(delivery.startRequests)],
    ["for 10 calls", ({ delivery }) => count(delivery.tenRequests)],
    ["posted for 10 calls, kB", ({ delivery }) => kilobytes(delivery.tenBytes)],
    [
      "arrived of all calls",
      ({ delivery }) => `${count(delivery.arrived)} of ${count(delivery.made)}`,
    ],
  ]);

const memories = (results) =>
  table(results, [
    byName,
    ["calls", ({ memory }) => count(memory.made)],
    ["arrived", ({ memory }) => count(memory.arrived)],
    ["heap after the start, kB", ({ memory }) => kilobytes(memory.started)],
    ["heap after the calls, kB", ({ memory }) => kilobytes(memory.heap)],
    [
      "WebAssembly memory, start and end, kB",
      ({ memory: { startedModule, module } }) =>
        module
          ? `${kilobytes(startedModule)}, ${kilobytes(module)}`
          : undefined,
    ],
  ]);

const fixedWork = (results) => {
  const at = (speed) =>
    range(results.find(({ ours }) => ours ?? true)[speed].fixed);
  return `The fixed work, beside which days and machines can be compared, is 100 cookie writes and reads and 3,000 JSON round trips of the order, timed in each page after the start. In the pages of ${results[0].name} it took ${at("full")} ms, and ${at("slowed")} ms with the CPU slowed four times.`;
};

const NOTES = `- A page is a first visit: a browser profile without cookies, storage or caches, and a process of its own. Everything is answered within the machine, at once; nothing is sent to anybody.
- _Start_ is the time in which the script, put into the page as an inline element, runs: its evaluation, \`init\`, and the one order that waits in its queue; where a library has no queue, evaluation, \`init\` and one call.
- _One call_ reports an order of two items: the mean of 200 calls in a row, the median of three such rows, after 200 calls to warm up.
- _Until the page is quiet_ and _with all it causes_ are the CPU time of the page's main thread until 6.5 s have passed without a request, less what an idle page takes. What a script puts off (batches, promises, timers) is in there.
- Developer tools watch the requests, as in every such measurement. That makes the start of a request slower, by some 40 µs here: it counts most where each call is a request.
- _Memory_ is the JavaScript heap after garbage collection, less the heap of the empty page. A page makes 100,000 calls, or 10,000 where more would take hours, or what it has delivered in five minutes, and waits while too many are under way. What WebAssembly takes is no part of the heap and stands beside it.
- Chromium's clock ticks every 0.1 ms.`;

/** The whole section of docs/figures.md, without its markers. */
export const report = (results, { browser, pages, command }) => {
  const processors = cpus();
  const parts = [
    `Measured by \`${command}\` on ${processors.length} cores of ${processors[0].model.trim()}, Chromium ${browser}, Node ${process.versions.node}. A figure is the median (least–most) of ${pages} fresh pages; the contestants take turns, page by page.`,
    fixedWork(results),
    "![Bytes, start and call of each script, side by side](bench.svg)",
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
    "### How each is set up",
    results.map(({ name, note }) => `- **${name}**: ${note}.`).join("\n"),
    "### What the figures are",
    NOTES,
  );
  return format(parts.join("\n\n"), {
    parser: "markdown",
    plugins: [markdown],
  });
};
