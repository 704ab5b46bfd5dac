// Tests the install snippet that saves events measured before the script loads.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { root } from "../../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../../scripts/snippets.mjs";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { openEmptyPage, RECORDS } from "../support/outbox.mjs";
import {
  CONFIG_PATH,
  EVENTS_PATH,
  html,
  INIT,
  inlineScript,
  orderCall,
  startSite,
} from "../support/site.mjs";

/** The project's snippet with this site's script. `attributes` is code that changes the script element `s`. */
const snippetPart = async (attributes = "") => {
  const text = await readFile(join(root, "www/snippet/snippet.html"), "utf8");
  assert.ok(text.includes(PLACEHOLDER));
  return (
    text.replace(PLACEHOLDER, "/sdk/oaiq.min.js") +
    inlineScript(`{
      const s = document.querySelector("script[src]");
      s.dataset.endpoint = "${EVENTS_PATH}"; s.dataset.settings = "${CONFIG_PATH}";
      ${attributes}
    }`)
  );
};

describe("the saving install snippet", { concurrency: 4 }, () => {
  const browser = useBrowser();

  const LANDING = "/landing?oppref=click-1&email=jane@example.com#top";

  /**
   * Leaves a landing page before the script has loaded, and goes to the next.
   *
   * @param {import("node:test").TestContext} t
   * @param {object} page
   * @param {string} [page.attributes] code that changes the script element `s`
   * @param {string} [page.before] code that runs before the snippet
   * @param {string} page.calls
   */
  const leaveEarly = async (t, { attributes, before = "", calls }) => {
    const parts = [
      inlineScript(before),
      await snippetPart(attributes),
      inlineScript(calls),
    ];
    const pages = { "/landing": html(...parts) };
    const { site, tab, next } = await openEmptyPage(t, browser, pages);
    site.holdResponses("oaiq.min.js");
    await tab.goto(site.url(LANDING, "localhost"), "commit");
    await tab.waitForFunction("window.oaiq?.q.length");
    await tab.evaluate(`location.href = "/"`);
    await tab.page.waitForURL(site.url("/", "localhost"));
    const records = await tab.evaluate(RECORDS);
    site.releaseResponses();
    await tab.goto(next);
    return { site, tab, records };
  };
  const USER = INIT.replace(
    "}",
    `, user: { email_sha256: "jane@example.com" } }`,
  );

  test("saves events measured before the script loads, with time, URL and click ID", async (t) => {
    const from = Date.now();
    const { site, tab, records } = await leaveEarly(t, {
      calls: USER + orderCall("early"),
    });
    const to = Date.now();
    assert.doesNotMatch(records, /jane|@|#top/);
    await site.waitForOrders("early");
    const { body } = site.requestWith("early");
    const event = site.measuredEvent("early");
    assert.equal(event.source_url, site.url("/landing", "localhost"));
    assert.ok(event.timestamp_ms >= from && event.timestamp_ms <= to);
    assert.equal(body.oppref, "click-1");
    assert.equal(body.user, undefined);
    await tab.waitForFunction(`!${RECORDS}`);
    assert.deepEqual(site.deliveryCounts, { early: 1 });
  });

  /** @type {Record<string, Parameters<typeof leaveEarly>[1]>} */
  const UNSAVED = {
    "consent is denied by a call": {
      calls: INIT + `oaiq("consent", false);` + orderCall("early"),
    },
    "a denial is stored": {
      before: `localStorage.oaiq_consent = "false";`,
      calls: INIT + orderCall("early"),
    },
    "a cookie denies": {
      before: `document.cookie = "__oaiq_consent=false";`,
      calls: INIT + orderCall("early"),
    },
    "init sets pending consent": {
      calls: INIT.replace("}", `, consent: "pending" }`) + orderCall("early"),
    },
    "oaiq.config sets pending consent": {
      calls:
        `oaiq.config = { consent: "pending" };` + INIT + orderCall("early"),
    },
    "a consent source is set": {
      calls:
        `oaiq.config = { consentSource: "google" };` +
        INIT +
        orderCall("early"),
    },
    "the GPC signal is respected": {
      calls: `oaiq.config = { gpc: "opt-out" };` + INIT + orderCall("early"),
    },
    "an empty GPC option is set": {
      calls: `oaiq.config = { gpc: "" };` + INIT + orderCall("early"),
    },
    "an empty consent source is set": {
      calls: `oaiq.config = { consentSource: "" };` + INIT + orderCall("early"),
    },
    "the page forgets the visitor": {
      calls: INIT + orderCall("early") + `oaiq("forget");`,
    },
    "the pixel is switched off": {
      calls: `oaiq.config = { off: true };` + INIT + orderCall("early"),
    },
    ...Object.fromEntries(
      [
        `consent="pending"`,
        `consentSource="tcf"`,
        `consentSource="google gpp"`,
        `consentSource="GPP, tcf"`,
        `gpc="opt-out"`,
        `gpc=""`,
        `oaiqConsent="pending"`,
        `oaiqConsentSource="google"`,
        `oaiqGpc="opt-out"`,
      ].map((attribute) => [
        `the script element has ${attribute}`,
        {
          attributes: `s.dataset.${attribute};`,
          calls: INIT + orderCall("early"),
        },
      ]),
    ),
  };
  for (const [when, page] of Object.entries(UNSAVED))
    test(`saves nothing where ${when}`, async (t) => {
      const { records } = await leaveEarly(t, page);
      assert.equal(records, "");
    });

  /**
   * Opens a page with these parts, whose script waits for `site.releaseResponses()`.
   *
   * @param {import("node:test").TestContext} t
   * @param {string[]} parts
   */
  const openBeforeScript = async (t, ...parts) => {
    const site = await startSite(t, { "/": html(...parts) });
    site.holdResponses("oaiq.min.js");
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(
      site.url("/", "localhost"),
      "domcontentloaded",
    );
    return { site, tab };
  };

  /** Records in `window.accesses` what a page reads and writes. */
  const WATCH = `
    window.accesses = [];
    const watch = (object, name) => {
      const { get, set, ...rest } = Object.getOwnPropertyDescriptor(object, name);
      Object.defineProperty(object, name, { ...rest,
        get() { accesses.push(name); return get.call(this); },
        set(value) { accesses.push(name); set.call(this, value); } });
    };
    watch(Document.prototype, "cookie");
    watch(window, "localStorage");`;

  for (const [what, { attributes, calls, accesses }] of Object.entries({
    "no cookie or storage where consent is pending": {
      attributes: "",
      calls: `oaiq.config = { consent: "pending" };`,
      accesses: [],
    },
    "no cookie or storage where a consent source is set": {
      attributes: `s.dataset.oaiqConsentSource = "google";`,
      calls: "",
      accesses: [],
    },
    "the stored consent where none is pending": {
      attributes: "",
      calls: "",
      // the consent, and then the outbox
      accesses: ["cookie", "localStorage", "localStorage"],
    },
  }))
    test(`reads ${what}`, async (t) => {
      const { tab } = await openBeforeScript(
        t,
        inlineScript(WATCH),
        await snippetPart(attributes),
        inlineScript(calls + INIT + orderCall("early")),
      );
      await tab.evaluate(`dispatchEvent(new Event("pagehide"))`);
      assert.deepEqual(await tab.evaluate("accesses"), accesses);
    });

  /** @type {Record<string, Parameters<typeof leaveEarly>[1]>} */
  const SAVED = {
    "a consent manager has set attributes of its own on the script": {
      attributes: `s.dataset.consent="marketing"; s.dataset.consentCategory="marketing"; s.id="consent-x";`,
      calls: INIT + orderCall("early"),
    },
    "another tool's attributes have values of the pixel's other attributes": {
      attributes: `s.dataset.consent="google"; s.dataset.consentSource="google analytics"; s.dataset.gpc="pending";`,
      calls: INIT + orderCall("early"),
    },
    "oaiq.config has a consent that the pixel does not know": {
      calls:
        `oaiq.config = { consent: "marketing" };` + INIT + orderCall("early"),
    },
    "the page has filled both queues before the snippet": {
      before: `window.oaiq = { q: [["init", { pixelId: "TEST-PIXEL" }]], queue: [["measure", "order_created", { type: "contents" }, { event_id: "early" }]] };`,
      calls: `oaiq("consent", true);`,
    },
    "a denial was revoked": {
      calls:
        INIT +
        orderCall("before") +
        `oaiq("consent", false);` +
        orderCall("between") +
        `oaiq("consent", true);` +
        orderCall("early"),
    },
    "pending consent was granted": {
      calls:
        `oaiq.config = { consent: "pending" };` +
        INIT +
        orderCall("early") +
        `oaiq("consent", true);`,
    },
  };
  for (const [when, page] of Object.entries(SAVED))
    test(`saves permitted events where ${when}`, async (t) => {
      const { site, records } = await leaveEarly(t, page);
      assert.doesNotMatch(records, /"(before|between)"/);
      await site.waitForOrders("early");
      assert.deepEqual(site.deliveryCounts, { early: 1 });
    });

  test("saves the click ID of the landing URL after the page has changed it", async (t) => {
    const { site } = await leaveEarly(t, {
      calls: `${INIT}${orderCall("early")} history.replaceState(null, "", "/landing");`,
    });
    await site.waitForOrders("early");
    const { body } = site.requestWith("early");
    assert.equal(body.oppref, "click-1");
  });

  test("sends nothing twice after a pagehide of a page that stays", async (t) => {
    const { site, tab } = await openBeforeScript(
      t,
      await snippetPart(),
      inlineScript(INIT + orderCall("early")),
    );
    await tab.evaluate(`dispatchEvent(new Event("pagehide"))`);
    assert.equal(await tab.evaluate("oaiq.q.length"), 1);
    await tab.evaluate(`dispatchEvent(new Event("pagehide"))`);
    assert.equal(await tab.evaluate("localStorage.length"), 1);
    site.releaseResponses();
    await site.waitForOrders("early");
    await tab.leaveAfterResponses(site);
    assert.deepEqual(site.deliveryCounts, { early: 1 });
  });

  test("loads the script and passes it the queued calls", async (t) => {
    const parts = [
      await snippetPart(),
      inlineScript(INIT + orderCall("order")),
    ];
    const { site, tab } = await openEmptyPage(t, browser, {
      "/landing": html(...parts),
    });
    await tab.goto(site.url(LANDING, "localhost"));
    await site.waitForOrders("order");
    assert.deepEqual(site.deliveryCounts, { order: 1 });
    assert.deepEqual(tab.pageErrors, []);
  });
});
