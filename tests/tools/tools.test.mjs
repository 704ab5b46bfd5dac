// Tests the scripts after third-party minifiers, combiners and loaders: each file then measures an order in a real Chromium, or
// logs once why it does not.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../scripts/snippets.mjs";
import { useBrowser, waitUntil, Visitor } from "../e2e/support/browser.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  inlineScript,
  CONFIG_PATH,
} from "../e2e/support/site.mjs";
import {
  LEAVE,
  transports,
  waitForWorker,
  waitUntilIdle,
} from "../e2e/support/worker-pages.mjs";
import { TOOLS } from "./tools.mjs";

/** A machine with two cores runs two tests at a time. */
const CONCURRENCY = { concurrency: 2 };

const SCRIPT = "oaiq.min.js";
const FALLBACK = "oaiq.fallback.min.js";
const COMMONJS = "oaiq.cjs";
const KEEPALIVE = "oaiq.keepalive.min.js";
const LAYER = "oaiq.layer.min.js";
const RECOVERY = "oaiq.recovery.min.js";

/** Sets the site's own endpoints before the snippet. */
const config = (more = "") =>
  inlineScript(
    `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}"${more} } };`,
  );

/**
 * A file without its byte order mark.
 *
 * @param {string} file
 */
const readText = async (file) =>
  (await readFile(join(root, file), "utf8")).replace("\ufeff", "");

/**
 * The code of an install snippet, which loads this site's script.
 *
 * @param {string} file
 */
const readSnippet = async (file) =>
  (await readText(file))
    .replace(/<\/?script>\n/g, "")
    .replace(PLACEHOLDER, `/sdk/${SCRIPT}`);

const STUB = await readText("www/snippet/stub.html");

/**
 * The project's scripts as a tool transforms them, by file.
 *
 * @param {import("./tools.mjs").Tool} tool
 */
const transformAll = async ({ script, module = script }) => {
  /** @type {Record<string, string>} */
  const files = {};
  for (const file of [
    SCRIPT,
    FALLBACK,
    "oaiq.debug.min.js",
    "oaiq.consent.min.js",
    KEEPALIVE,
    LAYER,
    RECOVERY,
    COMMONJS,
  ])
    files[file] = await script(await readText(`dist/${file}`));
  if (module) files["oaiq.mjs"] = await module(await readText("dist/oaiq.mjs"));
  for (const file of ["snippet.html", "short.html", "strict.html", "stub.html"])
    files[file] = await script(await readSnippet(`www/snippet/${file}`));
  return files;
};

/**
 * Starts a site with these files of the pixel.
 *
 * @param {import("node:test").TestContext} t
 * @param {Record<string, string>} files
 * @param {Record<string, import("../e2e/support/site.mjs").Page>} pages
 */
const startSiteWith = async (t, files, pages) => {
  const site = await startSite(t, pages);
  for (const [name, text] of Object.entries(files)) site.files.set(name, text);
  return site;
};

/**
 * @param {import("node:test").TestContext} t
 * @param {import("../e2e/support/browser.mjs").TestBrowser} browser
 * @param {import("../e2e/support/site.mjs").Site} site
 */
const openPage = async (t, browser, site, path = "/") => {
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url(path, "localhost"));
  return { visitor, tab };
};

/** @param {import("../e2e/support/browser.mjs").Tab} tab */
const assertSilent = (tab) => {
  assert.deepEqual(tab.pageErrors, []);
  assert.deepEqual(tab.oaiqLogs, []);
};

