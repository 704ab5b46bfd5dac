// Tests the policies of docs/csp.md with their HTML.
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

/**
 * The first fenced code block in that language.
 *
 * @param {string} text
 * @param {string} language
 */
const codeBlock = (text, language) => {
  const [, code] =
    new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "m").exec(text) ?? [];
  assert.ok(code !== undefined, `no code block in ${language || "plain text"}`);
  return code;
};

/** The policies in the docs, each with its HTML. */
const EXAMPLES = DOCS.split(/^## /m)
  .slice(1)
  .flatMap((section) =>
    section
      .split(/^(?=```\nContent-Security-Policy:)/m)
      .slice(1)
      .map((part, at) => ({
        name: `${section.split("\n")[0]}, policy ${at + 1}`,
        policy: codeBlock(part, "")
          .replace("Content-Security-Policy:", "")
          .replaceAll(/\s+/g, " ")
          // the test site is its own endpoint
          .replace(/(?<=connect-src) [^;]*/, " 'self'"),
        html: codeBlock(part, "html").replaceAll(
          "https://www.example.com/oaiq/",
          "/sdk/",
        ),
      })),
  );

const withNonce = (/** @type {string} */ text) =>
  `<script nonce="R4nd0m">${text}</script>`;

const CONFIG = `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" } };`;

/**
 * Opens a page with these parts under a policy.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("../support/browser.mjs").TestBrowser} browser
 * @param {string} policy
 * @param {string[]} parts
 */
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

  test("has four policies", () => {
    assert.equal(EXAMPLES.length, 4);
  });

  for (const { name, policy, html } of EXAMPLES)
    test(`${name}: its HTML measures, with and without WebAssembly`, async (t) => {
      for (const tested of [policy, policy.replace("'wasm-unsafe-eval'", "")]) {
        const { site, tab } = await openUnder(
          t,
          browser,
          tested,
          withNonce(CONFIG),
          html,
          withNonce(INIT + orderCall("order")),
        );
        await site.waitForOrders("order");
        assert.equal(
          tab.hasRequested(FALLBACK),
          !tested.includes("'wasm-unsafe-eval'"),
        );
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(tab.oaiqLogs, []);
        // browsers report the attempt where WebAssembly is neither allowed nor disabled
        if (/'wasm-unsafe-eval'|data-oaiq-wasm/.test(tested + html))
          assert.deepEqual(
            tab.console.map(({ text }) => text),
            [],
          );
      }
    });

  test("has the built snippets, except for URL and nonce", async () => {
    for (const file of ["www/snippet/strict.html", "www/snippet/stub.html"]) {
      const text = await readFile(join(root, file), "utf8");
      const example = text
        .replace("<script>", `<script nonce="R4nd0m">`)
        .replace(PLACEHOLDER, "https://www.example.com/oaiq/oaiq.min.js");
      assert.equal(DOCS.split(example).length - 1, 2, file);
    }
  });

  test("the strict snippet logs what to add where its Trusted Types policy is forbidden", async (t) => {
    const { policy, html } =
      EXAMPLES[1] ?? assert.fail("there is no second policy");
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

  test("Subresource Integrity: the HTML runs only the file with that hash", async (t) => {
    const example = codeBlock(
      DOCS.split("## Subresource Integrity")[1] ?? "",
      "html",
    );
    const site = await startSite(t, {});
    const hash = createHash("sha384")
      .update(site.file("oaiq.min.js"))
      .digest("base64");
    const page = (/** @type {string} */ hash) =>
      html(
        `<script>${CONFIG}</script>`,
        example
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
