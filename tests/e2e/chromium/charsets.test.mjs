// The script contains the module as non-ASCII characters. Tests that these, and what the page measures, are decoded
// correctly whatever charset the page or the server declares.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  PIXEL_ID,
  sdkTag,
  inlineScript,
  CONFIG_PATH,
  QUEUE_STUB,
} from "../support/site.mjs";

/** A machine with two cores runs two tests at a time. */
const TOGETHER = { concurrency: 2 };

/** The page has it escaped, so that only the pixel can garble it. */
const NAME = "M\u00fcsli f\u00fcr \u6771\u4eac \ud83d\ude80";
const escaped = (/** @type {string} */ text) =>
  text.replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const ORDER = `oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR", contents: [{ id: "1", name: "${escaped(NAME)}" }] }, { event_id: "named" });`;

const ENDPOINTS = `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}"`;

/** The state in the script right after the pixel's: a module that has started has stored the consent. */
const PROBE = inlineScript(
  `window.seen = { loaded: oaiq.loaded, consent: localStorage.getItem("oaiq_consent") };`,
);

/**
 * A page that a server sends with this charset, or with none. The page itself declares none.
 *
 * @param {string | undefined} charset
 * @param {string[]} parts
 */
const pageIn = (charset, ...parts) => {
  const text = html(...parts).replace(`<meta charset="utf-8">`, "");
  return {
    // except in UTF-16, ASCII is the same in all of them
    html: Buffer.from(text, charset === "UTF-16LE" ? "utf16le" : "latin1"),
    headers: { "content-type": contentType("text/html", charset) },
  };
};

/**
 * @param {string} type
 * @param {string | undefined} charset
 */
const contentType = (type, charset) =>
  charset ? `${type}; charset=${charset}` : type;

const CHARSETS = ["ISO-8859-1", "windows-1252", "Shift_JIS", "GBK", "UTF-16LE"];

/**
 * @typedef {object} Charsets
 * @property {string} [page] in the page's content type
 * @property {string} [file] in the script's content type
 * @property {string} [element] in the script element's attribute
 */

/** @type {Charsets[]} */
const CASES = [
  ...CHARSETS.flatMap((charset) => [
    { page: charset, file: charset },
    { page: charset },
    { page: "UTF-8", file: charset },
    { page: "UTF-8", element: charset },
  ]),
  // browsers then guess
  {},
  { page: "UTF-8" },
  { page: "UTF-8", file: "no-such-charset" },
];

/**
 * Opens a page with these parts, sent in these charsets.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("../support/browser.mjs").TestBrowser} browser
 * @param {Charsets} charsets
 * @param {string[]} parts
 */
const openPageIn = async (t, browser, { page, file }, ...parts) => {
  const site = await startSite(t, { "/": pageIn(page, ...parts) });
  site.scriptType = contentType("text/javascript", file);
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url());
  return { site, tab };
};

/** @param {Charsets} charsets */
const describeCharsets = ({ page, file, element }) =>
  [
    `page in ${page ?? "no charset"}`,
    `script in ${file ?? "no charset"}`,
    ...(element ? [`its element in ${element}`] : []),
  ].join(", ");

describe(
  "the script starts synchronously and sends names unchanged",
  TOGETHER,
  () => {
    const browser = useBrowser();

    for (const charsets of CASES)
      test(describeCharsets(charsets), async (t) => {
        const { element } = charsets;
        const attribute = element ? `charset="${element}" ` : "";
        const { site, tab } = await openPageIn(
          t,
          browser,
          charsets,
          QUEUE_STUB,
          inlineScript(`${INIT} oaiq("consent", true); ${ORDER}`),
          sdkTag(attribute + ENDPOINTS),
          PROBE,
        );
        assert.deepEqual(await tab.evaluate("window.seen"), {
          loaded: true,
          consent: "true",
        });
        await site.waitForOrders("named");
        const { data } = site.measuredEvent("named");
        assert.equal(data.contents[0].name, NAME);
        // with a garbled module, the fallback would run
        assert.ok(!tab.hasRequested("fallback.min.js"));
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(tab.oaiqLogs, []);
      });
  },
);

describe("the debug file is decoded correctly", TOGETHER, () => {
  const browser = useBrowser();

  for (const charset of CHARSETS)
    test(describeCharsets({ page: charset }), async (t) => {
      const { tab } = await openPageIn(
        t,
        browser,
        { page: charset },
        QUEUE_STUB,
        inlineScript(`oaiq("init", { pixelId: "${PIXEL_ID}", debug: true });`),
        sdkTag(),
      );
      await tab.waitForLog(/pixel "TEST-PIXEL" has started/);
      assert.deepEqual(tab.pageErrors, []);
    });
});

describe(
  "the fallback is decoded correctly in a browser without WebAssembly",
  TOGETHER,
  () => {
    const browser = useBrowser("--js-flags=--jitless");

    for (const charset of CHARSETS)
      test(describeCharsets({ page: charset }), async (t) => {
        const { site, tab } = await openPageIn(
          t,
          browser,
          { page: charset },
          QUEUE_STUB,
          inlineScript(INIT + ORDER + orderCall("second")),
          sdkTag(),
        );
        // the load event waits for that file
        assert.deepEqual(tab.pageErrors, []);
        await site.waitForOrders("named", "second");
        const { data } = site.measuredEvent("named");
        assert.equal(data.contents[0].name, NAME);
        assert.deepEqual(tab.oaiqLogs, []);
      });
  },
);
