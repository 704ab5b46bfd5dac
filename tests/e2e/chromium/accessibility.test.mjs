// The shop and the inspector pass axe-core: https://github.com/dequelabs/axe-core
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  orderEvent,
  checkout,
  rejectionDiagnostic,
  serverOrderEvent,
  startCollector,
  assertAccepted,
} from "../support/collector.mjs";

const AXE = join(root, "node_modules/axe-core/axe.min.js");
const SHOP_PAGES = readdirSync(join(root, "www/shop")).filter((name) =>
  name.endsWith(".html"),
);
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {"light" | "dark"} ColorScheme
 */

describe("axe-core finds nothing", () => {
  const browser = useBrowser();

  /**
   * A page with axe, which an init script adds despite the page's CSP.
   *
   * @param {import("node:test").TestContext} t
   * @param {ColorScheme} colorScheme
   */
  const open = async (t, colorScheme) => {
    const { context } = await Visitor.create(t, browser);
    await context.addInitScript({ path: AXE });
    const page = await context.newPage();
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    return page;
  };

  /**
   * Runs axe on the page as it is now, wide and narrow.
   *
   * @param {Page} page
   * @param {string} what for the message
   */
  const assertAccessible = async (page, what) => {
    for (const size of [WIDE, NARROW]) {
      await page.setViewportSize(size);
      const found = await page.evaluate(async () => {
        // the layout follows the new width
        await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
        const { axe } =
          /** @type {typeof globalThis & {axe: typeof import("axe-core")}} */ (
            globalThis
          );
        const { violations, passes } = await axe.run();
        if (passes.length === 0) return ["axe has checked nothing"];
        return violations.map(
          ({ id, help, nodes }) =>
            `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `  ${html}\n    ${failureSummary}`).join("\n")}`,
        );
      });
      assert.deepEqual(found, [], `${what}, ${size.width} px wide`);
    }
    await page.setViewportSize(WIDE);
  };

  for (const colorScheme of /** @type {ColorScheme[]} */ (["light", "dark"])) {
    test(`in the shop before and after an order, ${colorScheme}`, async (t) => {
      const { origin } = await startCollector(t);
      const page = await open(t, colorScheme);
      const visitAll = async (/** @type {string} */ what) => {
        for (const name of SHOP_PAGES) {
          const query = name === "product.html" ? "?id=tide-mug" : "";
          await page.goto(`${origin}/shop/${name}${query}`);
          await page.locator("shop-footer footer").waitFor();
          await assertAccessible(page, `${name} ${what}`);
        }
      };
      await visitAll("with an empty cart");

      await page.goto(`${origin}/shop/product.html?id=tide-mug`);
      await page.click("#add-to-cart");
      await page.locator("#added a").waitFor();
      await assertAccessible(page, "a product in the cart");
      for (const name of ["cart.html", "checkout.html"]) {
        await page.goto(`${origin}/shop/${name}`);
        await page.locator("shop-footer footer").waitFor();
        await assertAccessible(page, `${name} with something in the cart`);
      }
      await checkout(page);
      await assertAccessible(page, "the order");

      await page.goto(`${origin}/shop/contact.html`);
      await page.fill("#name", "Jane Doe");
      await page.fill("#email", "jane@example.com");
      await page.click("#send-request");
      await page.locator("#contact-confirmation").waitFor();
      await assertAccessible(page, "an appointment request");
      await page.goto(`${origin}/shop/signup.html`);
      await page.fill("#email", "jane@example.com");
      await page.click("#sign-up");
      await page.locator("#signup-confirmation").waitFor();
      await assertAccessible(page, "a sign-up");
      await page.click("#consent-switch");
      await assertAccessible(page, "a page without consent");
    });

    test(`in each view of the inspector, ${colorScheme}`, async (t) => {
      const collector = await startCollector(t);
      const page = await open(t, colorScheme);
      const views = ["events", "timeline", "conversions", "checklist"];
      const show = async (/** @type {string} */ place) => {
        await page.goto(`${collector.origin}/inspector#/${place}`);
        await page.locator('.connection[data-state="live"]').waitFor();
        await page.locator(".view > *").first().waitFor();
      };
      for (const view of views) {
        await show(view);
        await assertAccessible(page, `${view}, empty`);
      }

      await assertAccepted(
        collector.sendBatch(
          [
            {
              type: "openai::sdk_init",
              timestamp_ms: Date.now(),
              id: "start",
              source_url: "https://shop.example.test/",
              data: { type: "sdk_lifecycle" },
            },
            orderEvent("A"),
            orderEvent("A"),
            // with a remark, in another session
            orderEvent("1b4e28ba-2fa1-4d1e-883f-0016d3cca427", {
              timestamp_ms: Date.now() - 86_400_000,
            }),
            orderEvent("B", { custom_event_name: "quiz", type: "custom" }),
          ],
          { oppref: "click-1" },
        ),
      );
      await collector.sendBatch([
        orderEvent("C", { data: { type: "contents", amount: 1.5, sku: 1 } }),
      ]);
      await collector.sendBatch(["not an event"]);
      await assertAccepted(
        collector.sendBatch([orderEvent("jane@example.com")], {
          oppref: "click-2",
        }),
      );
      await assertAccepted(collector.sendBatch([rejectionDiagnostic()]));
      const [diagnostic] = await collector.entries();
      await assertAccepted(collector.sendFromServer([serverOrderEvent("A")]));
      await assertAccepted(collector.sendFromServer([serverOrderEvent("D")]));
      await assertAccepted(
        collector.sendFromServer([serverOrderEvent("E")], {
          validate_only: true,
        }),
      );
      await assertAccepted(collector.sendBatch([orderEvent("d")]));
      for (const view of views) {
        await show(view);
        await assertAccessible(page, view);
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
        await assertAccessible(
          page,
          `the details of an event that is ${verdict}`,
        );
      }
      await show(`events/${diagnostic.seq}`);
      await page.getByText("Copy this URL").waitFor();
      await assertAccessible(page, "the details of a rejected call");
      await show("checklist?since=3");
      await assertAccessible(page, "the launch check after a test has started");
      await show("events?since=3&verdict=counted");
      await assertAccessible(page, "active filters");
      await show("events/999999");
      await assertAccessible(page, "the details of a missing event");
      await show("events");
      await page.getByRole("button", { name: "Clear…" }).click();
      await assertAccessible(page, "the dialog that confirms clearing");
      await page.getByRole("button", { name: "Keep them" }).click();
      await page.fill("[type=search]", "nothing has this");
      await page.getByText("No matching events").waitFor();
      await assertAccessible(page, "a search without results");
    });
  }
});
