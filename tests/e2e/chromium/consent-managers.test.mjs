// Tests consent managers (CMPs) as sites use them, with a visitor who answers them.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { root } from "../../../scripts/exec.mjs";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { OUTBOX_KEYS } from "../support/outbox.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  inlineScript,
  CONFIG_PATH,
  QUEUE_STUB,
} from "../support/site.mjs";

/**
 * @typedef {import("../support/browser.mjs").Tab} Tab
 */

/** These tests mostly wait: a machine with two cores runs three at a time. */
const TOGETHER = { concurrency: 3 };

/** Longer than a batch is delayed. */
const BATCH_MS = 1300;

/** What a page has before it loads Google's tags. */
const GOOGLE_DEFAULTS = inlineScript(`
  window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments); }
  gtag("consent", "default", {
    ad_storage: "denied", ad_user_data: "denied", ad_personalization: "denied", wait_for_update: 500,
  });`);

/**
 * @param {Tab} tab
 * @param {string} name
 */
const button = (tab, name) => tab.page.getByRole("button", { name });

/** @param {Tab} tab */
const waitForBanner = (tab) => button(tab, "Accept all").waitFor();
/** @param {Tab} tab */
const acceptAll = (tab) => button(tab, "Accept all").click();
/** @param {Tab} tab */
const rejectAll = (tab) => button(tab, "Reject all").click();

/**
 * @typedef {object} Manager
 * @property {string} name
 * @property {string} setup the file in tests/e2e/cmps/ that configures it
 * @property {string} [early] what is first in the page
 * @property {string} attributes of the pixel's script element
 * @property {(tab: Tab) => Promise<void>} [toggle] changes the answer in the settings, if the banner's buttons are not there
 * @property {boolean} [reloadsOnWithdrawal]
 */

/** @type {Manager[]} */
const MANAGERS = [
  {
    name: "vanilla-cookieconsent",
    setup: "cookieconsent-callback",
    attributes: `data-consent="pending"`,
  },
  {
    name: "vanilla-cookieconsent with Google Consent Mode",
    setup: "cookieconsent-google",
    early: GOOGLE_DEFAULTS,
    attributes: `data-consent-source="google"`,
  },
  {
    name: "klaro",
    setup: "klaro",
    attributes: `data-consent="pending"`,
    toggle: async (tab) => {
      await tab.page.getByText("Advertising", { exact: true }).click();
      await button(tab, "Save").click();
    },
  },
  {
    name: "c15t",
    setup: "c15t",
    attributes: `data-consent="pending"`,
    // to stop what was allowed
    reloadsOnWithdrawal: true,
  },
  {
    name: "IAB TCF",
    setup: "tcf",
    early: `<script src="/sdk/tcf-stub.js"></script>`,
    attributes: `data-consent-source="tcf" data-tcf-vendor="123"`,
  },
  {
    name: "IAB GPP",
    setup: "gpp",
    early: `<script src="/sdk/gpp-stub.js"></script>`,
    attributes: `data-consent-source="gpp"`,
  },
];

const SETUPS = [...MANAGERS.map(({ setup }) => setup), "tcf-stub", "gpp-stub"];

/** Bundles the setups: file contents by name. */
const buildSetups = async () => {
  const { outputFiles } = await build({
    entryPoints: SETUPS.map((name) => join(root, `tests/e2e/cmps/${name}.mjs`)),
    outdir: "any",
    bundle: true,
    write: false,
    format: "iife",
    loader: { ".css": "text" },
    logLevel: "error",
  });
  return new Map(
    outputFiles.map(({ path, contents }) => [basename(path), contents]),
  );
};

/**
 * Three pages. On the first the pixel is before the consent manager, on the others after it.
 *
 * @param {Manager} manager
 */
