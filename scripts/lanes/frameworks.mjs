// npm run test:frameworks: an app of each framework that docs/frameworks.md has a recipe for.
import { ensurePixelBuilt } from "../ensure-built.mjs";
import { isMain, parseOptions } from "../options.mjs";
import { ensureChromium } from "../setup.mjs";
import { runNodeTests } from "./lane.mjs";

const USAGE = `npm run test:frameworks [-- NAME...]
Installs, builds and visits the apps in tests/frameworks/, in Chromium. The first run installs about 1 GB of packages into
target/frameworks/, which takes minutes.
  NAME  only these apps: react, next, vue, nuxt, sveltekit, astro, angular, turbo, htmx`;

/** @param {string[]} [names] */
export const testFrameworks = async (names = []) => {
  await ensurePixelBuilt();
  runNodeTests(["tests/frameworks/frameworks.test.mjs"], {
    env: { CHROME: ensureChromium(), OAIQ_FRAMEWORKS: names.join(",") },
  });
};

if (isMain(import.meta))
  await testFrameworks(parseOptions(USAGE, {}, { allowNames: true }).names);
