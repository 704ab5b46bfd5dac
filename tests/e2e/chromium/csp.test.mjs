// The policies of docs/csp.md, each with the HTML that stands under it there.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../../scripts/snippets.mjs";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  CONFIG_PATH,
} from "../support/site.mjs";

const FALLBACK = "oaiq.fallback.min.js";
const DOCS = await readFile(join(root, "docs/csp.md"), "utf8");

/** The text of the first fence of that language. */
const fence = (text, language) =>
  new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "m").exec(text)?.[1];

/** What the docs show, by heading: policies, each with its HTML. */
const SHOWN = DOCS.split(/^## /m)
  .slice(1)
  .flatMap((section) =>
    section
      .split(/^(?=```\nContent-Security-Policy:)/m)
      .slice(1)
      .map((part, at) => ({
        name: `${section.split("\n")[0]}, policy ${at + 1}`,
        policy: fence(part, "")
          .replace("Content-Security-Policy:", "")
          .replaceAll(/\s+/g, " ")
          // this site has an endpoint of its own
          .replace(/(?<=connect-src) [^;]*/, " 'self'"),
        html: fence(part, "html").replaceAll(
          "https://www.example.com/oaiq/",
          "/sdk/",
        ),
      })),
  );

const withNonce = (text) => `<script nonce="R4nd0m">${text}</script>`;

const CONFIG = `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" } };`;

/** A page of these parts under that policy. */
const openUnder = async (t, browser, policy, ...parts) => {
  const site = await startSite(t, {
    "/": {
      html: html(...parts),
      headers: { "content-security-policy": policy },
    },
  });
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url("/", "localhost"));
  return { site, tab };
};

describe("docs/csp.md", { concurrency: 2 }, () => {
  const browser = useBrowser();

  test("shows four policies", () => {
    assert.equal(SHOWN.length, 4);
  });

  for (const { name, policy, html } of SHOWN)
    test(`${name}: the HTML under it measures, and so does the fallback`, async (t) => {
      for (const forbidden of [
        policy,
        policy.replace("'wasm-unsafe-eval'", ""),
      ]) {
        const { site, tab } = await openUnder(
          t,
          browser,
          forbidden,
          withNonce(CONFIG),
          html,
          withNonce(INIT + orderCall("order")),
        );
        await site.waitForOrders("order");
        assert.equal(
          tab.hasRequested(FALLBACK),
          !forbidden.includes("'wasm-unsafe-eval'"),
        );
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(tab.oaiqLogs, []);
        // where WebAssembly is neither allowed nor switched off, browsers report the attempt
        if (/'wasm-unsafe-eval'|data-oaiq-wasm/.test(forbidden + html))
          assert.deepEqual(
            tab.console.map(({ text }) => text),
            [],
          );
      }
    });

  test("shows the snippets as they are built, but for the address and the nonce", async () => {
    for (const file of ["www/snippet/strict.html", "www/snippet/stub.html"]) {
      const text = await readFile(join(root, file), "utf8");
      const shown = text
        .replace("<script>", `<script nonce="R4nd0m">`)
        .replace(PLACEHOLDER, "https://www.example.com/oaiq/oaiq.min.js");
      assert.equal(DOCS.split(shown).length - 1, 2, file);
    }
  });

  test("the snippet for strict policies says what to add where its Trusted Types policy is forbidden", async (t) => {
    const [, { policy, html }] = SHOWN;
    const { tab } = await openUnder(
      t,
      browser,
      policy.replace(" oaiq-snippet", ""),
      withNonce(CONFIG),
      html,
      withNonce(INIT),
    );
    assert.equal(tab.oaiqLogs.length, 1);
    assert.match(tab.oaiqLogs[0], /add oaiq-snippet to trusted-types/);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("Subresource Integrity: the HTML runs the file with that hash, and no other", async (t) => {
    const shown = fence(DOCS.split("## Subresource Integrity")[1], "html");
    const site = await startSite(t, {});
    const hash = createHash("sha384")
      .update(site.files.get("oaiq.min.js"))
      .digest("base64");
    const page = (hash) =>
      html(
        `<script>${CONFIG}</script>`,
        shown
          .replace("sha384-THE-HASH", `sha384-${hash}`)
          .replace(/https:[^"]*/, "/sdk/oaiq.min.js"),
        `<script>${INIT + orderCall("order")}</script>`,
      );
    site.pages["/"] = page(hash);
    site.pages["/other"] = page(hash.replace(/^..../, "AAAA"));
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/other", "localhost"));
    assert.equal(await tab.evaluate("oaiq.loaded"), undefined);
    await tab.goto(site.url("/", "localhost"));
    await site.waitForOrders("order");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
  });
});
