// Which attributes of the script's element the pixel obeys, and how it finds its element.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  inlineScript,
  CONFIG_PATH,
  QUEUE_STUB,
  openSite,
} from "../support/site.mjs";

const ADDRESSES = `data-oaiq-endpoint="${EVENTS_PATH}" data-oaiq-settings="${CONFIG_PATH}"`;
const CONFIG = `oaiq.config = { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" };`;
const element = (attributes, src = "/sdk/oaiq.min.js") =>
  `<script src="${src}" ${attributes}></script>`;

const state = (tab) => tab.evaluate("window.oaiq.consentState?.state");

describe("attributes", { concurrency: 4 }, () => {
  const browser = useBrowser();
  const open = (t, ...parts) =>
    openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(INIT + orderCall("order")),
      ...parts,
    );

  /** Nothing has been sent or stored, though the page has had the time for it. */
  const expectWaiting = async ({ site, visitor, tab }) => {
    await tab.page.waitForFunction("window.oaiq.consentState");
    await tab.evaluate("new Promise((go) => setTimeout(go, 2000))");
    assert.equal(await state(tab), "pending");
    assert.deepEqual(site.requests, []);
    assert.deepEqual(await visitor.cookies(), {});
  };

  for (const marks of [
    `data-consent="marketing"`,
    `data-consent=""`,
    `data-consent="granted"`,
    `data-consent-category="marketing"`,
    `data-consent-source="cmp"`,
    `data-gpc="yes"`,
    `data-gpc-aware`,
    `id="consent-x"`,
    `class="data-consent"`,
    `data-title='data-consent="pending"'`,
  ])
    test(`another tool's mark ${marks} does not make the pixel wait`, async (t) => {
      const { site, tab } = await open(t, element(`${ADDRESSES} ${marks}`));
      await site.waitForOrders("order");
      assert.deepEqual(tab.oaiqLogs, []);
    });

  for (const marks of [
    `data-oaiq-consent="pending"`,
    `data-consent="pending"`,
    `data-oaiq-consent-source="tcf"`,
    `data-consent-source="tcf"`,
    `data-consent-source="GPP, tcf"`,
  ])
    test(`${marks} makes the pixel wait`, async (t) => {
      await expectWaiting(await open(t, element(`${ADDRESSES} ${marks}`)));
    });

  test("data-oaiq-endpoint wins over data-endpoint, which still works", async (t) => {
    const { site } = await open(
      t,
      element(
        `data-endpoint="/older" data-oaiq-endpoint="/newer" data-settings="${CONFIG_PATH}"`,
      ),
    );
    await site.waitForOrders("order");
    assert.equal(site.requests[0].path, "/newer");
    assert.match(site.configRequests[0], new RegExp(CONFIG_PATH));
  });

  for (const [what, path] of [
    ["the script's usual name", "/sdk/oaiq.min.js"],
    ["another name and a query", "/assets/pixel.js?v=2"],
  ])
    test(`a module script of ${what} obeys its attributes`, async (t) => {
      const site = await startSite(t, {});
      const src = path.startsWith("/sdk") ? path : "/sdk/pixel.js?v=2";
      site.files.set("pixel.js", site.files.get("oaiq.min.js"));
      site.pages["/"] = html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("order")),
        element(`type="module" ${ADDRESSES} data-oaiq-consent="pending"`, src),
      );
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      await expectWaiting({ site, visitor, tab });
      await tab.evaluate(`oaiq("consent", true)`);
      await site.waitForOrders("order");
      assert.deepEqual(tab.pageErrors, []);
    });

  test("a module script finds the files beside it", async (t) => {
    const { site, tab } = await open(
      t,
      element(`type="module" ${ADDRESSES} data-oaiq-wasm="off"`),
    );
    await site.waitForOrders("order");
    assert.ok(tab.hasRequested("/sdk/oaiq.fallback.min.js"));
  });

  test("oaiq.config holds for a script that has been run from text", async (t) => {
    const { site, visitor, tab } = await open(
      t,
      inlineScript(`${CONFIG} oaiq.config.consent = "pending";
        fetch("/sdk/oaiq.min.js").then((it) => it.text()).then((text) => new Function(text)());`),
    );
    // such a script does not know where its other files are
    await tab.waitForLog(/oaiq\.consent\.min\.js could not be loaded/);
    await tab.evaluate("new Promise((go) => setTimeout(go, 2000))");
    assert.deepEqual(site.requests, []);
    assert.deepEqual(await visitor.cookies(), {});
    await tab.evaluate(`oaiq("consent", true)`);
    await site.waitForOrders("order");
  });

  for (const [what, parts] of Object.entries({
    'data-oaiq-wasm="off"': [element(`${ADDRESSES} data-oaiq-wasm="off"`)],
    "oaiq.config.wasm: false": [
      inlineScript(`${CONFIG} oaiq.config.wasm = false;`),
      element(""),
    ],
  }))
    test(`${what} takes the fallback without a violation of the page's policy`, async (t) => {
      const site = await startSite(t, {
        "/": {
          html: html(
            inlineScript(
              `window.violations = []; document.addEventListener("securitypolicyviolation", (it) => violations.push(it.blockedURI));`,
            ),
            QUEUE_STUB,
            inlineScript(INIT + orderCall("order")),
            ...parts,
          ),
          headers: {
            "content-security-policy":
              "script-src 'self' 'unsafe-inline'; worker-src blob:",
          },
        },
      });
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      await site.waitForOrders("order");
      assert.deepEqual(await tab.evaluate("violations"), []);
      assert.deepEqual(tab.console, []);
    });

  for (const [what, parts] of Object.entries({
    'data-oaiq-diagnostics="off"': [
      element(`${ADDRESSES} data-oaiq-diagnostics="off"`),
    ],
    "oaiq.config.diagnostics: false": [
      inlineScript(`${CONFIG} oaiq.config.diagnostics = false;`),
      element(""),
    ],
  }))
    test(`${what} sends nothing for a visitor who denies`, async (t) => {
      const { site, tab } = await openSite(
        t,
        browser,
        QUEUE_STUB,
        inlineScript(`${INIT} oaiq("consent", false); ${orderCall("denied")}`),
        ...parts,
      );
      await tab.evaluate("new Promise((go) => setTimeout(go, 6000))");
      await tab.goto(site.url("/next"));
      assert.deepEqual(site.requests, []);
    });

  test("with oaiq.config.off all calls are ignored, nothing is stored and nothing is sent", async (t) => {
    const { site, visitor, tab } = await open(
      t,
      inlineScript(`${CONFIG} oaiq.config.off = true;`),
      element(""),
      inlineScript(orderCall("late") + `oaiq("consent", true);`),
    );
    await tab.evaluate("new Promise((go) => setTimeout(go, 2500))");
    await tab.goto(site.url("/next"));
    assert.deepEqual(site.requests, []);
    assert.deepEqual(site.configRequests, []);
    assert.deepEqual(await visitor.cookies(), {});
    assert.deepEqual(
      await tab.evaluate("[localStorage.length, sessionStorage.length]"),
      [0, 0],
    );
    assert.deepEqual([tab.oaiqLogs, tab.pageErrors], [[], []]);
  });

  test("oaiq.config.redactPath takes segments out of every address that is sent", async (t) => {
    const site = await startSite(t, {});
    site.pages["/account/jane@example.test"] = html(
      QUEUE_STUB,
      inlineScript(
        `${CONFIG} oaiq.config.redactPath = ["/account/*"]; ${INIT} ${orderCall("order")}`,
      ),
      element(""),
    );
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(
      site.url("/account/jane@example.test?a=1"),
    );
    await site.waitForOrders("order");
    assert.ok(tab.hasRequested("oaiq.consent.min.js"));
    for (const { text } of site.requests) assert.doesNotMatch(text, /jane/);
    assert.equal(site.measured[0].source_url, site.url("/account/*"));
    assert.equal(await tab.evaluate("oaiq.consentState"), undefined);
    const kept = await tab.evaluate("JSON.stringify(localStorage)");
    assert.doesNotMatch(kept, /jane/);
  });

  test("a page on loopback may name an endpoint on loopback", async (t) => {
    const collector = await startSite(t, {});
    const site = await startSite(t, {});
    const at = (path) => collector.url(path, "localhost");
    site.pages["/"] = html(
      QUEUE_STUB,
      inlineScript(INIT + orderCall("order")),
      element(
        `data-oaiq-endpoint="${at(EVENTS_PATH)}" data-oaiq-settings="${at(CONFIG_PATH)}"`,
      ),
    );
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "127.0.0.1"));
    await collector.waitForOrders("order");
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("a page elsewhere may not name an endpoint on loopback by http", async (t) => {
    const { site, tab } = await open(
      t,
      element(`data-oaiq-endpoint="http://localhost:9/in"`),
    );
    await tab.waitForLog(/data-oaiq-endpoint .*must be https/);
    assert.deepEqual(site.requests, []);
  });

  test("calls in both oaiq.q and oaiq.queue are made, those of q first", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      inlineScript(`window.oaiq = function () {};
        oaiq.queue = [["measure", "order_created", { type: "contents" }, { event_id: "second" }]];
        oaiq.q = [["init", { pixelId: "TEST-PIXEL" }], ["measure", "order_created", { type: "contents" }, { event_id: "first" }]];
        window.kept = [oaiq.q, oaiq.queue];`),
      element(ADDRESSES),
      inlineScript(
        `kept.forEach((queue, i) => queue.push(["measure", "order_created", { type: "contents" }, { event_id: "late " + i }]));`,
      ),
    );
    await site.waitForOrders("first", "second", "late 0", "late 1");
    assert.deepEqual(Object.keys(site.deliveryCounts), [
      "first",
      "second",
      "late 0",
      "late 1",
    ]);
  });

  test("debug can be switched by calls, through a wrapper that copies the function alone", async (t) => {
    const { site, tab } = await open(t, element(ADDRESSES));
    await site.waitForOrders("order");
    await tab.evaluate(
      `window.wrapped = ((oaiq) => (...args) => oaiq(...args))(window.oaiq); wrapped("debug")`,
    );
    await tab.waitForLog(/has started/);
    await tab.evaluate(`wrapped("debug", false)`);
    const lines = tab.oaiqLogs.length;
    await tab.evaluate(orderCall("after"));
    await site.waitForOrders("after");
    assert.equal(tab.oaiqLogs.length, lines);
  });
});

