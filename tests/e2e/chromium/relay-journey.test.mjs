// A visitor's journey through a site with a relay.
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { playJourney } from "../support/relay-journey.mjs";

describe("a site with a relay", () => {
  const browser = useBrowser();

  test("has each conversion once, with its click, also two days later", async (t) => {
    const visitor = await Visitor.create(t, browser);
    const { inspector, orderSeq } = await playJourney(t, (url) =>
      visitor.openPage(url),
    );
    const { page } = await visitor.openPage(`${inspector}#/events/${orderSeq}`);
    await page
      .getByText("from the page and your server, merged by the relay")
      .waitFor();
    const { page: conversions } = await visitor.openPage(
      `${inspector}#/conversions`,
    );
    const main = conversions.getByRole("main");
    for (const id of ["order-1", "lead-1", "contract-1"])
      await main.getByText(id).first().waitFor();
  });
});