const pagesOf = ({ setup, early = "", attributes }) => {
  const manager = `<script defer src="/sdk/${setup}.js"></script>`;
  const pixel = (/** @type {string} */ when) =>
    `<script ${when} src="/sdk/oaiq.min.js" data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}" ${attributes} data-click-passthrough></script>`;
  /**
   * @param {string} path
   * @param {string} to the URL of its link
   * @param {string[]} scripts
   */
  const page = (path, to, ...scripts) =>
    html(
      early,
      QUEUE_STUB,
      inlineScript(INIT + orderCall(`early on ${path}`)),
      ...scripts,
      `<a href="${to}">To ${to}</a>`,
    );
  return {
    "/": page("/", "/next", pixel(""), manager),
    "/next": page("/next", "/last", manager, pixel("defer")),
    "/last": page("/last", "/", manager, pixel("defer")),
  };
};

/**
 * Runs in each page before anything else. Records in `window.accesses` each access to cookies and storage by the pixel or to the
 * pixel's names, and which of these names existed already.
 */
const watch = () => {
  const OURS = /^_{0,2}(oaiq|oppref|obref)/;
  /** @type {string[]} */
  const accesses = [];
  Object.assign(window, { accesses });
  /**
   * @param {string} store
   * @param {string[]} names
   */
  const recordExisting = (store, names) =>
    names
      .filter((name) => OURS.test(name))
      .forEach((name) => accesses.push(`${store} had ${name}`));
  const cookieNames = document.cookie
    .split("; ")
    .map((part) => part.replace(/=.*/, ""));
  recordExisting("localStorage", Object.keys(localStorage));
  recordExisting("sessionStorage", Object.keys(sessionStorage));
  recordExisting("cookies", cookieNames);

  /** @param {string} what */
  const record = (what, name = "") => {
    Error.stackTraceLimit = 100;
    if (OURS.test(name) || /\/sdk\/oaiq/.test(String(new Error().stack)))
      accesses.push(`${what} ${name}`);
  };
  /**
   * @param {object} object
   * @param {string} name
   * @param {string} [label]
   */
  const wrap = (object, name, label) => {
    /** @type {Record<string, any>} */
    const property = Object.getOwnPropertyDescriptor(object, name) ?? {};
    for (const part of ["get", "set", "value"]) {
      const original = property[part];
      if (typeof original === "function")
        property[part] = function (/** @type {any[]} */ ...args) {
          record(label ?? `${part} ${name}`, args[0]);
          return original.apply(this, args);
        };
    }
    Object.defineProperty(object, name, property);
  };
  wrap(Document.prototype, "cookie");
  wrap(window, "localStorage");
  wrap(window, "sessionStorage");
  for (const name of ["getItem", "setItem", "removeItem", "key"])
    wrap(Storage.prototype, name, name);
};

/**
 * Opens the settings and changes the answer.
 *
 * @param {Tab} tab
 * @param {Manager} manager
 * @param {(tab: Tab) => Promise<void>} answer
 */
const changeAnswer = async (tab, { toggle }, answer) => {
  await button(tab, "Privacy settings").click();
  await (toggle ?? answer)(tab);
};

/**
 * Resolves once the pixel has loaded and has this consent state.
 *
 * @param {Tab} tab
 * @param {"pending" | "granted" | "denied"} state
 */
const waitForState = (tab, state) =>
  tab.waitForFunction(
    `window.oaiq.consentState?.state === ${JSON.stringify(state)}`,
  );

/**
 * Opens the front page as a visitor from an ad.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("../support/browser.mjs").TestBrowser} browser
 * @param {Manager} manager
 * @param {Map<string, Uint8Array>} setups
 */
const openFrontPage = async (t, browser, manager, setups, query = "") => {
  const site = await startSite(t, pagesOf(manager));
  for (const [name, bytes] of setups) site.files.set(name, bytes);
  const visitor = await Visitor.create(t, browser);
  await visitor.context.addInitScript(watch);
  const tab = await visitor.openPage(site.url(`/?oppref=click-1${query}`));
  return { site, visitor, tab };
};

/**
 * The names of the cookies with the visitor's identity.
 *
 * @param {Visitor} visitor
 * @param {Tab} tab
 */
const identityCookies = async (visitor, tab) => {
  await tab.waitForCookieWrites();
  const names = Object.keys(await visitor.cookies());
  return names.filter((name) => /^__(oppref|obref)$/.test(name));
};

