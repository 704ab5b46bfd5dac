// Tests pages where WebAssembly is forbidden or compiles late, and an internal error of the module.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { useBrowser, waitUntil, Visitor } from "../support/browser.mjs";
import {
  html,
  INIT,
  startSite,
  orderCall,
  PIXEL_ID,
  sdkTag,
  inlineScript,
  QUEUE_STUB,
} from "../support/site.mjs";

/**
 * @typedef {import("../support/site.mjs").Site} Site
 * @typedef {import("../support/browser.mjs").Tab} Tab
 */

/** A machine with two cores runs two tests at a time. */
const TOGETHER = { concurrency: 2 };

const FAULT_INJECTED = join(root, "target/fault-injected/oaiq.min.js");
const FALLBACK = "oaiq.fallback.min.js";

/** A page with calls before and after the script. All of them have been made when it has loaded. */
const PAGE = html(
  QUEUE_STUB,
  inlineScript(INIT + orderCall("queued")),
  sdkTag(),
  inlineScript(orderCall("late")),
);

/** The parts of a single-page app that navigates before the module can have loaded. */
const APP_PARTS = [
  QUEUE_STUB,
  inlineScript(INIT + orderCall("queued")),
  sdkTag(),
  inlineScript(`
    ${orderCall("late")}
    history.pushState(null, "", "/second?private=1");
    ${orderCall("second")}
    window.calledAt = Date.now();
  `),
];

/**
 * Asserts that every event of a page with APP_PARTS is delivered with its own time and URL, though the module starts only
 * after `start()`.
 *
 * @param {Site} site
 * @param {Tab} tab
 * @param {() => void} start
 */
const expectAllEvents = async (site, tab, start) => {
  assert.deepEqual(await tab.evaluate("[oaiq.loaded, oaiq.q.length]"), [
    true,
    0,
  ]);
  await waitUntil("a later time", () =>
    tab.evaluate("Date.now() > window.calledAt + 50"),
  );
  const calledAt = await tab.evaluate("window.calledAt");
  await tab.evaluate(
    `history.pushState(null, "", "/third"); ${orderCall("third")}`,
  );
  assert.deepEqual(site.deliveryCounts, {});
  await tab.evaluate(`history.pushState(null, "", "/fourth")`);
  start();
  await site.waitForOrders("queued", "late", "second", "third");
  await tab.evaluate(orderCall("after"));
  await site.waitForOrders("after");
  assert.deepEqual(
    site.measured.map(({ id, source_url: url }) => [id, new URL(url).pathname]),
    [
      ["queued", "/"],
      ["late", "/"],
      ["second", "/second"],
      ["third", "/third"],
      ["after", "/fourth"],
    ],
  );
  const times = site.measured.map(({ timestamp_ms: time }) => time);
  assert.ok(
    Number(times[2]) <= calledAt && calledAt < Number(times[3]),
    `${times}, ${calledAt}`,
  );
  assert.deepEqual(tab.pageErrors, []);
  assert.deepEqual(tab.oaiqLogs, []);
};

/**
 * Opens a page with these headers, on a site whose next page measures an order.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("../support/browser.mjs").TestBrowser} browser
 * @param {Record<string, string>} headers
 */
const openPageWith = async (t, browser, headers, page = PAGE) => {
  const site = await startSite(t, {
    "/": { html: page, headers },
    "/next": html(
      QUEUE_STUB,
      inlineScript(INIT + orderCall("next page")),
      sdkTag(),
    ),
  });
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url());
  return { site, tab };
};

/**
 * Starts a site whose front page has these headers and parts, and which holds the fallback until
 * `site.releaseResponses()`.
 *
 * @param {import("node:test").TestContext} t
 * @param {Record<string, string>} headers
 * @param {string[]} parts
 */
const startSiteHoldingFallback = async (t, headers, ...parts) => {
  const page = { html: html(...parts), headers };
  const site = await startSite(t, { "/": page, "/next": html() });
  site.holdResponses(FALLBACK);
  return site;
};

/**
 * Asserts that a page whose fallback does not load logs once what to do, ignores all calls and sends nothing.
 *
 * @param {Site} site
 * @param {Tab} tab
 */
const expectOneWarning = async (site, tab) => {
  await tab.waitForLog(/nothing is measured/);
  await tab.evaluate(
    `${orderCall("later")} oaiq.measure(null); oaiq.consent(true);`,
  );
  await tab.goto("about:blank");
  assert.deepEqual(tab.pageErrors, []);
  assert.equal(tab.oaiqLogs.length, 1, tab.oaiqLogs.join("\n"));
  const [line = ""] = tab.oaiqLogs;
  for (const word of [FALLBACK, "'wasm-unsafe-eval'", "trusted-types"])
    assert.ok(line.includes(word), `no ${word} in ${line}`);
  assert.deepEqual(site.requests, []);
  assert.deepEqual(site.configRequests, []);
};

