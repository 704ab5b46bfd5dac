// npm run test:relay: lints and native tests of the relay.
import { run } from "../exec.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { ensureNatsServer, requireRust } from "../setup.mjs";
import { clippy } from "./check.mjs";

const USAGE = `npm run test:relay [-- NAME]
Lints and tests the relay.
  NAME  run only tests whose name contains NAME`;

/** @param {string[]} [names] */
export const testRelay = (names = []) => {
  requireRust();
  ensureNatsServer();
  run("cargo", clippy("oaiq-relay"));
  run("cargo", [
    "test",
    "--quiet",
    "--locked",
    "--package=oaiq-relay",
    ...names,
  ]);
};

if (isMain(import.meta))
  testRelay(parseOptions(USAGE, {}, { allowNames: true }).names);
