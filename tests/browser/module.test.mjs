// Pages that let no WebAssembly run or compile it late, and a fault inside the module.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../scripts/run.mjs";
import { sharedBrowser, Visitor } from "./browser.mjs";
import {
  html,
  INIT,
  openSite,
  order,
  pixelScript,
  script,
  STUB,
  visit,
} from "./site.mjs";

const FAULTY = join(root, "target/faulty/oaiq.min.js");

/** A page on which calls are made before and after the script, so that all of them have been made when it is there. */
const PAGE = html(
  STUB,
  script(INIT + order("waiting")),
  pixelScript(),
  script(order("late")),
);

/** The visitor comes to a site's front page, which has these headers, leaves it, and orders on the next one. */
const visitWithHeaders = async (t, browser, headers) => {
  const site = await openSite(t, {
    "/": { html: PAGE, headers },
    "/next": html(STUB, script(INIT + order("next page")), pixelScript()),
  });
  const visitor = await Visitor.arrives(t, browser);
  const tab = await visitor.opens(site.url());
  return { site, tab };
};

describe("WebAssembly", { concurrency: 4 }, () => {
  const browser = sharedBrowser();

  test("a Content-Security-Policy that lets no WebAssembly run: one line says what to add, calls are ignored", async (t) => {
    const { site, tab } = await visitWithHeaders(t, browser, {
      "content-security-policy": "script-src 'self' 'unsafe-inline'",
    });
    await tab.page.waitForFunction("window.oaiq.loaded");
    await tab.does(`${order("later")} oaiq.measure(null); oaiq.consent(true);`);
    await tab.goes(site.url("/next"));
    await site.untilOrders("next page");
    assert.deepEqual(site.arrivals, { "next page": 1 });
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(tab.pixelLines.length, 1, tab.pixelLines.join("\n"));
    assert.match(tab.pixelLines[0], /nothing is measured.*'wasm-unsafe-eval'/);
  });

  test("the strictest Content-Security-Policy that lets WebAssembly run: all is measured", async (t) => {
    const { site, tab } = await visitWithHeaders(t, browser, {
      "content-security-policy":
        "default-src 'none'; script-src 'nonce-pixel' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
    });
    site.pages["/next"] = {
      ...site.pages["/"],
      html: PAGE.replaceAll("<script", `<script nonce="pixel"`),
    };
    await tab.goes(site.url("/next"));
    await site.untilOrders("waiting", "late");
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.pixelLines, []);
  });

  test("a Content-Security-Policy that lets nothing be sent: the page goes on", async (t) => {
    const { site, tab } = await visitWithHeaders(t, browser, {
      "content-security-policy": "connect-src 'none'",
    });
    await tab.page.waitForFunction("window.oaiq.loaded");
    await tab.goes(site.url("/next"));
    await site.untilOrders("next page");
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.pixelLines, []);
  });

  test("a browser that compiles nothing of this size while a page waits: no call is lost, each keeps its time and address", async (t) => {
    const { site, tab } = await visit(
      t,
      browser,
      script(`
        WebAssembly.Module = function () { throw new RangeError("too large for the main thread"); };
        const instantiate = WebAssembly.instantiate;
        WebAssembly.instantiate = (...given) =>
          new Promise((go) => { window.compile = go; }).then(() => instantiate(...given));
      `),
      STUB,
      script(INIT + order("waiting")),
      pixelScript(),
      script(`
        ${order("late")}
        history.pushState(null, "", "/second?private=1");
        ${order("second")}
        window.called = Date.now();
      `),
    );
    assert.deepEqual(await tab.does("[oaiq.loaded, oaiq.q.length]"), [true, 0]);
    // by now the clock and the address have moved on
    await tab.page.waitForFunction("Date.now() > window.called + 50");
    const called = await tab.does("window.called");
    await tab.does(
      `history.pushState(null, "", "/third"); window.compile(); ${order("third")}`,
    );
    await site.untilOrders("waiting", "late", "second", "third");
    assert.deepEqual(
      site.measured.map(({ id, source_url: url }) => [
        id,
        new URL(url).pathname,
      ]),
      [
        ["waiting", "/"],
        ["late", "/"],
        ["second", "/second"],
        ["third", "/third"],
      ],
    );
    const times = site.measured.map(({ timestamp_ms: time }) => time);
    assert.ok(times[2] <= called && called < times[3], `${times}, ${called}`);
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.pixelLines, []);
  });

  test(
    "a fault inside the module: one warning, further calls are accepted and ignored",
    { skip: !existsSync(FAULTY) },
    async (t) => {
      const site = await openSite(t, {
        "/": html(
          STUB,
          script(INIT + order("before")),
          pixelScript(undefined, "faulty.js"),
          script(`
          oaiq("measure", "custom", { type: "custom" }, { custom_event_name: "provoke_fault" });
          ${order("after")}
          oaiq.consent(false);
          ${order("provoke_fault")}
        `),
        ),
        "/next": html(STUB, script(INIT + order("next page")), pixelScript()),
      });
      site.files.set("faulty.js", await readFile(FAULTY));
      const visitor = await Visitor.arrives(t, browser);
      const tab = await visitor.opens(site.url());
      await tab.does(order("later"));
      await tab.goes(site.url("/next"));
      await site.untilOrders("next page");
      assert.deepEqual(tab.pageErrors, []);
      assert.equal(tab.pixelLines.length, 1, tab.pixelLines.join("\n"));
      assert.match(tab.pixelLines[0], /fault.*page is not affected/);
      assert.equal(site.arrivals.after, undefined);
      assert.equal(site.arrivals.later, undefined);
    },
  );
});

describe("a browser without WebAssembly", () => {
  // as people have it who switch a browser's compilers off, for safety
  const browser = sharedBrowser("--js-flags=--jitless");

  test("one line says that nothing is measured and why, calls are ignored", async (t) => {
    const { site, tab } = await visitWithHeaders(t, browser, {});
    assert.equal(await tab.does("typeof WebAssembly"), "undefined");
    await tab.does(`${order("later")} oaiq.measure(null); oaiq.consent(true);`);
    assert.equal(await tab.does("oaiq.loaded"), true);
    await tab.goes("about:blank");
    assert.deepEqual(site.requests, []);
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(tab.pixelLines.length, 1, tab.pixelLines.join("\n"));
    assert.match(tab.pixelLines[0], /nothing is measured.*WebAssembly/);
  });
});
