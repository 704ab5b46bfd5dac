// npm run bench: compares the pixel with other scripts in Chromium. See bench/run.mjs.
import { installNodePackages } from "./setup.mjs";

installNodePackages();
const { runBench } = await import("../bench/run.mjs");
await runBench(process.argv.slice(2));
