// Automatic advanced matching in real pages: what is read, where it is limited or off, and what hostile pages do.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  CONFIG_PATH,
  EVENTS_PATH,
  INIT,
  inlineScript,
  orderCall,
  QUEUE_STUB,
  sdkTag,
  startSite,
} from "../support/site.mjs";

const FILE = "oaiq.matching.min.js";

/** @param {string} text */
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const ada = sha256("ada@example.com");
const bob = sha256("bob@example.com");

/** A checkout form of 20 fields. */
const CHECKOUT = `<form id="checkout" onsubmit="return false">${[
  ["email", "ada@example.com"],
  ["phone", "+1 415 555 0134"],
  ["first_name", "Ada"],
  ["last_name", "Muster"],
  ["country", "us"],
  ["state", "CA"],
  ["city", "San Francisco"],
  ["zip", "94107"],
  ...Array.from({ length: 12 }, (_, i) => [`note${i}`, "x"]),
]
  .map(
    ([name, value], i) =>
      `<p class="field"><label for="f${i}">${name?.replace("_", " ")}</label><input id="f${i}" name="${name}" value="${value}"></p>`,
  )
  .join("")}<button>Place order</button></form>`;

const CHECKOUT_USER = {
  fm: {
    em: [ada],
    ph: [sha256("14155550134")],
    fn: sha256("ada"),
    ln: sha256("muster"),
    co: "us",
    ct: "san francisco",
    rg: "ca",
    pc: "94107",
  },
};

