// What other people's tools do to the scripts: each file goes through minifiers, combiners and loaders, and then measures an
// order in a real Chromium, or says in one console line why it does not.
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
import { TOOLS } from "./tools.mjs";

/** So many tests at once suit a machine of two processors, and waits do not add up. */
const TOGETHER = { concurrency: 2 };

const PIXEL = "oaiq.min.js";
const FALLBACK = "oaiq.fallback.min.js";
const RECOVERY = "oaiq.recovery.min.js";

/** What a page leaves before the snippet, so that the site's own addresses are used. */
const config = (more = "") =>
  inlineScript(
    `window.oaiq = { config: { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}"${more} } };`,
  );

const text = async (file) =>
  (await readFile(join(root, file), "utf8")).replace("\ufeff", "");

/** The script inside a file of the snippet, which loads this site's copy of the pixel. */
const snippetOf = async (file) =>
  (await text(file))
    .replace(/<\/?script>\n/g, "")
    .replace(PLACEHOLDER, `/sdk/${PIXEL}`);

const STUB = await text("www/snippet/stub.html");

/** All that a tool has made of the project's scripts, by file. */
const made = async ({ script, module = script }) => {
  const files = {};
  for (const file of [
    PIXEL,
    FALLBACK,
    "oaiq.debug.min.js",
    "oaiq.consent.min.js",
    RECOVERY,
  ])
    files[file] = await script(await text(`dist/${file}`));
  if (module) files["oaiq.mjs"] = await module(await text("dist/oaiq.mjs"));
  for (const file of [
    "snippet/snippet.html",
    "snippet/short.html",
    "snippet/strict.html",
    "snippet/stub.html",
  ])
    files[file] = await script(await snippetOf(`www/${file}`));
  return files;
};

/** A site that has these files of the pixel, and these pages. */
const siteOf = async (t, files, pages) => {
  const site = await startSite(t, pages);
  for (const [name, text] of Object.entries(files)) site.files.set(name, text);
  return site;
};

const arrive = async (t, browser, site, path = "/") => {
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url(path, "localhost"));
  return { visitor, tab };
};

const isQuiet = (tab) => {
  assert.deepEqual(tab.pageErrors, []);
  assert.deepEqual(tab.oaiqLogs, []);
};

