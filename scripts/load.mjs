// npm run load: measures the collector's throughput, and what a kill -9 loses.
import { die } from "./exec.mjs";
import { parseLoadOptions, runLoadTest, writeLoadTable } from "./load-test.mjs";

const USAGE = `npm run load [-- OPTIONS]
Sends batches to a collector, and checks that it stores all of them.
  --seconds N      duration (default: 60)
  --rate N         batches per second; 0 for as many as possible (default: 2500)
  --connections N  concurrent connections (default: 16)
  --write          write the table into docs/figures.md`;

const options = parseLoadOptions(USAGE, {
  seconds: "60",
  rate: "2500",
  connections: "16",
});
const { rate, seconds, connections, write } = options;
const { isPassed, table } = runLoadTest(options, {
  example: "load",
  build: ["--package=oaiq-collector"],
  what: "the collector",
  plan: `${rate === "0" ? "as many batches as possible" : `${rate} batches per second`} for ${seconds} s`,
});
if (!isPassed) die("a limit was not met, or the measurement failed");
if (write) writeLoadTable("load", "npm run load", connections, "both", table);