describe("automatic advanced matching", { concurrency: 3 }, () => {
  const browser = useBrowser();

  /**
   * Opens a page whose pixel config has matching on.
   *
   * @param {import("node:test").TestContext} t
   * @param {object} page
   * @param {string} page.body
   * @param {string} [page.prelude] a script before all others
   * @param {string} [page.attributes] of the pixel's script
   * @param {boolean} [page.hasMatching]
   * @param {(site: import("../support/site.mjs").Site) => void} [page.prepare]
   */
  const openPage = async (
    t,
    { body, prelude = "", attributes = "", hasMatching = true, prepare },
  ) => {
    const endpoints = `data-oaiq-endpoint="${EVENTS_PATH}" data-oaiq-settings="${CONFIG_PATH}"`;
    const site = await startSite(t, {
      "/": `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">${[
        inlineScript(prelude),
        QUEUE_STUB,
        inlineScript(INIT),
        sdkTag(`${endpoints} ${attributes}`),
      ].join("\n")}</head><body>${body}</body></html>`,
    });
    site.hasMatching = hasMatching;
    prepare?.(site);
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url());
    return { site, visitor, tab };
  };

  /**
   * Resolves once the file has read the page: it makes `measure` calls reach the module at once.
   *
   * @param {import("../support/browser.mjs").Tab} tab
   */
  const isReady = async (tab) => {
    await tab.waitForFunction(
      `performance.getEntriesByType("resource").some(({ name, responseEnd }) => name.endsWith("${FILE}") && responseEnd > 0)`,
    );
    await tab.evaluate("new Promise((resolve) => setTimeout(resolve, 50))");
  };

  /**
   * Measures an order, and returns the user data of its request.
   *
   * @param {import("../support/site.mjs").Site} site
   * @param {import("../support/browser.mjs").Tab} tab
   */
  const measuredUser = async (site, tab, id = "order") => {
    await tab.evaluate(orderCall(id));
    await site.waitForOrders(id);
    return site.requestWith(id).body.user;
  };

  test("reads a checkout form, and hashes what identifies a person", async (t) => {
    const { site, tab } = await openPage(t, { body: CHECKOUT });
    await isReady(tab);
    assert.deepEqual(await measuredUser(site, tab), CHECKOUT_USER);
    assert.deepEqual(tab.pageErrors, []);
    assert.deepEqual(tab.oaiqLogs, []);
  });

  test("reads a form that has come or changed since the last event", async (t) => {
    const { site, tab } = await openPage(t, {
      body: `<main></main><div id="host"></div>`,
    });
    await isReady(tab);
    assert.equal(await measuredUser(site, tab, "a"), undefined);
    await tab.evaluate(
      `document.querySelector("main").innerHTML = '<form><label>Code</label><input id="x" value="ada@example.com"></form>';`,
    );
    assert.equal(await measuredUser(site, tab, "b"), undefined);
    await tab.evaluate(
      `document.querySelector("label").firstChild.data = "Email"; document.querySelector("label").htmlFor = "x";`,
    );
    assert.deepEqual(await measuredUser(site, tab, "c"), { fm: { em: [ada] } });
    await tab.evaluate(
      `document.querySelector("input").value = "bob@example.com";`,
    );
    assert.deepEqual(await measuredUser(site, tab, "d"), { fm: { em: [bob] } });
  });

  test("delivers an event at once where two forms have different email addresses", async (t) => {
    const { site, tab } = await openPage(t, {
      body: `<form><input name="email" value="ada@example.com"></form><form><input name="email" value="bob@example.com"></form>`,
    });
    await isReady(tab);
    assert.deepEqual(await measuredUser(site, tab), { fm: { em: [ada, bob] } });
  });

  test("keeps what was submitted when the form is reset before the event", async (t) => {
    const { site, tab } = await openPage(t, {
      body: CHECKOUT.replaceAll(/value="[^"]*"/g, ""),
    });
    await isReady(tab);
    await tab.page.fill("[name=email]", "ada@example.com");
    await tab.page.fill("[name=first_name]", "Ada");
    await tab.page.fill("[name=city]", "Rome");
    await tab.page.click("button");
    await tab.evaluate("document.forms[0].reset()");
    assert.deepEqual(await measuredUser(site, tab), {
      fm: { em: [ada], fn: sha256("ada"), ct: "rome" },
    });
  });

  test("sends with a beacon what was found at the last moment", async (t) => {
    const { site, tab } = await openPage(t, { body: CHECKOUT });
    await isReady(tab);
    await tab.page.fill("[name=email]", "bob@example.com");
    await tab.evaluate(`${orderCall("last")} location.href = "about:blank";`);
    await site.waitForOrders("last");
    assert.deepEqual(site.requestWith("last").body.user.fm.em, [bob]);
  });

  test("hashes on a page that is no secure context", async (t) => {
    const { site, tab } = await openPage(t, { body: CHECKOUT });
    await isReady(tab);
    assert.equal(await tab.evaluate("isSecureContext"), false);
    assert.deepEqual(await measuredUser(site, tab), CHECKOUT_USER);
  });

  test("sees clicks in an open shadow tree", async (t) => {
    const { site, tab } = await openPage(t, { body: `<div id="host"></div>` });
    await isReady(tab);
    await tab.evaluate(
      `document.querySelector("#host").attachShadow({ mode: "open" }).innerHTML = ${JSON.stringify(CHECKOUT)};`,
    );
    await tab.page.click("button");
    assert.deepEqual(await measuredUser(site, tab), CHECKOUT_USER);
  });

  test("does not see what data-oaiq-ignore hides", async (t) => {
    const { site, tab } = await openPage(t, {
      body: `<div data-oaiq-ignore>${CHECKOUT}</div><div id="host" data-oaiq-ignore></div>
        <section id="account" data-oaiq-ignore><b class="email">ada@example.com</b></section>`,
    });
    await isReady(tab);
    await tab.page.fill("[name=email]", "bob@example.com");
    await tab.page.click("button");
    await tab.evaluate(`
      const root = document.querySelector("#host").attachShadow({ mode: "open" });
      root.innerHTML = '<form><input name="email" value="ada@example.com"><button type="button">Go</button></form>';
      root.querySelector("button").click();`);
    assert.equal(await measuredUser(site, tab), undefined);
  });

  test("limited to forms reads no scripts and no text", async (t) => {
    const { site, tab } = await openPage(t, {
      attributes: `data-oaiq-matching="forms"`,
      prelude: `window.dataLayer = [{ email: "bob@example.com" }];`,
      body: `${CHECKOUT}<section id="account"><b class="email">bob@example.com</b></section>`,
    });
    await isReady(tab);
    assert.deepEqual(await measuredUser(site, tab), CHECKOUT_USER);
    assert.equal(await tab.evaluate("Object.hasOwn(dataLayer, 'push')"), false);
  });

  test("reads pushes to dataLayer, and puts its push back on a denial", async (t) => {
    const { site, tab } = await openPage(t, {
      prelude: `window.dataLayer = []; dataLayer.push = function (...given) { return Array.prototype.push.apply(this, given); }; window.ownPush = dataLayer.push;`,
      body: "",
    });
    await isReady(tab);
    await tab.evaluate(
      `dataLayer.push({ user: { email: "ada@example.com" } }); dataLayer.length = 0;`,
    );
    assert.deepEqual(await measuredUser(site, tab), { js: { em: [ada] } });
    assert.equal(await tab.evaluate("dataLayer.push === ownPush"), false);
    await tab.evaluate(`oaiq("consent", false)`);
    assert.equal(await tab.evaluate("dataLayer.push === ownPush"), true);
  });

  test("forgets all on a denial, and reads the page again after a grant", async (t) => {
    const { site, tab } = await openPage(t, { body: CHECKOUT });
    await isReady(tab);
    assert.deepEqual(await measuredUser(site, tab, "a"), CHECKOUT_USER);
    await tab.evaluate(
      `oaiq("consent", false); document.querySelector("[name=email]").value = ""; oaiq("consent", true);`,
    );
    const { fm } = await measuredUser(site, tab, "b");
    assert.equal(fm.em, undefined);
    assert.equal(fm.ct, "san francisco");
  });

  test("is told by debug, by kind, field and first letter, and never whole", async (t) => {
    const { site, tab } = await openPage(t, {
      body: CHECKOUT,
    });
    await isReady(tab);
    await tab.evaluate("oaiq.debug()");
    await tab.waitForLog(
      /matching: an email address beginning with "a" was found in a form field \(email\)/,
    );
    await measuredUser(site, tab);
    const lines = tab.console.map(({ text }) => text).join("\n");
    for (const raw of [
      "ada@example",
      "4155550134",
      "555 0134",
      "uster",
      "francisco,",
    ])
      assert.ok(!lines.includes(raw), raw);
  });

  test("works where debug was on before the pixel config arrived", async (t) => {
    const { site, tab } = await openPage(t, {
      body: CHECKOUT,
      prepare: (it) => it.holdResponses(FILE),
    });
    await tab.evaluate("oaiq.debug()");
    await tab.waitForLog(/automatic advanced matching/);
    site.releaseResponses();
    await isReady(tab);
    await tab.waitForLog(/matching: an email address/);
    assert.deepEqual(await measuredUser(site, tab), CHECKOUT_USER);
  });

  test("stores nothing, and a resent event carries no user data", async (t) => {
    const { site, visitor, tab } = await openPage(t, { body: CHECKOUT });
    await isReady(tab);
    await measuredUser(site, tab, "a");
    site.respond = () => ({ disconnect: true });
    await tab.evaluate(orderCall("b"));
    await site.waitFor("a failed request", () =>
      site.events.some(({ id }) => id === "b"),
    );
    const stored = await tab.evaluate(
      "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])",
    );
    for (const hash of [ada, sha256("ada"), sha256("muster"), "san francisco"])
      assert.ok(!String(stored).includes(hash), String(stored));
    await tab.page.close();
    site.respond = () => ({ status: 202 });
    site.requests.length = 0;
    site.hasMatching = false;
    await visitor.openPage(site.url());
    await site.waitForOrders("b");
    assert.equal(site.requestWith("b").body.user, undefined);
  });

  /** The most reads of the DOM in a call, on whatever page. */
  const MAX_READS = 200_000;

  /** Counts what a page's pixel calls and reads. */
  const COUNTERS = `
    window.counts = {};
    const count = (name) => { counts[name] = (counts[name] ?? 0) + 1; };
    const types = [EventTarget, Node, Element, Document, DocumentFragment, HTMLElement, HTMLFormElement, HTMLInputElement,
      HTMLSelectElement, HTMLTextAreaElement, HTMLButtonElement, CharacterData, Event];
    for (const { name: type, prototype } of types)
      for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype)))
        if (name !== "constructor" && property.configurable)
          for (const part of ["get", "value"])
            if (typeof property[part] === "function") {
              const original = property[part];
              Object.defineProperty(prototype, name, {
                ...property,
                [part]() {
                  count(type + "." + name + (name === "addEventListener" ? " " + arguments[0] : ""));
                  return original.apply(this, arguments);
                },
              });
            }
    let layer = [{ email: "ada@example.com" }];
    Object.defineProperty(window, "dataLayer", { get() { count("dataLayer"); return layer; } });`;

  test("that is off listens to nothing, reads nothing and requests nothing beyond a pixel without it", async (t) => {
    const body = `${CHECKOUT}<section id="account"><b class="email">ada@example.com</b></section>`;
    /** @param {Partial<Parameters<typeof openPage>[1]>} page */
    const countsOf = async (page) => {
      const { site, tab } = await openPage(t, {
        body,
        prelude: COUNTERS,
        ...page,
      });
      await tab.evaluate(orderCall("order"));
      await site.waitForOrders("order");
      await tab.evaluate(`document.querySelector("button").click()`);
      await tab.evaluate(orderCall("second"));
      await site.waitForOrders("second");
      assert.equal(site.requestWith("second").body.user, undefined);
      const requests = tab.requests.map((url) => new URL(url).pathname);
      return {
        counts: await tab.evaluate("counts"),
        files: requests.filter((path) => path.startsWith("/sdk/")).sort(),
        configs: site.configRequests.length,
      };
    };
    const without = await countsOf({ hasMatching: false });
    const off = await countsOf({ attributes: `data-oaiq-matching="off"` });
    assert.ok(!off.files.includes(`/sdk/${FILE}`));
    assert.deepEqual(off, without);
    const on = await openPage(t, { body, prelude: COUNTERS });
    await isReady(on.tab);
    // the counters do count what matching does
    const counts = /** @type {Record<string, number>} */ (
      await on.tab.evaluate("counts")
    );
    for (const name of [
      "EventTarget.addEventListener submit",
      "Element.getAttribute",
      "HTMLInputElement.value",
    ])
      assert.ok(Number(counts[name]) > (without.counts[name] ?? 0), name);
  });

  for (const [setting, value] of [
    ["off", '"off"'],
    ["false", "false"],
  ])
    test(`is off where oaiq.config.matching is ${setting}`, async (t) => {
      const { site, tab } = await openPage(t, {
        body: CHECKOUT,
        prelude: `window.oaiq = function () { oaiq.q.push(arguments); }; oaiq.q = []; oaiq.config = { matching: ${value} };`,
      });
      await tab.evaluate(orderCall("order"));
      await site.waitForOrders("order");
      assert.equal(site.requestWith("order").body.user, undefined);
      assert.ok(!tab.requests.some((url) => url.endsWith(FILE)));
    });

  /** What a page may have done; its orders are delivered all the same. */
  const HOSTILE = {
    "querySelectorAll and matches are replaced": `
      for (const { prototype } of [Element, Document, DocumentFragment])
        for (const name of ["querySelectorAll", "querySelector", "getElementById"])
          if (prototype[name]) prototype[name] = () => { throw new Error("replaced"); };
      Element.prototype.matches = Element.prototype.closest = () => true;`,
    "Array.prototype's methods throw, but for the one that the snippet needs": `
      for (const name of Object.getOwnPropertyNames(Array.prototype))
        if (name !== "constructor" && name !== "push" && typeof Array.prototype[name] === "function")
          Array.prototype[name] = () => { throw new Error("replaced"); };`,
    "arrays cannot be iterated": `delete Array.prototype[Symbol.iterator];`,
    "Function.prototype's methods throw": `
      for (const name of ["call", "apply", "bind"])
        Function.prototype[name] = () => { throw new Error("replaced"); };`,
    "Object.prototype has setters and methods": `
      for (const name of ["get", "value", "em", "fm", "owner", "element", "isScan"])
        Object.prototype[name] = () => "page";`,
    "MutationObserver is replaced": `window.MutationObserver = class { observe() { throw new Error("replaced"); } };`,
    "addEventListener throws": `Document.prototype.addEventListener = EventTarget.prototype.addEventListener = () => { throw new Error("replaced"); };`,
    "the data layer is cyclic and full of proxies": `
      const fail = () => { throw new Error("trap"); };
      const cyclic = { email: "x" }; cyclic.self = cyclic;
      window.dataLayer = [cyclic, new Proxy({}, { ownKeys: fail, getOwnPropertyDescriptor: fail, get: fail }), { get email() { return fail(); } }];
      window.analytics = { user: fail, get identify() { return fail(); } };
      window.Shopify = new Proxy({}, { getOwnPropertyDescriptor: fail });`,
    "a form hides its properties behind fields": `
      addEventListener("DOMContentLoaded", () => {
        document.forms[0].insertAdjacentHTML("beforeend", ["elements", "id", "name", "children", "parentNode", "parentElement", "closest", "matches",
          "getAttribute", "querySelectorAll", "getRootNode", "length"].map((name) => '<input name="' + name + '">').join(""));
      });`,
  };

  for (const [what, prelude] of Object.entries(HOSTILE))
    test(`throws nothing into a page where ${what}, and its orders arrive`, async (t) => {
      // the page acts by itself, because Playwright needs some of what it has replaced
      const { site, tab } = await openPage(t, {
        body: `${CHECKOUT}${inlineScript(`setTimeout(() => {
          document.forms[0].requestSubmit();
          ${orderCall("order")}
        }, 1500);`)}`,
        prelude,
      });
      await site.waitForOrders("order");
      assert.deepEqual(tab.pageErrors, []);
    });

  test("reads a form whose properties are hidden behind fields", async (t) => {
    const { site, tab } = await openPage(t, {
      body: CHECKOUT,
      prelude: HOSTILE["a form hides its properties behind fields"],
    });
    await isReady(tab);
    assert.deepEqual(await measuredUser(site, tab), CHECKOUT_USER);
  });

  test("reads a bounded part of a page of ten thousand fields and a label of a megabyte", async (t) => {
    const { site, tab } = await openPage(t, {
      body: `<form><label id="long">x<input name="email"></label></form><main></main>`,
      prelude: COUNTERS,
    });
    await isReady(tab);
    const counts = /** @type {Record<string, number>} */ (
      await tab.evaluate(`(() => {
        document.querySelector("#long").firstChild.data = "x".repeat(1_000_000);
        document.querySelector("input").value = "bob@example.com";
        document.querySelector("main").innerHTML = "<form>" + '<input name="q">'.repeat(10_000) + "</form>" +
          '<form><input name="q"></form>'.repeat(2_000);
        counts = {};
        ${orderCall("order")}
        return counts;
      })()`)
    );
    await site.waitForOrders("order");
    assert.equal(site.requestWith("order").body.user, undefined);
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    assert.ok(total > 100 && total < MAX_READS, `${total} reads of the DOM`);
  });

  test("does not look through a page again that has not changed", async (t) => {
    const { site, tab } = await openPage(t, {
      body: `${CHECKOUT}${'<div class="row"><span>text</span></div>'.repeat(500)}`,
      prelude: COUNTERS,
    });
    await isReady(tab);
    /**
     * The attributes that a call reads.
     *
     * @param {string} before
     */
    const attributesRead = async (before) =>
      Number(
        await tab.evaluate(`(() => {
          ${before}
          counts = {};
          ${orderCall("order")}
          return counts["Element.getAttribute"] ?? 0;
        })()`),
      );
    const changed = await attributesRead("document.body.append('x');");
    const unchanged = await attributesRead("");
    assert.ok(changed > 500, `${changed} attributes`);
    assert.ok(
      unchanged < changed / 10,
      `${unchanged} of ${changed} attributes`,
    );
    await site.waitForOrders("order");
  });
});
