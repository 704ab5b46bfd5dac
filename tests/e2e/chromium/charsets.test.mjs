// The script carries the module in characters that are not ASCII. In whatever charset a page or a server thinks to be,
// they must be read as they were written, and so must what the page measures.
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

/** So many tests at once suit a machine of two processors, and waits do not add up. */
const TOGETHER = { concurrency: 2 };

/** In the page these are escapes, so that only the pixel can spoil them. */
const NAME = "M\u00fcsli f\u00fcr \u6771\u4eac \ud83d\ude80";
const escaped = (text) =>
  text.replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const ORDER = `oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR", contents: [{ id: "1", name: "${escaped(NAME)}" }] }, { event_id: "named" });`;

const ADDRESSES = `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}"`;

/** What the page finds in the very next script: a module that has started has kept the visitor's answer. */
const LOOK = inlineScript(
  `window.seen = { loaded: oaiq.loaded, answer: localStorage.getItem("oaiq_consent") };`,
);

/** The answer of a server that says it sends this charset, or none. The page itself says none. */
const served = (charset, ...parts) => {
  const text = html(...parts).replace(`<meta charset="utf-8">`, "");
  return {
    // but for UTF-16, ASCII is the same in all of them
    html: Buffer.from(text, charset === "UTF-16LE" ? "utf16le" : "latin1"),
    headers: { "content-type": typed("text/html", charset) },
  };
};

const typed = (type, charset) =>
  charset ? `${type}; charset=${charset}` : type;

const CHARSETS = ["ISO-8859-1", "windows-1252", "Shift_JIS", "GBK", "UTF-16LE"];

/** The charset that the server gives the page, the one that it gives the script, and the script element's own. */
const CASES = [
  ...CHARSETS.flatMap((charset) => [
    [charset, charset],
    [charset, undefined],
    ["UTF-8", charset],
    ["UTF-8", undefined, charset],
  ]),
  // what browsers then take is their own choice
  [undefined, undefined],
  ["UTF-8", undefined],
  ["UTF-8", "no-such-charset"],
];

/** A visitor looks at a page, served in these charsets, that has these parts. */
const visitServed = async (t, browser, [page, file], ...parts) => {
  const site = await startSite(t, { "/": served(page, ...parts) });
  site.scriptType = typed("text/javascript", file);
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url());
  return { site, tab };
};

const described = ([page, file, element]) =>
  [
    `page in ${page ?? "no charset"}`,
    `script in ${file ?? "no charset"}`,
    ...(element ? [`its element in ${element}`] : []),
  ].join(", ");

describe(
  "the script starts at once, and a name arrives as it was given",
  TOGETHER,
  () => {
    const browser = useBrowser();

    for (const charsets of CASES)
      test(described(charsets), async (t) => {
        const [, , element] = charsets;
        const attribute = element ? `charset="${element}" ` : "";
        const { site, tab } = await visitServed(
          t,
          browser,
          charsets,
          QUEUE_STUB,
          inlineScript(`${INIT} oaiq("consent", true); ${ORDER}`),
          sdkTag(attribute + ADDRESSES),
          LOOK,
        );
        assert.deepEqual(await tab.evaluate("window.seen"), {
          loaded: true,
          answer: "true",
        });
        await site.waitForOrders("named");
        const [{ data }] = site.measured;
        assert.equal(data.contents[0].name, NAME);
        // a module that was read wrongly is none, and the fallback would cover that up
        assert.ok(!tab.hasRequested("fallback.min.js"));
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(tab.oaiqLogs, []);
      });
  },
);

describe("the file that explains can be read too", TOGETHER, () => {
  const browser = useBrowser();

  for (const charset of CHARSETS)
    test(described([charset]), async (t) => {
      const { tab } = await visitServed(
        t,
        browser,
        [charset],
        QUEUE_STUB,
        inlineScript(`oaiq("init", { pixelId: "${PIXEL_ID}", debug: true });`),
        sdkTag(),
      );
      await tab.waitForLog(/pixel "TEST-PIXEL" has started/);
      assert.deepEqual(tab.pageErrors, []);
    });
});

describe(
  "and so can the fallback, in a browser without WebAssembly",
  TOGETHER,
  () => {
    const browser = useBrowser("--js-flags=--jitless");

    for (const charset of CHARSETS)
      test(described([charset]), async (t) => {
        const { site, tab } = await visitServed(
          t,
          browser,
          [charset],
          QUEUE_STUB,
          inlineScript(INIT + ORDER + orderCall("second")),
          sdkTag(),
        );
        // the page has loaded only when that file has
        assert.deepEqual(tab.pageErrors, []);
        await site.waitForOrders("named", "second");
        const [{ data }] = site.measured;
        assert.equal(data.contents[0].name, NAME);
        assert.deepEqual(tab.oaiqLogs, []);
      });
  },
);
