// npm run soak: visitors leave pages in every way, over unreliable networks, and each event is accounted for.
import { die, log } from "./exec.mjs";
import { parseOptions, wholeNumber } from "./options.mjs";
import { ensureChromium, installNodePackages } from "./setup.mjs";
import { writeSection } from "./write-figures.mjs";

const USAGE = `npm run soak [-- OPTIONS]
Counts which events arrive when visitors leave pages and networks fail.
  --runs N      visitors for each scenario (default: 20)
  --visits N    random visits, up to four per visitor (default: 500)
  --seed N      random seed (default: from the clock)
  --setup NAME  localhost, plain (http, so no Web Locks) or opaque (the endpoint's responses are not readable);
                default: all of them, with random visits in the first
  --only NAME   run only scenarios whose name contains NAME
  --quick       3 runs, 40 visits
With every set-up and scenario, and without --quick, it writes its tables into docs/figures.md.`;

/** The largest share of a random visit's events that may arrive twice. */
const MAX_DUPLICATE_SHARE = 0.01;

const { values } = parseOptions(USAGE, {
  runs: { type: "string" },
  visits: { type: "string" },
  seed: { type: "string" },
  setup: { type: "string" },
  only: { type: "string" },
  quick: { type: "boolean" },
});
const { setup, only, quick } = values;
const seed = wholeNumber("seed", values.seed ?? Date.now() % 1e6, 0, USAGE);
const runs = wholeNumber("runs", values.runs ?? (quick ? 3 : 20), 0, USAGE);
const visits = wholeNumber(
  "visits",
  values.visits ?? (quick ? 40 : 500),
  0,
  USAGE,
);
const isComplete = setup === undefined && only === undefined && !quick;

installNodePackages();
process.env.CHROME = ensureChromium();
const { Network, SETUPS } = await import("../tests/soak/network.mjs");
const { findFailures, formatTable, launchBrowser, runSoak } =
  await import("../tests/soak/run.mjs");
const setups = Object.entries(SETUPS).filter(
  ([name]) => setup === undefined || name === setup,
);
if (setups.length === 0) die(`unknown setup ${setup}\n${USAGE}`);

const start = Date.now();
/** @type {string[]} */
const sections = [];
/** @type {string[]} */
const failures = [];
const browser = await launchBrowser();
try {
  for (const [name, { title }] of setups) {
    const randomVisits = setup || name === "localhost" ? visits : 0;
    log(
      `${name}: ${runs} visitors for each scenario, ${randomVisits} random visits, seed ${seed}`,
    );
    const network = await Network.open(name);
    const results = await runSoak({
      network,
      browser,
      seed,
      runs,
      visits: randomVisits,
      only,
    });
    network.close();
    for (const failure of findFailures(results, MAX_DUPLICATE_SHARE))
      failures.push(`${name}: ${failure}`);
    const section = `${title}:\n\n${formatTable(results)}`;
    console.log(`\n${section}\n`);
    sections.push(section);
  }
} finally {
  await browser.close();
}
const command = `npm run soak -- --seed ${seed} --runs ${runs} --visits ${visits}`;
const summary = `By \`${command}\`, in Chromium ${browser.version()}.`;
if (isComplete) writeSection("soak", [summary, ...sections].join("\n\n"));
for (const failure of failures) console.error(`\n${failure}`);
log(
  `finished after ${Math.round((Date.now() - start) / 60_000)} minutes, seed ${seed}, ${failures.length || "no"} failed visitors`,
);
process.exitCode = failures.length ? 1 : 0;
