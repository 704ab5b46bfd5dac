// npm run soak: pages are left in all the ways there are, over networks that break, and what was measured is counted.
import { parseArgs } from "node:util";
import { writeFigures } from "./write-figures.mjs";
import { fail, say } from "./exec.mjs";
import { chromium, nodePackages } from "./setup.mjs";

const USAGE = `npm run soak [-- OPTIONS]
  --runs N      visitors of each scenario (20)
  --visits N    random visits, in lives of four (500)
  --seed N      chance can be had again by it (another each time)
  --setup NAME  localhost, plain (http, so there are no locks) or opaque (the endpoint's answers cannot be read);
                otherwise all of them, with random visits in the first
  --only NAME   only scenarios whose name contains NAME
  --quick       3 runs, 40 visits
With none of these but --seed it writes its table into docs/figures.md.`;

/** So large a part of what random visits measure may arrive twice. */
const MOST_TWICE = 0.01;

const count = (name, given) => {
  const number = Number(given);
  if (!(Number.isInteger(number) && number >= 0))
    throw new Error(`--${name} takes a whole number`);
  return number;
};

const options = () => {
  try {
    const { values } = parseArgs({
      options: {
        runs: { type: "string" },
        visits: { type: "string" },
        seed: { type: "string" },
        setup: { type: "string" },
        only: { type: "string" },
        quick: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return {
      ...values,
      whole: Object.keys(values).every((name) => name === "seed"),
      seed: count("seed", values.seed ?? Date.now() % 1e6),
      runs: count("runs", values.runs ?? (values.quick ? 3 : 20)),
      visits: count("visits", values.visits ?? (values.quick ? 40 : 500)),
    };
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
};

const { help, whole, seed, runs, visits, setup, only } = options();
if (help) {
  console.log(USAGE);
  process.exit();
}
nodePackages();
process.env.CHROME = chromium();
const { Network, SETUPS } = await import("../tests/soak/network.mjs");
const { faults, openBrowser, soak, table } =
  await import("../tests/soak/run.mjs");
if (setup && !SETUPS[setup]) fail(`there is no set-up ${setup}\n${USAGE}`);

const begun = Date.now();
const sections = [];
const found = [];
const browser = await openBrowser();
try {
  for (const name of setup ? [setup] : Object.keys(SETUPS)) {
    const lives = setup || name === "localhost" ? visits : 0;
    say(
      `${name}: each scenario ${runs} times, ${lives} random visits, seed ${seed}`,
    );
    const network = await Network.open(name);
    const results = await soak({
      network,
      browser,
      seed,
      runs,
      visits: lives,
      only,
    });
    network.close();
    found.push(
      ...faults(results, MOST_TWICE).map((fault) => `${name}: ${fault}`),
    );
    const section = `${SETUPS[name].title}:\n\n${table(results)}`;
    console.log(`\n${section}\n`);
    sections.push(section);
  }
} finally {
  await browser.close();
}
const summary = `By \`npm run soak -- --seed ${seed}\`, in Chromium ${browser.version()}.`;
if (whole) writeFigures("soak", [summary, ...sections].join("\n\n"));
for (const fault of found) console.error(`\n${fault}`);
say(
  `took ${Math.round((Date.now() - begun) / 60_000)} minutes, seed ${seed}, ${found.length ? `${found.length} visitors with a fault` : "no faults"}`,
);
process.exitCode = found.length ? 1 : 0;
