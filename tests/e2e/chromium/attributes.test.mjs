// Tests which attributes of the script element the pixel reads, and how it finds the element.
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

const ENDPOINTS = `data-oaiq-endpoint="${EVENTS_PATH}" data-oaiq-settings="${CONFIG_PATH}"`;
const CONFIG = `oaiq.config = { endpoint: "${EVENTS_PATH}", settings: "${CONFIG_PATH}" };`;
/**
 * The pixel's script element.
 *
 * @param {string} attributes
 */
const element = (attributes, src = "/sdk/oaiq.min.js") =>
  `<script src="${src}" ${attributes}></script>`;

/** @param {import("../support/browser.mjs").Tab} tab */
const consentState = (tab) => tab.evaluate("window.oaiq.consentState?.state");

describe("attributes", { concurrency: 4 }, () => {
  const browser = useBrowser();
  /**
   * Opens a page with these parts after the stub and an order.
   *
   * @param {import("node:test").TestContext} t
   * @param {string[]} parts
   */
  const openPageWith = (t, ...parts) =>
    openSite(
      t,
      browser,
      QUEUE_STUB,
      inlineScript(INIT + orderCall("order")),
      ...parts,
    );

  /**
   * Asserts that nothing is sent or stored within two seconds.
   *
   * @param {Awaited<ReturnType<typeof openPageWith>>} opened
   */
  const expectPending = async ({ site, visitor, tab }) => {
    await tab.waitForFunction("window.oaiq.consentState");
    await tab.evaluate("new Promise((go) => setTimeout(go, 2000))");
    assert.equal(await consentState(tab), "pending");
    assert.deepEqual(site.requests, []);
    assert.deepEqual(await visitor.cookies(), {});
  };

  for (const attributes of [
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
    test(`another tool's ${attributes} does not make consent pending`, async (t) => {
      const { site, tab } = await openPageWith(
        t,
        element(`${ENDPOINTS} ${attributes}`),
      );
      await site.waitForOrders("order");
      assert.deepEqual(tab.oaiqLogs, []);
    });

  for (const attributes of [
    `data-oaiq-consent="pending"`,
    `data-consent="pending"`,
    `data-oaiq-consent-source="tcf"`,
    `data-consent-source="tcf"`,
    `data-consent-source="GPP, tcf"`,
  ])
    test(`${attributes} makes consent pending`, async (t) => {
      await expectPending(
        await openPageWith(t, element(`${ENDPOINTS} ${attributes}`)),
      );
    });

  test("data-oaiq-endpoint overrides data-endpoint", async (t) => {
    const { site } = await openPageWith(
      t,
      element(
        `data-endpoint="/older" data-oaiq-endpoint="/newer" data-settings="${CONFIG_PATH}"`,
      ),
    );
    await site.waitForOrders("order");
    assert.equal(site.requests[0].path, "/newer");
    await site.waitForConfigRequest();
    assert.match(String(site.configRequests[0]), new RegExp(CONFIG_PATH));
  });

  for (const [what, src] of Object.entries({
    "the usual name": "/sdk/oaiq.min.js",
    "another name and a query": "/sdk/pixel.js?v=2",
  }))
    test(`a module script with ${what} reads its attributes`, async (t) => {
      const site = await startSite(t, {});
      site.files.set("pixel.js", site.file("oaiq.min.js"));
      site.pages["/"] = html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("order")),
        element(`type="module" ${ENDPOINTS} data-oaiq-consent="pending"`, src),
      );
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      await expectPending({ site, visitor, tab });
      await tab.evaluate(`oaiq("consent", true)`);
      await site.waitForOrders("order");
      assert.deepEqual(tab.pageErrors, []);
    });

  test("a module script finds the files next to it", async (t) => {
    const { site, tab } = await openPageWith(
      t,
      element(`type="module" ${ENDPOINTS} data-oaiq-wasm="off"`),
    );
    await site.waitForOrders("order");
    assert.ok(tab.hasRequested("/sdk/oaiq.fallback.min.js"));
  });

  test("oaiq.config applies to a script that is evaluated as text", async (t) => {
    const { site, visitor, tab } = await openPageWith(
      t,
      inlineScript(`${CONFIG} oaiq.config.consent = "pending";
        fetch("/sdk/oaiq.min.js").then((it) => it.text()).then((text) => new Function(text)());`),
    );
    // such a script does not know the URL of its other files
    await tab.waitForLog(/oaiq\.consent\.min\.js could not be loaded/);
    await tab.evaluate("new Promise((go) => setTimeout(go, 2000))");
    assert.deepEqual(site.requests, []);
    assert.deepEqual(await visitor.cookies(), {});
    await tab.evaluate(`oaiq("consent", true)`);
    await site.waitForOrders("order");
  });

  for (const [what, parts] of Object.entries({
    'data-oaiq-wasm="off"': [element(`${ENDPOINTS} data-oaiq-wasm="off"`)],
    "oaiq.config.wasm: false": [
      inlineScript(`${CONFIG} oaiq.config.wasm = false;`),
      element(""),
    ],
  }))
    test(`${what} loads the fallback without a violation of the page's policy`, async (t) => {
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
      element(`${ENDPOINTS} data-oaiq-diagnostics="off"`),
    ],
    "oaiq.config.diagnostics: false": [
      inlineScript(`${CONFIG} oaiq.config.diagnostics = false;`),
      element(""),
    ],
  }))
    test(`${what} sends nothing after a denial`, async (t) => {
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

  test("oaiq.config.off ignores all calls, stores nothing and sends nothing", async (t) => {
    const { site, visitor, tab } = await openPageWith(
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

  test("oaiq.config.redactPath redacts path segments in every URL that is sent", async (t) => {
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
    assert.equal(
      site.measuredEvent("order").source_url,
      site.url("/account/*"),
    );
    assert.equal(await tab.evaluate("oaiq.consentState"), undefined);
    const stored = await tab.evaluate("JSON.stringify(localStorage)");
    assert.doesNotMatch(stored, /jane/);
  });

  test("a page on loopback may use an endpoint on loopback", async (t) => {
    const collector = await startSite(t, {});
    const site = await startSite(t, {});
    const at = (/** @type {string} */ path) => collector.url(path, "localhost");
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

  test("another page may not use an http endpoint on loopback", async (t) => {
    const { site, tab } = await openPageWith(
      t,
      element(`data-oaiq-endpoint="http://localhost:9/in"`),
    );
    await tab.waitForLog(/the option endpoint must be https/);
    assert.deepEqual(site.requests, []);
  });

  test("calls in oaiq.q and oaiq.queue are measured, those of oaiq.q first", async (t) => {
    const { site } = await openSite(
      t,
      browser,
      inlineScript(`window.oaiq = function () {};
        oaiq.queue = [["measure", "order_created", { type: "contents" }, { event_id: "second" }]];
        oaiq.q = [["init", { pixelId: "TEST-PIXEL" }], ["measure", "order_created", { type: "contents" }, { event_id: "first" }]];
        window.queues = [oaiq.q, oaiq.queue];`),
      element(ENDPOINTS),
      inlineScript(
        `queues.forEach((queue, i) => queue.push(["measure", "order_created", { type: "contents" }, { event_id: "late " + i }]));`,
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

  test("debug can be toggled by calls of a wrapper without the function's properties", async (t) => {
    const { site, tab } = await openPageWith(t, element(ENDPOINTS));
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

describe("a script that cannot run its module", { concurrency: 4 }, () => {
  const browser = useBrowser();
  /**
   * Opens a page without the fallback file.
   *
   * @param {import("node:test").TestContext} t
   * @param {object} options
   * @param {(script: Buffer) => Buffer} [options.damage]
   * @param {Record<string, string>} [options.headers] of the page
   */
  const openWithoutFallback = async (t, { damage, headers }) => {
    const site = await startSite(t, {});
    site.files.delete("oaiq.fallback.min.js");
    if (damage) site.files.set("oaiq.min.js", damage(site.file("oaiq.min.js")));
    site.pages["/"] = {
      html: html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("order")),
        element(ENDPOINTS),
      ),
      headers,
    };
    const visitor = await Visitor.create(t, browser);
    return visitor.openPage(site.url());
  };

  test("logs that the policy forbids WebAssembly", async (t) => {
    const tab = await openWithoutFallback(t, {
      headers: {
        "content-security-policy": "script-src 'self' 'unsafe-inline'",
      },
    });
    await tab.waitForLog(/nothing is measured/);
    assert.match(tab.oaiqLogs.join(), /add 'wasm-unsafe-eval' to script-src/);
    assert.doesNotMatch(tab.oaiqLogs.join(), /damaged/);
  });

  for (const [what, damage] of Object.entries({
    "lost its control characters": (/** @type {Buffer} */ bytes) =>
      Buffer.from(
        [...bytes.toString("utf8")]
          .filter((character) => character >= " " || character === "\n")
          .join(""),
      ),
    "was re-encoded as windows-1252": (/** @type {Buffer} */ bytes) =>
      Buffer.from(
        bytes
          .toString("utf8")
          .replace("\ufeff", "")
          .replace(/[^\0-\x7f\xa0-\xff]/g, "?"),
        "latin1",
      ),
    "lost its trailing spaces": (/** @type {Buffer} */ bytes) =>
      Buffer.from(bytes.toString("utf8").replace(/[ \t]+$/gm, "")),
  }))
    test(`logs that the file is damaged after it ${what}`, async (t) => {
      const tab = await openWithoutFallback(t, { damage });
      await tab.waitForLog(/nothing is measured/);
      assert.match(
        tab.oaiqLogs.join(),
        /the script is damaged \(serve it as built, as UTF-8\)/,
      );
    });
});