/**
 * Asserts that the pixel has stored and sent nothing.
 *
 * @param {Awaited<ReturnType<typeof openFrontPage>>} opened
 */
const assertUntouched = async ({ site, visitor, tab }) => {
  await pause(BATCH_MS);
  assert.deepEqual(await tab.evaluate("accesses"), []);
  const ours = Object.keys(await visitor.cookies()).filter((name) =>
    name.startsWith("__o"),
  );
  assert.deepEqual(ours, []);
  const requestedPaths = tab.requests
    .map((url) => new URL(url).pathname)
    .filter(
      (path) => path.startsWith(EVENTS_PATH) || path.startsWith(CONFIG_PATH),
    );
  assert.deepEqual(requestedPaths, []);
  assert.deepEqual(site.requests, []);
  assert.deepEqual(site.configRequests, []);
};

/**
 * Asserts that these requests report only the denial.
 *
 * @param {import("../support/site.mjs").SentRequest[]} requests
 */
const assertOnlyDenial = (requests) => {
  for (const { body, headers } of requests) {
    assert.deepEqual(Object.keys(body), ["events"]);
    assert.equal(headers.cookie, undefined);
    for (const { type, data } of body.events) {
      assert.equal(type, "oai::diagnostic");
      assert.equal(data.consent, false);
    }
  }
};

