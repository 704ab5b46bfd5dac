// Pages that let no WebAssembly run or compile it late, and a fault inside the module.
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

/** So many tests at once suit a machine of two processors, and waits do not add up. */
const TOGETHER = { concurrency: 2 };

const FAULTY = join(root, "target/faulty/oaiq.min.js");
const FALLBACK = "oaiq.fallback.min.js";

/** A page on which calls are made before and after the script, so that all of them have been made when it is there. */
const PAGE = html(
  QUEUE_STUB,
  inlineScript(INIT + orderCall("waiting")),
  sdkTag(),
  inlineScript(orderCall("late")),
);

/** As one page of a shop that has moved on within itself, before the module can have come. */
const MOVING = [
  QUEUE_STUB,
  inlineScript(INIT + orderCall("waiting")),
  sdkTag(),
  inlineScript(`
    ${orderCall("late")}
    history.pushState(null, "", "/second?private=1");
    ${orderCall("second")}
    window.called = Date.now();
  `),
];

/** The module comes to a page that is `MOVING` when `comes` lets it, by when the clock and the address have moved on. */
const measuresAll = async (site, tab, comes) => {
  assert.deepEqual(await tab.evaluate("[oaiq.loaded, oaiq.q.length]"), [
    true,
    0,
  ]);
  await waitUntil("another time", () =>
    tab.evaluate("Date.now() > window.called + 50"),
  );
  const called = await tab.evaluate("window.called");
  await tab.evaluate(
    `history.pushState(null, "", "/third"); ${orderCall("third")}`,
  );
  assert.deepEqual(site.deliveryCounts, {});
  await tab.evaluate(`history.pushState(null, "", "/fourth")`);
  await comes();
  await site.waitForOrders("waiting", "late", "second", "third");
  await tab.evaluate(orderCall("after"));
  await site.waitForOrders("after");
  assert.deepEqual(
    site.measured.map(({ id, source_url: url }) => [id, new URL(url).pathname]),
    [
      ["waiting", "/"],
      ["late", "/"],
      ["second", "/second"],
      ["third", "/third"],
      ["after", "/fourth"],
    ],
  );
  const times = site.measured.map(({ timestamp_ms: time }) => time);
  assert.ok(times[2] <= called && called < times[3], `${times}, ${called}`);
  assert.deepEqual(tab.pageErrors, []);
  assert.deepEqual(tab.oaiqLogs, []);
};

