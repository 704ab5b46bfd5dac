// Builds and visits an app of each framework that docs/frameworks.md has a recipe for: each page is measured once, also in React's strict
// mode, and so is each event; a form's post and its event have one ID; nothing disturbs the framework.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { readDist, useBrowser, Visitor } from "../e2e/support/browser.mjs";
import { CONFIG_PATH, EVENTS_PATH, startSite } from "../e2e/support/site.mjs";
import { buildApp } from "./apps.mjs";

/** The apps, with the folder that their build writes; "" without a build. */
const APPS = {
  react: "dist",
  next: "out",
  vue: "dist",
  nuxt: ".output/public",
  sveltekit: "build",
  astro: "dist",
  angular: "dist/browser",
  turbo: "",
  htmx: "",
};

/** Scripts that the apps without a build load from their package. */
const ASSETS = {
  turbo: ["node_modules/@hotwired/turbo/dist/turbo.es2017-esm.js"],
  htmx: ["node_modules/htmx.org/dist/htmx.min.js"],
};

/** The apps to test, separated by commas; empty for all. */
const SELECTED = process.env.OAIQ_FRAMEWORKS;

test("every selected app is known", () => {
  for (const name of SELECTED ? SELECTED.split(",") : [])
    assert.ok(name in APPS, `there is no app ${name}`);
});

/** The site's own endpoint, in place of OpenAI's. */
const CONFIG = `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" } };`;

for (const [name, output] of Object.entries(APPS)) {
  if (SELECTED && !SELECTED.split(",").includes(name)) continue;
  describe(`an app with ${name}`, () => {
    const browser = useBrowser();
    /** @type {Record<string, import("../e2e/support/site.mjs").Page>} */
    let pages;
    before(async () => {
      pages = await buildApp(
        name,
        output,
        ASSETS[/** @type {keyof typeof ASSETS} */ (name)],
      );
      for (const [file, html] of await readDist())
        pages[`/oaiq/${file}`] = {
          html,
          headers: { "content-type": "text/javascript; charset=utf-8" },
        };
      // browsers request it where a page names no icon
      pages["/favicon.ico"] ??= "";
      // a server sends each route of such an app the same page
      pages["/thanks"] ??= pages["/thanks/"] ??= pages["/"];
    });

    /** @param {import("node:test").TestContext} t */
    const open = async (t) => {
      const site = await startSite(t, pages);
      const visitor = await Visitor.create(t, browser);
      await visitor.context.addInitScript(CONFIG);
      const tab = await visitor.openPage(site.url("/?utm_source=news"));
      return { site, tab };
    };

    test("measures each page and each event once", async (t) => {
      const { site, tab } = await open(t);
      const events = () =>
        site.measured
          .sort((one, other) => one.timestamp_ms - other.timestamp_ms)
          .map(({ type, source_url }) => [
            type,
            new URL(source_url).pathname.replace(/(.)\/$/, "$1"),
          ]);
      const count = (/** @type {number} */ number) =>
        site.waitFor(`${number} events`, () => events().length >= number);
      await count(1);
      await tab.evaluate("window.isSamePage = true");
      await tab.page.click("text=Thanks");
      await tab.page.waitForSelector("text=Welcome!");
      await count(3);
      await tab.page.goBack();
      await tab.page.waitForSelector("form");
      await count(4);
      // what is measured too often arrives within this time
      await tab.page.waitForTimeout(2500);
      assert.equal(await tab.evaluate("window.isSamePage"), true);
      assert.deepEqual(
        events().sort(([one], [other]) => one.localeCompare(other)),
        [
          ["page_viewed", "/"],
          ["page_viewed", "/thanks"],
          ["page_viewed", "/"],
          ["registration_completed", "/thanks"],
        ],
      );
      assert.equal(site.startedPixels, 1);
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(
        tab.console.filter(({ type }) => type === "error"),
        [],
      );
    });

    if (name === "react")
      test("has React's development build, in which strict mode runs effects twice", () => {
        const scripts = Object.values(pages).map((page) =>
          typeof page === "object" ? String(page.html) : page,
        );
        assert.ok(scripts.some((text) => text.includes("doubleInvokeEffects")));
      });

    test("posts a lead with the ID of its event", async (t) => {
      const { site, tab } = await open(t);
      await tab.waitForFunction(
        `document.querySelector("form [name=utm_source]")`,
      );
      await tab.page.fill("[name=email]", "jane@example.test");
      await tab.page.click("text=Send");
      await site.waitFor("the form", () => site.forms.length > 0);
      const isLead = (/** @type {{ type: string }} */ { type }) =>
        type === "lead_created";
      await site.waitFor("the lead", () => site.measured.some(isLead));
      const [lead] = site.measured.filter(isLead);
      const [form] = site.forms;
      assert.equal(form.event_id, lead.id);
      assert.equal(form.utm_source, "news");
      assert.equal(form.email, "jane@example.test");
      assert.deepEqual(tab.pageErrors, []);
    });
  });
}
