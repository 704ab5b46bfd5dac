// What axe-core finds in the pages that people look at: https://github.com/dequelabs/axe-core
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { sharedBrowser, Visitor } from "../support/browser.mjs";
import {
  order,
  placeOrder,
  refusedCall,
  serverOrder,
  startCollector,
  taken,
} from "../support/collector.mjs";

const AXE = join(root, "node_modules/axe-core/axe.min.js");
const SHOP_PAGES = readdirSync(join(root, "www/shop")).filter((name) =>
  name.endsWith(".html"),
);
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

describe("axe-core finds nothing", () => {
  const browser = sharedBrowser();

  /** A page with axe in it, whatever the page's policy for scripts is. */
  const open = async (t, colorScheme) => {
    const { context } = await Visitor.arrives(t, browser);
    await context.addInitScript({ path: AXE });
    const page = await context.newPage();
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    return page;
  };

  /** Asserts it of the page as it is now, wide and narrow. */
  const isClean = async (page, what) => {
    for (const size of [WIDE, NARROW]) {
      await page.setViewportSize(size);
      const found = await page.evaluate(async () => {
        // the layout follows the new width
        await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
        const { violations, passes } = await globalThis.axe.run();
        if (passes.length === 0) return ["axe has looked at nothing"];
        return violations.map(
          ({ id, help, nodes }) =>
            `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n    ${failureSummary}`).join("\n")}`,
        );
      });
      assert.deepEqual(found, [], `${what}, ${size.width} px wide`);
    }
    await page.setViewportSize(WIDE);
  };

  for (const colorScheme of ["light", "dark"]) {
    test(`in the shop's pages, before and after an order, ${colorScheme}`, async (t) => {
      const { origin } = await startCollector(t);
      const page = await open(t, colorScheme);
      const visitAll = async (what) => {
        for (const name of SHOP_PAGES) {
          const query = name === "product.html" ? "?id=tide-mug" : "";
          await page.goto(`${origin}/shop/${name}${query}`);
          await page.locator("shop-footer footer").waitFor();
          await isClean(page, `${name} ${what}`);
        }
      };
      await visitAll("with nothing in the cart");

      await page.goto(`${origin}/shop/product.html?id=tide-mug`);
      await page.click("#add-to-cart");
      await page.locator("#added a").waitFor();
      await isClean(page, "a product that was put into the cart");
      for (const name of ["cart.html", "checkout.html"]) {
        await page.goto(`${origin}/shop/${name}`);
        await page.locator("shop-footer footer").waitFor();
        await isClean(page, `${name} with something in the cart`);
      }
      await placeOrder(page);
      await isClean(page, "the order");

      await page.goto(`${origin}/shop/contact.html`);
      await page.fill("#name", "Jane Doe");
      await page.fill("#email", "jane@example.com");
      await page.click("#send-request");
      await page.locator("#contact-confirmation").waitFor();
      await isClean(page, "a request for a date");
      await page.goto(`${origin}/shop/signup.html`);
      await page.fill("#email", "jane@example.com");
      await page.click("#sign-up");
      await page.locator("#signup-confirmation").waitFor();
      await isClean(page, "a sign-up");
      await page.click("#consent-switch");
      await isClean(page, "a page without consent");
    });

    test(`in each view of the inspector, empty and with every kind of event, ${colorScheme}`, async (t) => {
      const collector = await startCollector(t);
      const page = await open(t, colorScheme);
      const views = ["events", "timeline", "conversions", "checklist"];
      const show = async (place) => {
        await page.goto(`${collector.origin}/inspector#/${place}`);
        await page.locator('.connection[data-state="live"]').waitFor();
        await page.locator(".view > *").first().waitFor();
      };
      for (const view of views) {
        await show(view);
        await isClean(page, `${view}, empty`);
      }

      await taken(
        collector.sendBatch(
          [
            {
              type: "openai::sdk_init",
              timestamp_ms: Date.now(),
              id: "start",
              source_url: "https://shop.example.test/",
              data: { type: "sdk_lifecycle" },
            },
            order("A"),
            order("A"),
            // with a remark, in another session, by another click
            order("1b4e28ba-2fa1-4d1e-883f-0016d3cca427", {
              timestamp_ms: Date.now() - 86_400_000,
            }),
            order("B", { custom_event_name: "quiz", type: "custom" }),
          ],
          { oppref: "click-1" },
        ),
      );
      await collector.sendBatch([
        order("C", { data: { type: "contents", amount: 1.5, sku: 1 } }),
      ]);
      await collector.sendBatch(["not an event"]);
      await taken(
        collector.sendBatch([order("jane@example.com")], { oppref: "click-2" }),
      );
      await taken(collector.sendBatch([refusedCall()]));
      const [diagnostic] = await collector.entries();
      await taken(collector.sendFromServer([serverOrder("A")]));
      await taken(collector.sendFromServer([serverOrder("D")]));
      await taken(
        collector.sendFromServer([serverOrder("E")], { validate_only: true }),
      );
      await taken(collector.sendBatch([order("d")]));
      for (const view of views) {
        await show(view);
        await isClean(page, view);
      }
      const verdicts = new Map();
      for (const { seq, verdict } of await collector.entries())
        verdicts.set(verdict, seq);
      assert.deepEqual([...verdicts.keys()].sort(), [
        "counted",
        "duplicate",
        "internal",
        "refused",
        "valid",
      ]);
      for (const [verdict, seq] of verdicts) {
        await show(`events/${seq}`);
        await page.getByRole("complementary").waitFor();
        await isClean(page, `the details of an event that is ${verdict}`);
      }
      await show(`events/${diagnostic.seq}`);
      await page.getByText("Copy that address").waitFor();
      await isClean(page, "the details of a refused call");
      await show("checklist?since=3");
      await isClean(page, "the launch check of a test that has started");
      await show("events?since=3&verdict=counted");
      await isClean(page, "filters that are set");
      await show("events/999999");
      await isClean(page, "the details of an event that is not there");
      await show("events");
      await page.getByRole("button", { name: "Clear…" }).click();
      await isClean(page, "the question before all is cleared");
      await page.getByRole("button", { name: "Keep them" }).click();
      await page.fill("[type=search]", "nothing has this");
      await page.getByText("No matching events").waitFor();
      await isClean(page, "a search that finds nothing");
    });
  }
});