describe("where the script cannot run its module", { concurrency: 4 }, () => {
  const browser = useBrowser();
  const openWithoutFallback = async (t, file, headers) => {
    const site = await startSite(t, {});
    site.files.delete("oaiq.fallback.min.js");
    if (file)
      site.files.set("oaiq.min.js", file(site.files.get("oaiq.min.js")));
    site.pages["/"] = {
      html: html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("order")),
        element(ADDRESSES),
      ),
      headers,
    };
    const visitor = await Visitor.create(t, browser);
    return visitor.openPage(site.url());
  };

  test("one line says that the policy forbids WebAssembly", async (t) => {
    const tab = await openWithoutFallback(t, undefined, {
      "content-security-policy": "script-src 'self' 'unsafe-inline'",
    });
    await tab.waitForLog(/nothing is measured/);
    assert.match(tab.oaiqLogs.join(), /add 'wasm-unsafe-eval' to script-src/);
    assert.doesNotMatch(tab.oaiqLogs.join(), /damaged/);
  });

  for (const [what, damage] of Object.entries({
    "lost its control characters": (bytes) =>
      Buffer.from(
        [...bytes.toString("utf8")]
          .filter((character) => character >= " " || character === "\n")
          .join(""),
      ),
    "lost its trailing blanks": (bytes) =>
      Buffer.from(bytes.toString("utf8").replace(/[ \t]+$/gm, "")),
  }))
    test(`one line says that the file has ${what}`, async (t) => {
      const tab = await openWithoutFallback(t, damage);
      await tab.waitForLog(/nothing is measured/);
      assert.match(
        tab.oaiqLogs.join(),
        /the script is damaged \(serve it as built, as UTF-8\)/,
      );
    });
});