describe("a site with a consent manager", TOGETHER, () => {
  const browser = useBrowser();
  /** @type {Map<string, Uint8Array>} */
  let setups;
  before(async () => {
    setups = await buildSetups();
  });
  /**
   * Opens the front page and waits until its banner is shown.
   *
   * @param {import("node:test").TestContext} t
   * @param {Manager} manager
   */
  const openBanner = async (t, manager) => {
    const opened = await openFrontPage(t, browser, manager, setups);
    await waitForBanner(opened.tab);
    await waitForState(opened.tab, "pending");
    return opened;
  };

  for (const manager of MANAGERS) {
    const { name } = manager;

    test(`${name}: nothing is stored, read or sent before an acceptance, which then sends all events with their time and URL`, async (t) => {
      const { site, visitor, tab } = await openBanner(t, manager);
      const [from, to] = await tab.evaluate(`(() => {
        const from = Date.now();
        ${orderCall("on the front page")}
        history.pushState(null, "", "/product?size=40");
        ${orderCall("on a product's page")}
        history.pushState(null, "", "/cart");
        return [from, Date.now()];
      })()`);
      await assertUntouched({ site, visitor, tab });

      await acceptAll(tab);
      await waitForState(tab, "granted");
      await tab.evaluate(orderCall("after the answer"));
      const ids = [
        "early on /",
        "on the front page",
        "on a product's page",
        "after the answer",
      ];
      await site.waitForOrders(...ids);
      assert.deepEqual(
        site.deliveryCounts,
        Object.fromEntries(ids.map((id) => [id, 1])),
      );

      const early = site.measuredEvent("early on /");
      const front = site.measuredEvent("on the front page");
      const product = site.measuredEvent("on a product's page");
      const after = site.measuredEvent("after the answer");
      assert.equal(early.source_url, site.url("/"));
      assert.equal(front.source_url, site.url("/"));
      assert.equal(product.source_url, site.url("/product"));
      assert.equal(after.source_url, site.url("/cart"));
      assert.ok(early.timestamp_ms <= from);
      for (const { timestamp_ms } of [front, product])
        assert.ok(timestamp_ms >= from && timestamp_ms <= to);
      assert.ok(after.timestamp_ms >= to + BATCH_MS);
      assert.ok(site.requests.every(({ body }) => body.oppref === "click-1"));
      assert.equal((await visitor.cookies()).__oppref, "click-1");
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`${name}: nothing is sent after a rejection, on any page, until the visitor accepts`, async (t) => {
      const { site, visitor, tab } = await openBanner(t, manager);
      await tab.evaluate(orderCall("before the answer"));
      await rejectAll(tab);
      await waitForState(tab, "denied");
      await tab.evaluate(orderCall("rejected"));

      // page hide would send queued events at once
      await tab.goto(site.url("/next?oppref=click-2"));
      await waitForState(tab, "denied");
      assert.equal(await button(tab, "Accept all").isVisible(), false);
      await tab.evaluate(orderCall("rejected on page two"));
      await pause(BATCH_MS);
      assert.deepEqual(site.deliveryCounts, {});
      assertOnlyDenial(site.requests);
      assert.deepEqual(await identityCookies(visitor, tab), []);

      const { length } = site.requests;
      await changeAnswer(tab, manager, acceptAll);
      await waitForState(tab, "granted");
      await tab.evaluate(orderCall("accepted after all"));
      await site.waitForOrders("accepted after all");
      assert.deepEqual(site.deliveryCounts, { "accepted after all": 1 });
      assertOnlyDenial(site.requests.slice(0, length));
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`${name}: an acceptance on page two sends the events of that page with the click ID`, async (t) => {
      const { site, visitor, tab } = await openBanner(t, manager);
      await tab.evaluate(orderCall("on page one"));
      await tab.page.getByRole("link", { name: "To /next" }).click();
      await tab.page.waitForURL("**/next**");
      await waitForBanner(tab);
      await waitForState(tab, "pending");
      await tab.evaluate(orderCall("on page two"));
      await assertUntouched({ site, visitor, tab });

      await acceptAll(tab);
      await site.waitForOrders("early on /next", "on page two");
      assert.deepEqual(site.deliveryCounts, {
        "early on /next": 1,
        "on page two": 1,
      });
      assert.ok(site.requests.every(({ body }) => body.oppref === "click-1"));
      for (const { source_url } of site.measured)
        assert.equal(source_url, site.url("/next"));
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`${name}: an acceptance applies to page two, and its withdrawal stops everything until the next acceptance`, async (t) => {
      const { site, visitor, tab } = await openBanner(t, manager);
      await acceptAll(tab);
      await site.waitForOrders("early on /");
      await tab.leaveAfterResponses(site);
      await waitForState(tab, "granted");
      assert.equal(await button(tab, "Accept all").isVisible(), false);
      await site.waitForOrders("early on /next");
      assert.deepEqual((await identityCookies(visitor, tab)).sort(), [
        "__obref",
        "__oppref",
      ]);

      // an order that is queued, because the one before it is in flight
      site.holdResponses();
      await tab.evaluate(orderCall("in flight"));
      await site.waitForOrders("in flight");
      await tab.evaluate(orderCall("queued"));
      const reloaded =
        manager.reloadsOnWithdrawal && tab.page.waitForEvent("load");
      await changeAnswer(tab, manager, rejectAll);
      await reloaded;
      await waitForState(tab, "denied");
      assert.deepEqual(await identityCookies(visitor, tab), []);
      await tab.evaluate(orderCall("withdrawn"));
      const { length } = site.requests;
      site.releaseResponses();
      await pause(BATCH_MS);
      assertOnlyDenial(site.requests.slice(length));
      assert.deepEqual(await tab.evaluate(OUTBOX_KEYS), []);

      await changeAnswer(tab, manager, acceptAll);
      await waitForState(tab, "granted");
      await tab.evaluate(orderCall("accepted again"));
      await site.waitForOrders("accepted again");
      assert.deepEqual(site.deliveryCounts, {
        "early on /": 1,
        "early on /next": 1,
        "in flight": 1,
        "accepted again": 1,
      });
      assert.deepEqual(tab.pageErrors, []);
    });
  }

  test("IAB TCF: events are sent without a banner where the GDPR does not apply", async (t) => {
    const manager = MANAGERS.find(({ setup }) => setup === "tcf");
    assert.ok(manager);
    const { site, tab } = await openFrontPage(
      t,
      browser,
      manager,
      setups,
      "&country=US",
    );
    await site.waitForOrders("early on /");
    assert.equal(await button(tab, "Accept all").isVisible(), false);
    assert.deepEqual(tab.pageErrors, []);
  });
});
