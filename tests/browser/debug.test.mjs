// What the console says when debug is on.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { sharedBrowser } from "./browser.mjs";
import { order, PIXEL, pixelScript, script, STUB, visit } from "./site.mjs";

const DEBUG = `oaiq("init", { pixelId: "${PIXEL}", debug: true, user: { email_sha256: "me@shop.test" } });`;

/** The first line that matches, once it is there. */
const line = async (tab, pattern) => {
  for (let tries = 0; tries < 600; tries += 1) {
    const found = tab.pixelLines.find((text) => pattern.test(text));
    if (found) return found;
    await pause(100);
  }
  return assert.fail(`no ${pattern} in\n${tab.pixelLines.join("\n")}`);
};

describe("debug", () => {
  const browser = sharedBrowser();

  test("each step is told, and of a refused call what is wrong and what must be there", async (t) => {
    const { tab } = await visit(
      t,
      browser,
      STUB,
      script(
        `${DEBUG}${order("good")}
         oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "EUR" });
         oaiq("measureSingle", "ANOTHER", "lead_created", { type: "customer_action" });`,
      ),
      pixelScript(),
    );
    await line(tab, /pixel "TEST-PIXEL" has started/);
    await line(tab, /order_created waits to be sent/);
    await line(tab, /data\.amount is 25\.99; it must be a whole number/);
    await line(tab, /names the pixel "ANOTHER"/);
    await line(tab, /events on the way/);
    await line(tab, /the request has gone/);
    await tab.does('oaiq("consent", false)');
    await tab.does(order("blocked"));
    await line(tab, /consent is denied: nothing is measured/);
    await line(tab, /order_created was not measured: consent is denied/);
    assert.deepEqual(tab.pageErrors, []);
    assert.doesNotMatch(tab.pixelLines.join("\n"), /me@shop\.test/);
  });

  test("without debug a refused call is told in one line, and nothing else is", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      STUB,
      script(
        `oaiq("init", { pixelId: "${PIXEL}" }); oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "EUR" });${order("good")}`,
      ),
      pixelScript(),
    );
    await site.untilOrders("good");
    assert.equal(tab.pixelLines.length, 1);
    assert.match(tab.pixelLines[0], /order_created was not measured/);
    assert.ok(tab.requests.every((url) => !url.includes("debug")));
  });

  test("where the file that explains is missing, one line says so and orders are measured", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      STUB,
      script(
        `const { append } = Element.prototype;
         document.head.append = function (element) { element.src = "/nothing-here.js"; return append.call(this, element); };
         ${DEBUG}${order("good")}`,
      ),
      pixelScript(),
    );
    await site.untilOrders("good");
    await line(tab, /oaiq\.debug\.min\.js could not be loaded/);
    assert.deepEqual(tab.pageErrors, []);
  });
});
