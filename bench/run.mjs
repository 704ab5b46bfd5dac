// The benchmark from end to end: measures, shows the tables, and writes them into docs/.
import console from "node:console";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { writeFigures } from "../scripts/write-figures.mjs";
import { fail, root, say } from "../scripts/exec.mjs";
import { chart } from "./chart.mjs";
import { contestants } from "./libraries.mjs";
import {
  delivery,
  medians,
  memory,
  size,
  spread,
  timings,
} from "./measure.mjs";
import { report } from "./report.mjs";
import { openBrowser } from "./visit.mjs";

const USAGE = `npm run bench [-- OPTIONS]
  --quick       a first impression in a few minutes: 3 pages, no memory, writes nothing
  --only NAME   only contestants whose name contains NAME; writes nothing
  --pages N     fresh pages for each contestant and speed (15)
VENDOR_SDK=FILE in the environment adds a script with the oaiq interface.`;

/** The longest that a contestant's long life may take, in ms. */
const MEMORY_LIMIT = 300_000;
const SPEEDS = { full: 1, slowed: 4 };

const options = (args) => {
  try {
    const { values } = parseArgs({
      args,
      options: {
        quick: { type: "boolean" },
        only: { type: "string" },
        pages: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    const pages = Number(values.pages ?? (values.quick ? 3 : 15));
    if (!(Number.isInteger(pages) && pages > 0))
      throw new Error("--pages takes a whole number above 0");
    return { ...values, pages };
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
};

/** One contestant's timings at one speed, also as parts of the fixed work of the same page. */
const summary = (pages) => {
  const series = (value) => spread(pages.map(value));
  return {
    start: series(({ start }) => start),
    call: series(({ call }) => call),
    fixed: series(({ fixed }) => fixed),
    startRatio: series(({ start, fixed }) => start / fixed),
    callRatio: series(({ call, fixed }) => call / fixed),
  };
};

const write = async (section, picture) => {
  writeFigures("bench", section);
  await writeFile(join(root, "docs/bench.svg"), picture);
  say("wrote docs/bench.svg");
};

/** Runs the benchmark as the command line says. */
export const bench = async (args) => {
  const { quick, only, pages, help } = options(args);
  if (help) {
    console.log(USAGE);
    return;
  }
  const begun = Date.now();
  const chosen = await contestants(only);
  if (!chosen.length) fail(`no contestant's name contains ${only}`);

  const browser = await openBrowser();
  // side by side: neither requests nor bytes nor CPU time depend on who else is there
  const eachAtOnce = (measure) =>
    Promise.all(chosen.map((contestant) => measure(browser, contestant)));
  const deliveries = chosen.map(() => []);
  let memories = [];
  let timed;
  try {
    timed = await timings(
      browser,
      chosen,
      Object.values(SPEEDS),
      pages,
      (turn) => say(`start and call: page ${turn} of ${pages}`),
    );
    for (let turn = 0; turn < (quick ? 1 : 3); turn += 1) {
      say("requests, and the main thread until the page is quiet");
      const results = await eachAtOnce(delivery);
      results.forEach((result, i) => deliveries[i].push(result));
    }
    if (!quick) {
      say("memory after a long life: some minutes");
      try {
        memories = await eachAtOnce((...visit) =>
          memory(...visit, MEMORY_LIMIT),
        );
      } catch (error) {
        // the timings, long by now, are shown all the same
        say(`memory could not be measured: ${error.message}`);
      }
    }
  } finally {
    await browser.close();
  }

  const results = chosen.map((contestant, i) => ({
    ...contestant,
    size: size(contestant),
    full: summary(timed.get(SPEEDS.full).get(contestant)),
    slowed: summary(timed.get(SPEEDS.slowed).get(contestant)),
    delivery: medians(deliveries[i]),
    memory: memories[i],
  }));
  const section = await report(results, {
    browser: browser.version(),
    pages,
    command: [
      ...(process.env.VENDOR_SDK ? ["VENDOR_SDK=…"] : []),
      "npm run bench",
      ...(args.length ? ["--", ...args] : []),
    ].join(" "),
  });
  console.log(section);
  if (!only && memories.length) await write(section, chart(results));
  say(`took ${Math.round((Date.now() - begun) / 60_000)} minutes`);
};
