// npm run bench: compares the pixel with other scripts in one Chromium. bench/run.mjs says how.
import { nodePackages } from "./setup.mjs";

nodePackages();
const { bench } = await import("../bench/run.mjs");
await bench(process.argv.slice(2));