describe("minified", { concurrency: 2 }, () => {
  const browser = useBrowser();
  for (const [name, tool] of Object.entries(TOOLS))
    describe(`minified by ${name}`, CONCURRENCY, () => {
      /** @type {ReturnType<typeof transformAll> | undefined} */
      let transformed;
      /** The transformed scripts, and the short snippet as an element. */
      const minified = async () => {
        const files = await (transformed ??= transformAll(tool));
        return { files, short: inlineScript(files["short.html"]) };
      };

      test("snippet and script measure, and the next page has the same browser ID", async (t) => {
        const { files, short } = await minified();
        const page = (/** @type {string} */ id) =>
          html(config(), short, inlineScript(INIT + orderCall(id)));
        const site = await startSiteWith(t, files, {
          "/": page("first"),
          "/next": page("second"),
        });
        const { visitor, tab } = await openPage(t, browser, site);
        await site.waitForResponses(tab, "first");
        const { __obref } = await visitor.cookies();
        assert.ok(__obref);
        await tab.goto(site.url("/next", "localhost"));
        await site.waitForOrders("second");
        assert.equal((await visitor.cookies()).__obref, __obref);
        assert.deepEqual(
          site.measured.map(({ id }) => id),
          ["first", "second"],
        );
        assert.equal(tab.hasRequested(FALLBACK), tool.damages === true);
        assertSilent(tab);
      });

      test("the fallback measures where WebAssembly is forbidden", async (t) => {
        const { files, short } = await minified();
        const site = await startSiteWith(t, files, {
          "/": {
            html: html(
              config(),
              short,
              inlineScript(INIT + orderCall("order")),
            ),
            headers: {
              "content-security-policy": "script-src 'self' 'unsafe-inline'",
            },
          },
        });
        const { tab } = await openPage(t, browser, site);
        await site.waitForOrders("order");
        assert.ok(tab.hasRequested(FALLBACK));
        assertSilent(tab);
      });

      test("stub and strict snippet measure under strict policies", async (t) => {
        const { files } = await minified();
        const withNonce = (/** @type {string} */ text) =>
          `<script nonce="pixel">${text}</script>`;
        const policy = (/** @type {string} */ names) =>
          `script-src 'nonce-pixel' 'wasm-unsafe-eval'; require-trusted-types-for 'script'; trusted-types ${names}`;
        /**
         * @param {string} names of the allowed Trusted Types policies
         * @param {string} snippet
         */
        const page = (names, snippet, more = "") => ({
          html: html(
            config().replace("<script", `<script nonce="pixel"`),
            withNonce(snippet),
            withNonce(INIT + orderCall(names)),
            more,
          ),
          headers: { "content-security-policy": policy(names) },
        });
        const site = await startSiteWith(t, files, {
          "/": page(
            "oaiq",
            files["stub.html"],
            `<script async nonce="pixel" src="/sdk/${SCRIPT}"></script>`,
          ),
          "/next": page("oaiq oaiq-snippet", files["strict.html"]),
        });
        const { tab } = await openPage(t, browser, site);
        await site.waitForOrders("oaiq");
        await tab.goto(site.url("/next", "localhost"));
        await site.waitForOrders("oaiq oaiq-snippet");
        assert.deepEqual(tab.pageErrors, []);
      });

      test("the debug file explains a rejected call or logs that it is damaged", async (t) => {
        const { files, short } = await minified();
        const site = await startSiteWith(t, files, {
          "/": html(
            config(", debug: true"),
            short,
            inlineScript(`${INIT} oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "USD" });
            ${orderCall("order")}`),
          ),
        });
        const { tab } = await openPage(t, browser, site);
        await site.waitForOrders("order");
        await tab.waitForLog(
          tool.damages ? /the debug file is damaged|2599/ : /2599/,
        );
        assert.deepEqual(tab.pageErrors, []);
      });

      test("the consent file follows a consent source", async (t) => {
        const { files, short } = await minified();
        const site = await startSiteWith(t, files, {
          "/": html(
            config(`, consentSource: "google"`),
            short,
            inlineScript(
              `dataLayer = []; function gtag() { dataLayer.push(arguments); }
             gtag("consent", "default", { ad_storage: "denied", ad_user_data: "denied" });
             ${INIT + orderCall("order")}`,
            ),
          ),
        });
        const { tab } = await openPage(t, browser, site);
        await tab.waitForFunction("oaiq.consentState?.source === 'google'");
        assert.deepEqual(site.requests, []);
        await tab.evaluate(
          `gtag("consent", "update", { ad_storage: "granted", ad_user_data: "granted" })`,
        );
        await site.waitForOrders("order");
        assertSilent(tab);
      });

      test("the layer file measures what the data layer says", async (t) => {
        const { files, short } = await minified();
        const site = await startSiteWith(t, files, {
          "/": html(
            config(", layer: true"),
            short,
            inlineScript(
              `dataLayer = [{ event: "purchase", transaction_id: "order", value: "CHF 1'299.50", currency: "CHF" }]; ${INIT}`,
            ),
          ),
        });
        const { tab } = await openPage(t, browser, site);
        await site.waitForOrders("order");
        assert.equal(site.measuredEvent("order").data.amount, 129_950);
        assert.ok(tab.hasRequested(LAYER));
        assertSilent(tab);
      });

      test("the keepalive file starts a worker, which sends the last order of a page", async (t) => {
        const { files, short } = await minified();
        const page = html(config(), short, inlineScript(INIT));
        const site = await startSiteWith(t, files, {
          "/": page,
          "/later": page,
          "/next": html(""),
        });
        const { visitor, tab } = await openPage(t, browser, site);
        await site.waitFor("the start", () => site.startedPixels === 1);
        // a landing page may send a beacon instead
        await tab.goto(site.url("/later", "localhost"));
        await waitUntilIdle(tab);
        await waitForWorker(site, visitor);
        await tab.evaluate(orderCall("last") + LEAVE);
        await tab.page.waitForURL("**/next");
        await site.waitForOrders("last");
        assert.deepEqual(transports(site, tab, "last"), ["worker"]);
        assertSilent(tab);
      });

      test("the CommonJS module measures", async (t) => {
        const { files } = await minified();
        const site = await startSiteWith(t, files, {
          "/": html(
            config(),
            inlineScript(
              `var module = { exports: {} }, exports = module.exports;`,
            ),
            `<script src="/sdk/${COMMONJS}"></script>`,
            inlineScript(
              `var oaiq = module.exports.default; ${INIT + orderCall("order")}`,
            ),
          ),
        });
        const { tab } = await openPage(t, browser, site);
        await site.waitForOrders("order");
        assert.deepEqual(site.deliveryCounts, { order: 1 });
        assertSilent(tab);
      });

      if (tool.module !== null)
        test("the npm package measures", async (t) => {
          const { files } = await minified();
          const site = await startSiteWith(t, files, {
            "/": html(
              config(),
              `<script type="module">import oaiq from "/sdk/oaiq.mjs"; ${INIT + orderCall("order")}</script>`,
            ),
          });
          const { tab } = await openPage(t, browser, site);
          await site.waitForOrders("order");
          assertSilent(tab);
        });

      test("the saving snippet saves an event and the recovery file sends it from the next page", async (t) => {
        const { files } = await minified();
        const page = (/** @type {string} */ calls) =>
          html(
            config(),
            inlineScript(files["snippet.html"]),
            inlineScript(calls),
          );
        const site = await startSiteWith(t, files, {
          "/": page(INIT + orderCall("early")),
          "/next": page(INIT),
        });
        site.holdResponses(SCRIPT);
        const visitor = await Visitor.create(t, browser);
        const tab = await visitor.openPage(
          site.url("/", "localhost"),
          "domcontentloaded",
        );
        await tab.goto(site.url("/next", "localhost"), "domcontentloaded");
        site.releaseResponses();
        await site.waitForOrders("early");
        // the browser reports requests a little later than they arrive
        await waitUntil("the recovery file", () => tab.hasRequested(RECOVERY));
        assertSilent(tab);
      });
    });
});