describe("minified", { concurrency: 2 }, () => {
  const browser = useBrowser();
  for (const [name, tool] of Object.entries(TOOLS))
    describe(`minified by ${name}`, TOGETHER, () => {
      let once;
      /** What the tool has made of the scripts, and of the short snippet as an element. */
      const minified = async () => {
        const files = await (once ??= made(tool));
        return { files, short: inlineScript(files["snippet/short.html"]) };
      };

      test("snippet and script measure, and know the visitor again on the next page", async (t) => {
        const { files, short } = await minified();
        const page = (id) =>
          html(config(), short, inlineScript(INIT + orderCall(id)));
        const site = await siteOf(t, files, {
          "/": page("first"),
          "/next": page("second"),
        });
        const { visitor, tab } = await arrive(t, browser, site);
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
        isQuiet(tab);
      });

      test("the fallback measures where no WebAssembly may run", async (t) => {
        const { files, short } = await minified();
        const site = await siteOf(t, files, {
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
        const { tab } = await arrive(t, browser, site);
        await site.waitForOrders("order");
        assert.ok(tab.hasRequested(FALLBACK));
        isQuiet(tab);
      });

      test("the queue and the snippet for strict policies measure under such", async (t) => {
        const { files } = await minified();
        const withNonce = (text) => `<script nonce="pixel">${text}</script>`;
        const policy = (names) =>
          `script-src 'nonce-pixel' 'wasm-unsafe-eval'; require-trusted-types-for 'script'; trusted-types ${names}`;
        const page = (names, snippet, more = "") => ({
          html: html(
            config().replace("<script", `<script nonce="pixel"`),
            withNonce(snippet),
            withNonce(INIT + orderCall(names.split(" ").at(-1))),
            more,
          ),
          headers: { "content-security-policy": policy(names) },
        });
        const site = await siteOf(t, files, {
          "/": page(
            "oaiq",
            files["snippet/stub.html"],
            `<script async nonce="pixel" src="/sdk/${PIXEL}"></script>`,
          ),
          "/next": page("oaiq oaiq-snippet", files["snippet/strict.html"]),
        });
        const { tab } = await arrive(t, browser, site);
        await site.waitForOrders("oaiq");
        await tab.goto(site.url("/next", "localhost"));
        await site.waitForOrders("oaiq-snippet");
        assert.deepEqual(tab.pageErrors, []);
      });

      test("the debug file explains a refused call, or one line says why not", async (t) => {
        const { files, short } = await minified();
        const site = await siteOf(t, files, {
          "/": html(
            config(", debug: true"),
            short,
            inlineScript(`${INIT} oaiq("measure", "order_created", { type: "contents", amount: 25.99, currency: "USD" });
            ${orderCall("order")}`),
          ),
        });
        const { tab } = await arrive(t, browser, site);
        await site.waitForOrders("order");
        await tab.waitForLog(
          tool.damages ? /the debug file is damaged|2599/ : /2599/,
        );
        assert.deepEqual(tab.pageErrors, []);
      });

      test("the consent file hears a consent manager", async (t) => {
        const { files, short } = await minified();
        const site = await siteOf(t, files, {
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
        const { tab } = await arrive(t, browser, site);
        await tab.page.waitForFunction(
          "oaiq.consentState?.source === 'google'",
        );
        assert.deepEqual(site.requests, []);
        await tab.evaluate(
          `gtag("consent", "update", { ad_storage: "granted", ad_user_data: "granted" })`,
        );
        await site.waitForOrders("order");
        isQuiet(tab);
      });

      if (tool.module !== null)
        test("the npm package measures", async (t) => {
          const { files } = await minified();
          const site = await siteOf(t, files, {
            "/": html(
              config(),
              `<script type="module">import oaiq from "/sdk/oaiq.mjs"; ${INIT + orderCall("order")}</script>`,
            ),
          });
          const { tab } = await arrive(t, browser, site);
          await site.waitForOrders("order");
          isQuiet(tab);
        });

      test("the snippet that saves does so, and the recovery file sends it from the next page", async (t) => {
        const { files } = await minified();
        const page = (calls) =>
          html(
            config(),
            inlineScript(files["snippet/snippet.html"]),
            inlineScript(calls),
          );
        const site = await siteOf(t, files, {
          "/": page(INIT + orderCall("early")),
          "/next": page(INIT),
        });
        site.holdResponses(PIXEL);
        const visitor = await Visitor.create(t, browser);
        const tab = await visitor.openPage(
          site.url("/", "localhost"),
          "domcontentloaded",
        );
        await tab.goto(site.url("/next", "localhost"), "domcontentloaded");
        site.releaseResponses();
        await site.waitForOrders("early");
        // the browser tells of its requests a little later than they arrive
        await waitUntil("the recovery file", () => tab.hasRequested(RECOVERY));
        isQuiet(tab);
      });
    });
});

/** What the page's own scripts are: none of them ends with a semicolon. */
const BEFORE = "window.before = 1";
const BEHIND = "(function () { window.behind = 1 })()";

/** A page's element for a file of the site, and how the calls of a page come to it. */
const element = `<script src="/sdk/${PIXEL}"></script>`;
const evaluated = (text) =>
  `<script>fetch("/sdk/${PIXEL}").then((it) => it.text()).then((text) => { ${text} })</script>`;

/** How a tool may bring the script into a page: the file that it makes of it, the page's part, the site's other words. */
const WAYS = {
  "in a file behind a script and before another": {
    file: (text) => `${BEFORE}\n${text}\n${BEHIND}`,
  },
  "in a file without line breaks between the scripts": {
    file: (text) => `${BEFORE}${text}${BEHIND}`,
  },
  "behind a comment that ends without a line break": {
    file: (text) => `${BEFORE} // ends here${text}${BEHIND}`,
  },
  'in a file that begins with "use strict"': {
    file: (text) => `"use strict"\n${BEFORE}\n${text}${BEHIND}`,
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
  "as an element that has been made again without its attributes": {
    page: `<script type="text/plain" async id="blocked" data-src="/sdk/${PIXEL}"></script>
      <script>addEventListener("load", () => {
        const s = document.createElement("script"), blocked = document.getElementById("blocked");
        s.src = blocked.dataset.src; blocked.replaceWith(s);
      })</script>`,
  },
  "as an element in a fragment of HTML": {
    page: inlineScript(
      `document.head.append(document.createRange().createContextualFragment('<script src="/sdk/${PIXEL}"></' + 'script>'))`,
    ),
  },
  "as a module": {
    page: `<script type="module" src="/sdk/${PIXEL}"></script>`,
  },
};

describe("loaded", { concurrency: 4 }, () => {
  const browser = useBrowser();

  for (const [way, { file, page = element, type, runs }] of Object.entries(
    WAYS,
  ))
    test(`${way}, the script measures`, async (t) => {
      const site = await siteOf(
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
      const given = site.files.get(PIXEL).toString();
      if (file) site.files.set(PIXEL, file(given));
      // the other files are as built, whatever their server says of them
      if (type) site.scriptType = type;
      const { tab } = await arrive(t, browser, site);
      await site.waitForOrders("order");
      assert.deepEqual(site.deliveryCounts, { order: 1 });
      assert.equal(tab.hasRequested(FALLBACK), runs === "fallback");
      for (const name of ["before", "behind"])
        if (file && file("").includes(`window.${name}`))
          assert.equal(await tab.evaluate(`window.${name}`), 1);
      isQuiet(tab);
    });

  test("inside the page, it measures", async (t) => {
    const site = await siteOf(t, {}, {});
    const text = site.files.get(PIXEL).toString();
    site.pages["/"] = html(
      config(),
      STUB,
      inlineScript(INIT + orderCall("order")),
      inlineScript(text),
    );
    const { tab } = await arrive(t, browser, site);
    await site.waitForOrders("order");
    isQuiet(tab);
  });

  test("in a worker, one line says that it needs a page, and what to do", async (t) => {
    const site = await siteOf(
      t,
      {},
      { "/": html(inlineScript(`new Worker("/sdk/worker.js")`)) },
    );
    site.files.set("worker.js", `importScripts("/sdk/${PIXEL}")`);
    const { tab } = await arrive(t, browser, site);
    await tab.waitForLog(/needs a page.*from your server/);
    assert.equal(tab.oaiqLogs.length, 1);
    assert.deepEqual(tab.pageErrors, []);
  });

  test("through Partytown, with the config in a script of its own type, it measures", async (t) => {
    const site = await siteOf(t, {}, {});
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
      `${inWorker} src="/sdk/${PIXEL}"></script>`,
      inlineScript(INIT + orderCall("order")),
    );
    const { tab } = await arrive(t, browser, site);
    await site.waitForOrders("order");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    isQuiet(tab);
  });
});
