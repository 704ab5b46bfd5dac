// Which scripts debug names for calls that are made twice (www/debug/callers.js).
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.window ??= /** @type {any} */ ({ Date, setTimeout });
const { callerIn, createCallLog, nameCallers, recordedCalls } =
  await import("../../www/debug/callers.js");
const { HELD_FOR_CONSENT, INIT, QUEUED } =
  await import("../../www/pixel/debug-events.gen.js");

const PAGE = "https://shop.test/";
const isOwn = (url) => url.includes("/oaiq.debug.min.js");
const isPage = (url) => url.split(/[?#]/)[0] === PAGE;

for (const [what, stack, caller] of [
  [
    "a script in Chromium",
    `Error\n    at note (https://shop.test/oaiq/oaiq.debug.min.js:522:10)\n    at Object.apply (https://shop.test/oaiq/oaiq.debug.min.js:1:1)\n    at track (https://cdn.test/app.js?id=7:12:3)\n    at https://cdn.test/other.js:1:1`,
    "https://cdn.test/app.js",
  ],
  [
    "a script in Firefox",
    `note@https://shop.test/oaiq/oaiq.debug.min.js:522:10\napply@https://shop.test/oaiq/oaiq.debug.min.js:1:1\n@https://cdn.test/app.js:12:3\n`,
    "https://cdn.test/app.js",
  ],
  [
    "an inline script",
    `Error\n    at https://shop.test/oaiq/oaiq.debug.min.js:522:10\n    at https://shop.test/?utm=1:14:7`,
    "an inline script (line 14)",
  ],
  [
    "code that another script evaluates",
    `Error\n    at https://shop.test/oaiq/oaiq.debug.min.js:522:10\n    at eval (eval at <anonymous> (https://tags.test/gtm.js?id=GTM-1:5:6), <anonymous>:1:1)`,
    "https://tags.test/gtm.js",
  ],
  ["a stack without frames", "Error", undefined],
])
  test(`the caller is named for ${what}`, () => {
    assert.equal(callerIn(stack, isOwn, isPage), caller);
  });

/** A log and what it has reported. */
const createLog = () => {
  const reports = [];
  const log = createCallLog((name, callers) =>
    reports.push([name, ...callers]),
  );
  return { log, reports };
};

test("a second init of a pixel is reported with both callers", () => {
  const { log, reports } = createLog();
  log.onInit("ONE", true, "theme.js");
  log.onInit("TWO", false, "app.js");
  assert.deepEqual(reports, []);
  log.onInit("ONE", false, "app.js");
  log.onInit("", false, "tag.js");
  assert.deepEqual(reports, [
    ["init", "theme.js", "app.js"],
    ["init", "theme.js", "tag.js"],
  ]);
});

test("a second init with user data is an update", () => {
  const { log, reports } = createLog();
  log.onInit("ONE", false, "theme.js");
  log.onInit("ONE", true, "login.js");
  assert.deepEqual(reports, []);
});

test("a second view of the same address is reported once for its callers", () => {
  const { log, reports } = createLog();
  log.onView("/a", "theme.js");
  log.onView("/a", "app.js");
  log.onView("/a", "app.js");
  assert.deepEqual(reports, [["page_viewed", "theme.js", "app.js"]]);
});

test("an address that the visitor comes back to is another view", () => {
  const { log, reports } = createLog();
  log.onView("/a", "app.js");
  log.onView("/b", "app.js");
  log.onView("/a", "app.js");
  assert.deepEqual(reports, []);
});

test("a page that is restored from the back/forward cache is another view", () => {
  const { log, reports } = createLog();
  log.onView("/a", "views.js");
  log.onRestored();
  log.onView("/a", "views.js");
  assert.deepEqual(reports, []);
});

const init = (options) => [INIT, `[1,"${PAGE}","","init",${options}]`];
const view = (id, path = "") => [
  QUEUED,
  `{"type":"page_viewed","timestamp_ms":1,"id":"${id}","source_url":"${PAGE}${path}","data":{"type":"contents"}}`,
];

test("calls before debug are read from the recorded debug events", () => {
  assert.deepEqual(
    recordedCalls([
      init('{"pixelId":"ONE","user":{"country":"DE"}}'),
      view("1"),
      // the same event of a second pixel
      view("1"),
      [QUEUED, '{"type":"order_created","id":"2"}'],
      view("3", "soap"),
      init("{}"),
    ]),
    {
      inits: [
        { pixel: "ONE", hasUser: true },
        { pixel: "", hasUser: false },
      ],
      views: [PAGE, `${PAGE}soap`],
    },
  );
});

test("calls that have waited for consent are read once", () => {
  const head = `[1,"${PAGE}?utm=1",""`;
  assert.deepEqual(
    recordedCalls([
      [HELD_FOR_CONSENT, { head, parts: ['"init"', '{"pixelId":"ONE"}'] }],
      [
        HELD_FOR_CONSENT,
        { head, parts: ['"measure"', '"page_viewed"', '{"type":"contents"}'] },
      ],
      init('{"pixelId":"ONE"}'),
      view("1"),
    ]),
    {
      inits: [{ pixel: "ONE", hasUser: false }],
      views: [`${PAGE}?utm=1`],
    },
  );
});

/** Sets the scripts of the page. */
const setScripts = (...scripts) => {
  globalThis.location = /** @type {any} */ (new URL(PAGE));
  globalThis.document = /** @type {any} */ ({
    scripts: scripts.map((script) => ({
      src: "",
      text: "",
      crossOrigin: null,
      ...script,
    })),
  });
};

test("callers without a stack are found by the texts of the page's scripts", async () => {
  const texts = {
    [`${PAGE}theme.js`]: `oaiq("init", {}); oaiq("measure", "page_viewed")`,
    [`${PAGE}menu.js`]: `open("init")`,
    [`${PAGE}oaiq.min.js`]: `\n/*! oaiq 0.2.0 (protocol 0.1.41) */ oaiq "init" page_viewed`,
  };
  globalThis.fetch = async (url) => {
    assert.ok(url in texts, url);
    return new Response(texts[url]);
  };
  setScripts(
    { text: `oaiq("init", { pixelId: "ONE" })` },
    ...Object.keys(texts).map((src) => ({ src })),
    { src: "https://other.test/app.js" },
    { src: `${PAGE}sdk/oaiq.views.min.js` },
  );
  assert.deepEqual(await nameCallers("init", [undefined, undefined]), [
    "inline script 1 of the page",
    `${PAGE}theme.js`,
  ]);
  assert.deepEqual(await nameCallers("page_viewed", [undefined, "app.js"]), [
    `${PAGE}theme.js`,
    `${PAGE}sdk/oaiq.views.min.js`,
    "app.js",
  ]);
});

test("a caller that nothing names is called a script that ran before debug", async () => {
  setScripts({ src: "https://other.test/app.js" });
  assert.deepEqual(await nameCallers("init", [undefined, "app.js"]), [
    "a script that ran before debug was loaded",
    "app.js",
  ]);
});

test("callers that stacks have named need no other script", async () => {
  assert.deepEqual(await nameCallers("init", ["a.js", "a.js"]), [
    "a.js",
    "a.js",
  ]);
});