/** The page's own scripts, which do not end with a semicolon. */
const BEFORE = "window.before = 1";
const AFTER = "(function () { window.after = 1 })()";

/** A script element. */
const element = `<script src="/sdk/${SCRIPT}"></script>`;
/**
 * Fetches the script's text and passes it to this code.
 *
 * @param {string} text
 */
const evaluated = (text) =>
  `<script>fetch("/sdk/${SCRIPT}").then((it) => it.text()).then((text) => { ${text} })</script>`;

/**
 * @typedef {object} Loading how a tool may load the script
 * @property {(text: string) => string | Buffer} [file] transforms the file
 * @property {string} [page] the page's part that loads it
 * @property {string} [type] its content type
 * @property {"fallback"} [runs] if not the module
 */

/** @type {Record<string, Loading>} */
const LOADINGS = {
  "in a file between two scripts": {
    file: (text) => `${BEFORE}\n${text}\n${AFTER}`,
  },
  "in a file without line breaks between the scripts": {
    file: (text) => `${BEFORE}${text}${AFTER}`,
  },
  "after a comment without a line break": {
    file: (text) => `${BEFORE} // ends here${text}${AFTER}`,
  },
  'in a file that begins with "use strict"': {
    file: (text) => `"use strict"\n${BEFORE}\n${text}${AFTER}`,
  },
  "inside a function": {
    file: (text) => `(function () {\n${text}\n})()`,
  },
  "with CRLF": {
    file: (text) => text.replaceAll("\n", "\r\n"),
  },
  "with its line breaks removed": {
    file: (text) => text.replaceAll(/[\r\n]/g, ""),
    runs: "fallback",
  },
  "served as windows-1252": {
    type: "text/javascript; charset=windows-1252",
  },
  "without the byte order mark, served as UTF-8": {
    file: (text) => text.replace("\ufeff", ""),
  },
  "without the byte order mark, served as windows-1252": {
    file: (text) => text.replace("\ufeff", ""),
    type: "text/javascript; charset=windows-1252",
    runs: "fallback",
  },
  "re-encoded as windows-1252": {
    file: (text) =>
      Buffer.from(
        text.replace("\ufeff", "").replace(/[^\0-\x7f\xa0-\xff]/g, "?"),
        "latin1",
      ),
    type: "text/javascript; charset=windows-1252",
    runs: "fallback",
  },
  "as text, by new Function": {
    page: evaluated("new Function(text)()"),
  },
  "as text, by eval": {
    page: evaluated("(0, eval)(text)"),
  },
  "as text, in an inline element": {
    page: evaluated(
      `const s = document.createElement("script"); s.text = text; document.head.append(s)`,
    ),
  },
  "as an element that is recreated without its attributes": {
    page: `<script type="text/plain" async id="blocked" data-src="/sdk/${SCRIPT}"></script>
      <script>addEventListener("load", () => {
        const s = document.createElement("script"), blocked = document.getElementById("blocked");
        s.src = blocked.dataset.src; blocked.replaceWith(s);
      })</script>`,
  },
  "as an element in a fragment of HTML": {
    page: inlineScript(
      `document.head.append(document.createRange().createContextualFragment('<script src="/sdk/${SCRIPT}"></' + 'script>'))`,
    ),
  },
  "as a module": {
    page: `<script type="module" src="/sdk/${SCRIPT}"></script>`,
  },
};