/** The visitor comes to a site's front page, which has these headers, leaves it, and orders on the next one. */
const visitWithHeaders = async (t, browser, headers, page = PAGE) => {
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

/** A site whose front page has these headers and parts, and waits for its fallback until `site.release()`. */
const siteThatWaits = async (t, headers, ...parts) => {
  const page = { html: html(...parts), headers };
  const site = await startSite(t, { "/": page, "/next": html() });
  site.holdResponses(FALLBACK);
  return site;
};

/**
 * A page whose fallback cannot be had, on which more calls are made and which is then left: it does not hurt, one line
 * says what to do, and nothing is sent.
 */
const saysWhyNothingIsMeasured = async (site, tab) => {
  await tab.waitForLog(/nothing is measured/);
  await tab.evaluate(
    `${orderCall("later")} oaiq.measure(null); oaiq.consent(true);`,
  );
  await tab.goto("about:blank");
  assert.deepEqual(tab.pageErrors, []);
  assert.equal(tab.oaiqLogs.length, 1, tab.oaiqLogs.join("\n"));
  const [line] = tab.oaiqLogs;
  for (const word of [FALLBACK, "'wasm-unsafe-eval'", "trusted-types"])
    assert.ok(line.includes(word), `no ${word} in ${line}`);
  assert.deepEqual(site.requests, []);
  assert.deepEqual(site.configRequests, []);
};

describe("WebAssembly", TOGETHER, () => {
  const browser = useBrowser();

  test("the strictest Content-Security-Policy that lets WebAssembly run: all is measured", async (t) => {
    const { site, tab } = await visitWithHeaders(t, browser, {
      "content-security-policy":
        "default-src 'none'; script-src 'nonce-pixel' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
    });
    site.pages["/next"] = {
      ...site.pages["/"],
      html: PAGE.replaceAll("<script", `<script nonce="pixel"`),
    };
    await tab.goto(site.url("/next"));
    await site.waitForOrders("waiting", "late");
    assert.ok(!tab.hasRequested(FALLBACK));
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("a Content-Security-Policy that lets nothing be sent: the page goes on", async (t) => {
    const { site, tab } = await visitWithHeaders(t, browser, {
      "content-security-policy": "connect-src 'none'",
    });
    await tab.page.waitForFunction("window.oaiq.loaded");
    await tab.goto(site.url("/next"));
    await site.waitForOrders("next page");
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("a browser that compiles nothing of this size while a page waits: the fallback measures, and no call is lost", async (t) => {
    const site = await startSite(t, {
      "/": html(
        inlineScript(`
          const { Module } = WebAssembly;
          WebAssembly.Module = function (bytes) {
            if (bytes.length > 4096) throw new RangeError("too large for the main thread");
            return new Module(bytes);
          };
        `),
        ...MOVING,
      ),
    });
    site.holdResponses(FALLBACK);
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url(), "domcontentloaded");
    await tab.page.waitForFunction("window.oaiq.loaded && window.called");
    await measuresAll(site, tab, () => site.releaseResponses());
    assert.ok(tab.hasRequested(FALLBACK));
  });

  test(
    "an error inside the module: one warning, further calls are accepted and ignored",
    { skip: !existsSync(FAULTY) },
    async (t) => {
      const site = await startSite(t, {
        "/": html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("before")),
          sdkTag(undefined, "faulty.js"),
          inlineScript(`
          oaiq("measure", "custom", { type: "custom" }, { custom_event_name: "provoke_fault" });
          ${orderCall("after")}
          oaiq.consent(false);
          ${orderCall("provoke_fault")}
        `),
        ),
        "/next": html(
          QUEUE_STUB,
          inlineScript(INIT + orderCall("next page")),
          sdkTag(),
        ),
      });
      site.files.set("faulty.js", await readFile(FAULTY));
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      await tab.evaluate(orderCall("later"));
      await tab.goto(site.url("/next"));
      await site.waitForOrders("next page");
      assert.deepEqual(tab.pageErrors, []);
      assert.equal(tab.oaiqLogs.length, 1, tab.oaiqLogs.join("\n"));
      assert.match(tab.oaiqLogs[0], /internal error.*please report it/);
      assert.equal(site.deliveryCounts.after, undefined);
      assert.equal(site.deliveryCounts.later, undefined);
    },
  );
});

/** Where WebAssembly is refused, and by whom: the page's headers, or the browser's switches. */
const REFUSED = [
  [
    "a Content-Security-Policy that lets no WebAssembly run",
    { "content-security-policy": "script-src 'self' 'unsafe-inline'" },
  ],
  // as people have it who switch a browser's compilers off, for safety
  ["a browser without WebAssembly", {}, "--js-flags=--jitless"],
];

for (const [title, headers, ...switches] of REFUSED)
  describe(title, TOGETHER, () => {
    const browser = useBrowser(...switches);

    test("calls from before the script, while the fallback is on its way and after are measured, each with its time and address", async (t) => {
      const site = await siteThatWaits(t, headers, ...MOVING);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url(), "domcontentloaded");
      await measuresAll(site, tab, () => {
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

    test("a visitor who denies while the fallback is on its way is told of once, and not named", async (t) => {
      const site = await siteThatWaits(t, headers, ...MOVING);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(
        site.url("/?oppref=click-1"),
        "domcontentloaded",
      );
      await tab.evaluate(`oaiq("consent", false); ${orderCall("denied")}`);
      site.releaseResponses();
      await site.waitFor("the diagnostic", () => site.requests.length > 0);
      await tab.leaveAfterResponses(site);
      // what the first page has sent after its diagnostic comes before what the next one sends
      await tab.evaluate(`oaiq("consent", true); ${orderCall("granted")}`);
      await site.waitForOrders("granted");
      assert.deepEqual(site.deliveryCounts, { granted: 1 });
      const [{ body, headers: sent }, ...rest] = site.requests;
      assert.deepEqual(Object.keys(body), ["events"]);
      assert.deepEqual(
        body.events.map(({ type, data }) => [type, data.consent]),
        [["oai::diagnostic", false]],
      );
      assert.equal(sent.cookie, undefined);
      assert.equal(sent.referer, undefined);
      assert.ok(rest.every(({ body }) => body.obref));
      assert.equal((await visitor.cookies()).__oppref, undefined);
      assert.deepEqual(tab.pageErrors, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

    test("a visitor who grants while the fallback is on its way is measured from then on", async (t) => {
      const site = await siteThatWaits(t, headers, ...MOVING);
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

    // Calls that wait for the module are nowhere but in the page, so this page's are lost.
    test("leaving while the fallback is on its way disturbs neither the page nor the next one", async (t) => {
      const site = await siteThatWaits(t, headers, ...MOVING);
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

    test("a page that seems to be left while the fallback is on its way, and then stays: nothing is lost", async (t) => {
      const site = await siteThatWaits(t, headers, ...MOVING);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url(), "domcontentloaded");
      await tab.page.evaluate(() => {
        for (const name of ["beforeunload", "pagehide", "pageshow", "storage"])
          window.dispatchEvent(new Event(name));
        document.dispatchEvent(new Event("visibilitychange"));
      });
      await measuresAll(site, tab, () => site.releaseResponses());
    });

    test("debug: one line says what to add to the policy, rejected calls are named in short, and orders are measured", async (t) => {
      const { site, tab } = await visitWithHeaders(
        t,
        browser,
        headers,
        html(
          QUEUE_STUB,
          inlineScript(
            `oaiq("init", { pixelId: "${PIXEL_ID}", debug: true }); oaiq("measure", "early"); ${orderCall("waiting")}`,
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
        /unknown was not measured: unsupported_event_name \(add/,
      );
      await site.waitForOrders("waiting", "late", "later");
      assert.deepEqual(tab.pageErrors, []);
      assert.equal(tab.oaiqLogs.length, 3, tab.oaiqLogs.join("\n"));
    });

    test("a fallback that was not put beside the script: one line names it, calls are ignored", async (t) => {
      const site = await startSite(t, { "/": { html: PAGE, headers } });
      site.files.delete(FALLBACK);
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      await saysWhyNothingIsMeasured(site, tab);
    });

    // as the servers of apps do, whatever address is asked for; that this is no script is an error that the browser
    // itself reports
    test("a server that answers with a page where the fallback should be: one line names it, calls are ignored", async (t) => {
      const site = await startSite(t, { "/": { html: PAGE, headers } });
      site.files.set(FALLBACK, html());
      const visitor = await Visitor.create(t, browser);
      const tab = await visitor.openPage(site.url());
      assert.match(tab.pageErrors.splice(0).join(), /^SyntaxError[^,]*$/);
      // the page has loaded only when that file has
      assert.equal(tab.oaiqLogs.length, 1);
      await saysWhyNothingIsMeasured(site, tab);
    });
  });

describe(
  "a Content-Security-Policy without 'wasm-unsafe-eval'",
  TOGETHER,
  () => {
    const browser = useBrowser();

    for (const [what, policy] of [
      ["that lets scripts with a nonce run", "script-src 'nonce-pixel'"],
      [
        "that lets scripts with a nonce run, and what they load",
        "script-src 'nonce-pixel' 'strict-dynamic'",
      ],
      [
        "that lets the site's own scripts run",
        "script-src 'self' 'unsafe-inline'",
      ],
      [
        "with Trusted Types, of which it lets any be made",
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'",
      ],
      [
        "with Trusted Types, of which it lets the pixel's be made",
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'; trusted-types oaiq",
      ],
      [
        "that lets nothing else at all",
        "default-src 'none'; script-src 'nonce-pixel'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types oaiq",
      ],
    ])
      test(`${what}: all is measured`, async (t) => {
        const { site, tab } = await visitWithHeaders(
          t,
          browser,
          { "content-security-policy": policy },
          PAGE.replaceAll("<script", `<script nonce="pixel"`),
        );
        await site.waitForOrders("waiting", "late");
        await tab.evaluate(orderCall("after"));
        await site.waitForOrders("after");
        assert.ok(tab.hasRequested(FALLBACK));
        assert.deepEqual(tab.pageErrors, []);
        assert.deepEqual(tab.oaiqLogs, []);
      });

    for (const [what, policy] of [
      [
        "that lets the pixel's script run and no other",
        "script-src 'unsafe-inline' shop.example.test:*/sdk/oaiq.min.js",
      ],
      [
        "with Trusted Types, of which it lets none be made",
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'; trusted-types 'none'",
      ],
      [
        "with Trusted Types, of which it lets others be made",
        "script-src 'self' 'unsafe-inline'; require-trusted-types-for 'script'; trusted-types mine",
      ],
    ])
      test(`${what}: one line says what to do, calls are ignored`, async (t) => {
        const { site, tab } = await visitWithHeaders(t, browser, {
          "content-security-policy": policy,
        });
        await saysWhyNothingIsMeasured(site, tab);
      });
  },
);
