// npm run relay:load: measures the relay's throughput, with and without its store, and what a kill -9 loses.
import { die } from "./exec.mjs";
import { parseLoadOptions, runLoadTest, writeLoadTable } from "./load-test.mjs";

const USAGE = `npm run relay:load [-- OPTIONS]
Sends batches to a relay that delivers to a collector, and checks that all of them are on disk. Then compares it with the same
server without a store, in turns. Needs Linux. Run nothing else at the same time.
  --seconds N      duration at the steady rate, and of the comparison (default: 60)
  --rate N         batches per second (default: 2000)
  --connections N  concurrent connections (default: 64)
  --write          write the table into docs/figures.md`;

const options = parseLoadOptions(USAGE, {
  seconds: "60",
  rate: "2000",
  connections: "64",
});
const { rate, seconds, connections, write } = options;
const { isPassed, table } = runLoadTest(options, {
  example: "relay_load",
  build: [
    "--package=oaiq-relay",
    "--package=oaiq-collector",
    "--example=without_store",
  ],
  what: "the relay, the collector",
  plan: `${rate} batches per second for ${seconds} s, then as many as possible for ${seconds} s`,
});
// also if a target is missed: the table says which
if (write && table)
  writeLoadTable(
    "relay-load",
    "npm run relay:load",
    connections,
    "all processes",
    table,
  );
if (!isPassed) die("a limit was not met, or the measurement failed");