describe("WebAssembly", TOGETHER, () => {
  const browser = useBrowser();

  test("all events are measured under the strictest policy that allows WebAssembly", async (t) => {
    const headers = {
      "content-security-policy":
        "default-src 'none'; script-src 'nonce-pixel' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
    };
    const { site, tab } = await openPageWith(t, browser, headers);
    site.pages["/next"] = {
      html: PAGE.replaceAll("<script", `<script nonce="pixel"`),
      headers,
    };
    await tab.goto(site.url("/next"));
    await site.waitForOrders("queued", "late");
    assert.ok(!tab.hasRequested(FALLBACK));
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("the page continues to work under a policy that forbids all requests", async (t) => {
    const { site, tab } = await openPageWith(t, browser, {
      "content-security-policy": "connect-src 'none'",
    });
    await tab.waitForFunction("window.oaiq.loaded");
    await tab.goto(site.url("/next"));
    await site.waitForOrders("next page");
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("the fallback measures every call where the browser refuses to compile synchronously", async (t) => {
    const site = await startSite(t, {
      "/": html(
        inlineScript(`
          const { Module } = WebAssembly;
          WebAssembly.Module = function (bytes) {
            if (bytes.length > 4096) throw new RangeError("too large for the main thread");
            return new Module(bytes);
          };
        `),
        ...APP_PARTS,
      ),
    });
    site.holdResponses(FALLBACK);
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url(), "domcontentloaded");
    await tab.waitForFunction("window.oaiq.loaded && window.calledAt");
    await expectAllEvents(site, tab, () => site.releaseResponses());
    assert.ok(tab.hasRequested(FALLBACK));
  });

  test(
    "an error inside the module logs one warning and further calls are ignored",
    { skip: !existsSync(FAULT_INJECTED) },
    async (t) => {
      const site = await startSite(t, {
        "/": html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("before")),
          sdkTag(undefined, "fault-injected.js"),
          inlineScript(`
          oaiq("measure", "custom", { type: "custom" }, { custom_event_name: "inject_fault" });
          ${orderCall("after")}
          oaiq.consent(false);
          ${orderCall("inject_fault")}
        `),
        ),
        "/next": html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("next page")),
          sdkTag(),
        ),
      });
      site.files.set("fault-injected.js", await readFile(FAULT_INJECTED));
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      await tab.evaluate(orderCall("later"));
      await tab.goto(site.url("/next"));
      await site.waitForOrders("next page");
      assert.deepEqual(tab.pageErrors, []);
      assert.equal(tab.oaiqLogs.length, 1, tab.oaiqLogs.join("\n"));
      assert.match(String(tab.oaiqLogs[0]), /internal error.*please report it/);
      assert.equal(site.deliveryCounts.after, undefined);
      assert.equal(site.deliveryCounts.later, undefined);
    },
  );
});

/** @type {{title: string, headers: Record<string, string>, options: string[]}[]} */
const WITHOUT_WASM = [
  {
    title: "a Content-Security-Policy that forbids WebAssembly",
    headers: {
      "content-security-policy": "script-src 'self' 'unsafe-inline'",
    },
    options: [],
  },
  {
    // some people disable the browser's compilers for security
    title: "a browser without WebAssembly",
    headers: {},
    options: ["--js-flags=--jitless"],
  },
];