describe("loaded", { concurrency: 4 }, () => {
  const browser = useBrowser();

  for (const [way, { file, page = element, type, runs }] of Object.entries(
    LOADINGS,
  ))
    test(`the script measures ${way}`, async (t) => {
      const site = await startSiteWith(
        t,
        {},
        {
          "/": html(
            config(),
            STUB,
            inlineScript(INIT + orderCall("order")),
            page,
          ),
        },
      );
      const original = site.file(SCRIPT).toString();
      if (file) site.files.set(SCRIPT, file(original));
      // this applies to the other files too, which are not transformed
      if (type) site.scriptType = type;
      const { tab } = await openPage(t, browser, site);
      await site.waitForOrders("order");
      assert.deepEqual(site.deliveryCounts, { order: 1 });
      assert.equal(tab.hasRequested(FALLBACK), runs === "fallback");
      for (const name of ["before", "after"])
        if (file && String(file("")).includes(`window.${name}`))
          assert.equal(await tab.evaluate(`window.${name}`), 1);
      assertSilent(tab);
    });

  test("the script measures inline", async (t) => {
    const site = await startSiteWith(t, {}, {});
    const text = site.file(SCRIPT).toString();
    site.pages["/"] = html(
      config(),
      STUB,
      inlineScript(INIT + orderCall("order")),
      inlineScript(text),
    );
    const { tab } = await openPage(t, browser, site);
    await site.waitForOrders("order");
    assertSilent(tab);
  });

  test("the script logs in a worker that it needs a page", async (t) => {
    const site = await startSiteWith(
      t,
      {},
      { "/": html(inlineScript(`new Worker("/sdk/worker.js")`)) },
    );
    site.files.set("worker.js", `importScripts("/sdk/${SCRIPT}")`);
    const { tab } = await openPage(t, browser, site);
    await tab.waitForLog(/needs a page/);
    assert.equal(tab.oaiqLogs.length, 1);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("the script measures in Partytown", async (t) => {
    const site = await startSiteWith(t, {}, {});
    const folder = join(root, "node_modules/@qwik.dev/partytown/lib");
    for (const name of await readdir(folder))
      if (/\.(js|html)$/.test(name))
        site.pages[`/~partytown/${name}`] = {
          html: await readFile(join(folder, name)),
          headers: {
            "content-type": name.endsWith("js")
              ? "text/javascript"
              : "text/html",
          },
        };
    const inWorker = `<script type="text/partytown"`;
    site.pages["/"] = html(
      inlineScript(`partytown = { forward: ["oaiq"] };`),
      inlineScript(await readFile(join(folder, "partytown.js"), "utf8")),
      config().replace("<script", inWorker),
      `${inWorker} src="/sdk/${SCRIPT}"></script>`,
      inlineScript(INIT + orderCall("order")),
    );
    const { tab } = await openPage(t, browser, site);
    await site.waitForOrders("order");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assertSilent(tab);
  });
});
