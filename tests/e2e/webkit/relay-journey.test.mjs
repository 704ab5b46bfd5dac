// A visitor's journey through a site with a relay.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { playJourney } from "../support/relay-journey.mjs";
import { forward } from "./forward.mjs";
import { launch } from "./webkit.mjs";

describe("in WebKit, a site with a relay", () => {
  /** @type {Awaited<ReturnType<typeof launch>> | undefined} */
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  test("has each conversion once, with its click, also two days later", async (t) => {
    assert.ok(browser);
    const context = await browser.newContext();
    t.after(() => context.close());
    await playJourney(t, async (url) => {
      await context.route("**/*", forward({ url: () => url }));
      const tab = await context.newPage();
      await tab.goto(url);
      return tab;
    });
  });
});