for (const { title, headers, options } of WITHOUT_WASM)
  describe(title, TOGETHER, () => {
    const browser = useBrowser(...options);

    test("calls before, during and after the load of the fallback are measured with time and URL", async (t) => {
      const site = await startSiteHoldingFallback(t, headers, ...APP_PARTS);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url(), "domcontentloaded");
      await expectAllEvents(site, tab, () => {
        assert.ok(tab.hasRequested(FALLBACK));
        site.releaseResponses();
      });
      assert.deepEqual(
        site.events
          .map(({ type }) => type)
          .filter((type) => type === "openai::sdk_init"),
        ["openai::sdk_init"],
      );
    });

    test("a denial while the fallback loads is reported once, without identity", async (t) => {
      const site = await startSiteHoldingFallback(t, headers, ...APP_PARTS);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(
        site.url("/?oppref=click-1"),
        "domcontentloaded",
      );
      await tab.evaluate(`oaiq("consent", false); ${orderCall("denied")}`);
      site.releaseResponses();
      await site.waitFor("the diagnostic", () => site.requests.length > 0);
      await tab.leaveAfterResponses(site);
      // requests of the first page arrive before those of the next
      await tab.evaluate(`oaiq("consent", true); ${orderCall("granted")}`);
      await site.waitForOrders("granted");
      assert.deepEqual(site.deliveryCounts, { granted: 1 });
      const { body, headers: sent } = site.firstRequest;
      assert.deepEqual(Object.keys(body), ["events"]);
      assert.deepEqual(
        body.events.map(({ type, data }) => [type, data.consent]),
        [["oai::diagnostic", false]],
      );
      assert.equal(sent.cookie, undefined);
      assert.equal(sent.referer, undefined);
      assert.ok(site.requests.slice(1).every(({ body }) => body.obref));
      assert.equal((await visitor.cookies()).__oppref, undefined);
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

    test("events are measured after a grant while the fallback loads", async (t) => {
      const site = await startSiteHoldingFallback(t, headers, ...APP_PARTS);
      const visitor = await Visitor.create(t, browser);
      await visitor.context.addCookies([
        { name: "__oaiq_consent", value: "false", url: site.url() },
      ]);
      const tab = await visitor.openPage(site.url(), "domcontentloaded");
      await tab.evaluate(`oaiq("consent", true); ${orderCall("granted")}`);
      site.releaseResponses();
      await site.waitForOrders("granted");
      await tab.leaveAfterResponses(site);
      assert.deepEqual(site.deliveryCounts, { granted: 1 });
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

    // calls that wait for the module are only in memory, so those of the first page are lost
    test("leaving while the fallback loads causes no error on either page", async (t) => {
      const site = await startSiteHoldingFallback(t, headers, ...APP_PARTS);
      site.pages["/next"] = {
        headers,
        html: html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("next page")),
          sdkTag(),
        ),
      };
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url(), "domcontentloaded");
      await tab.evaluate(
        `window.addEventListener("pagehide", () => { ${orderCall("leaving")} })`,
      );
      await tab.goto(site.url("/next"), "domcontentloaded");
      site.releaseResponses();
      await site.waitForOrders("next page");
      assert.deepEqual(site.deliveryCounts, { "next page": 1 });
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

    test("no event is lost after a pagehide, while the fallback loads, of a page that stays", async (t) => {
      const site = await startSiteHoldingFallback(t, headers, ...APP_PARTS);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url(), "domcontentloaded");
      await tab.page.evaluate(() => {
        for (const name of ["beforeunload", "pagehide", "pageshow", "storage"])
          window.dispatchEvent(new Event(name));
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await expectAllEvents(site, tab, () => site.releaseResponses());
    });

    test("debug logs what to add to the policy and short warnings of rejected calls", async (t) => {
      const { site, tab } = await openPageWith(
        t,
        browser,
        headers,
        html(
          QUEUE_STUB,
          inlineScript(
            `oaiq("init", { pixelId: "${PIXEL_ID}", debug: true }); oaiq("measure", "early"); ${orderCall("queued")}`,
          ),
          sdkTag(),
          inlineScript(orderCall("late")),
        ),
      );
      await tab.waitForLog(
        /debug needs WebAssembly.*add 'wasm-unsafe-eval' to script-src/,
      );
      await tab.waitForLog(/early was not measured/);
      await tab.evaluate(
        `oaiq("measure", "me@shop.test"); ${orderCall("later")}`,
      );
      await tab.waitForLog(
        /unknown event was not measured: unsupported_event_name \(add/,
      );
      await site.waitForOrders("queued", "late", "later");
      assert.deepEqual(tab.pageErrors, []);
      assert.equal(tab.oaiqLogs.length, 3, tab.oaiqLogs.join("\n"));
    });

    test("a missing fallback is logged once and calls are ignored", async (t) => {
      const site = await startSite(t, { "/": { html: PAGE, headers } });
      site.files.delete(FALLBACK);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      await expectOneWarning(site, tab);
    });

    // as servers of single-page apps do for unknown URLs; the browser itself reports the syntax error
    test("a page in the place of the fallback is logged once and calls are ignored", async (t) => {
      const site = await startSite(t, { "/": { html: PAGE, headers } });
      site.files.set(FALLBACK, html());
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      assert.match(tab.pageErrors.splice(0).join(), /^SyntaxError[^,]*$/);
      // the load event waits for that file
      assert.equal(tab.oaiqLogs.length, 1);
      await expectOneWarning(site, tab);
    });
  });

describe(
  "a Content-Security-Policy without 'wasm-unsafe-eval'",
  TOGETHER,
  () => {
    const browser = useBrowser();

    for (const [what, policy] of Object.entries({
      "with a nonce": "script-src 'nonce-pixel'",
      "with a nonce and 'strict-dynamic'":
        "script-src 'nonce-pixel' 'strict-dynamic'",
      "with 'self'": "script-src 'self' 'unsafe-inline'",
      "with Trusted Types and any policy":
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'",
      "with Trusted Types and the pixel's policy":
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'; trusted-types oaiq",
      "that forbids everything else":
        "default-src 'none'; script-src 'nonce-pixel'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types oaiq",
    }))
      test(`${what} measures all events`, async (t) => {
        const { site, tab } = await openPageWith(
          t,
          browser,
          { "content-security-policy": policy },
          PAGE.replaceAll("<script", `<script nonce="pixel"`),
        );
        await site.waitForOrders("queued", "late");
        await tab.evaluate(orderCall("after"));
        await site.waitForOrders("after");
        assert.ok(tab.hasRequested(FALLBACK));
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(tab.oaiqLogs, []);
      });

    for (const [what, policy] of Object.entries({
      "that allows only the pixel's script":
        "script-src 'unsafe-inline' shop.example.test:*/sdk/oaiq.min.js",
      "with Trusted Types and no policy":
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'; trusted-types 'none'",
      "with Trusted Types and another policy":
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'; trusted-types mine",
    }))
      test(`${what} logs one warning`, async (t) => {
        const { site, tab } = await openPageWith(t, browser, {
          "content-security-policy": policy,
        });
        await expectOneWarning(site, tab);
      });
  },
);
