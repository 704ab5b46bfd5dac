// Consent managers as sites use them, and a visitor who answers them.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { root } from "../../../scripts/exec.mjs";
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
} from "../support/site.mjs";

/** Most of their time these tests wait, so that three at once suit a machine of two processors. */
const TOGETHER = { concurrency: 3 };

/** Longer than a batch waits for more. */
const A_BATCH_MS = 1300;

/** What a page has before it loads Google's tags. */
const GOOGLE_DEFAULTS = inlineScript(`
  window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments); }
  gtag("consent", "default", {
    ad_storage: "denied", ad_user_data: "denied", ad_personalization: "denied", wait_for_update: 500,
  });`);

const button = (tab, name) => tab.page.getByRole("button", { name });

/** Resolves once the visitor is asked. */
const isAsked = (tab) => button(tab, "Accept all").waitFor();
const accepts = (tab) => button(tab, "Accept all").click();
const rejects = (tab) => button(tab, "Reject all").click();

/**
 * `setup` is the file in tests/e2e/cmps/ that sets it up, `early` what stands in the page before everything
 * else, `attributes` what the pixel is told. `changes` is what a visitor does in the settings who wants the opposite
 * now, where that is no button of the banner.
 */
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
    changes: async (tab) => {
      await tab.page.getByText("Advertising", { exact: true }).click();
      await button(tab, "Save").click();
    },
  },
  {
    name: "c15t",
    setup: "c15t",
    attributes: `data-consent="pending"`,
    // so that nothing goes on that was allowed
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

const BUNDLES = [...MANAGERS.map(({ setup }) => setup), "tcf-stub", "gpp-stub"];

/** The set-ups as a page loads them: their names with their bytes. */
const bundles = async () => {
  const { outputFiles } = await build({
    entryPoints: BUNDLES.map((name) =>
      join(root, `tests/e2e/cmps/${name}.mjs`),
    ),
    outdir: "any",
    bundle: true,
    write: false,
    format: "iife",
    loader: { ".css": "text" },
    logLevel: "error",
  });
  return outputFiles.map(({ path, contents }) => [basename(path), contents]);
};

/** Three pages. On the first the pixel comes before the consent manager, on the others after it. */
const pagesOf = ({ setup, early = "", attributes }) => {
  const manager = `<script defer src="/sdk/${setup}.js"></script>`;
  const pixel = (when) =>
    `<script ${when} src="/sdk/oaiq.min.js" data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}" ${attributes} data-click-passthrough></script>`;
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
 * Runs in each page before anything else: notes down who reads or writes a cookie or a storage, where the pixel does or
 * where it is about the pixel's names, and what a page finds of these names.
 */
const watch = () => {
  const OURS = /^_{0,2}(oaiq|oppref|obref)/;
  const touched = (window.touched = []);
  const found = (store, names) =>
    names
      .filter((name) => OURS.test(name))
      .forEach((name) => touched.push(`${store} had ${name}`));
  const cookieNames = () =>
    document.cookie.split("; ").map((part) => part.split("=")[0]);
  found("localStorage", Object.keys(localStorage));
  found("sessionStorage", Object.keys(sessionStorage));
  found("cookies", cookieNames());

  const noteDown = (what, name = "") => {
    Error.stackTraceLimit = 100;
    if (OURS.test(name) || /\/sdk\/oaiq/.test(new Error().stack))
      touched.push(`${what} ${name}`);
  };
  const wrap = (object, name, noted) => {
    const property = Object.getOwnPropertyDescriptor(object, name);
    for (const part of ["get", "set", "value"]) {
      const real = property[part];
      if (typeof real === "function")
        property[part] = function (...args) {
          noteDown(noted ?? `${part} ${name}`, args[0]);
          return real.apply(this, args);
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

/** The visitor opens the settings and accepts or rejects after all. */
const changesMind = async (tab, { changes }, answer) => {
  await button(tab, "Privacy settings").click();
  await (changes ?? answer)(tab);
};

/** Resolves once the pixel has loaded and knows of this state. */
const untilState = (tab, state) =>
  tab.page.waitForFunction(
    `window.oaiq.consentState?.state === ${JSON.stringify(state)}`,
  );

/** A visitor who came by an ad looks at the site's front page. */
const arrives = async (t, browser, manager, query = "") => {
  const site = await startSite(t, pagesOf(manager));
  for (const [name, bytes] of await manager.bundles)
    site.files.set(name, bytes);
  const visitor = await Visitor.create(t, browser);
  await visitor.context.addInitScript(watch);
  const tab = await visitor.openPage(site.url(`/?oppref=click-1${query}`));
  return { site, visitor, tab };
};

const identity = (cookies) =>
  Object.keys(cookies).filter((name) => /^__(oppref|obref)$/.test(name));

/** Nobody outside of the page's memory knows that the pixel is there. */
const untouched = async ({ site, visitor, tab }) => {
  await pause(A_BATCH_MS);
  assert.deepEqual(await tab.evaluate("touched"), []);
  const ours = Object.keys(await visitor.cookies()).filter((name) =>
    name.startsWith("__o"),
  );
  assert.deepEqual(ours, []);
  const asked = tab.requests
    .map((url) => new URL(url).pathname)
    .filter(
      (path) => path.startsWith(EVENTS_PATH) || path.startsWith(CONFIG_PATH),
    );
  assert.deepEqual(asked, []);
  assert.deepEqual(site.requests, []);
  assert.deepEqual(site.configRequests, []);
};

/** What the site may hear of a visitor who has denied: that there is one. */
const onlyToldOfDenial = (requests) => {
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
  let made;
  before(() => {
    made = bundles();
    return made;
  });
  const arrivesAt = async (t, manager) => {
    const arrived = await arrives(t, browser, { ...manager, bundles: made });
    await isAsked(arrived.tab);
    await untilState(arrived.tab, "pending");
    return arrived;
  };

  for (const manager of MANAGERS) {
    const { name } = manager;

    test(`${name}: nothing is stored, read or sent before the visitor accepts; then everything comes with its own time and address`, async (t) => {
      const { site, visitor, tab } = await arrivesAt(t, manager);
      const [from, to] = await tab.evaluate(`(() => {
        const from = Date.now();
        ${orderCall("on the front page")}
        history.pushState(null, "", "/product?size=40");
        ${orderCall("on a product's page")}
        history.pushState(null, "", "/cart");
        return [from, Date.now()];
      })()`);
      await untouched({ site, visitor, tab });

      await accepts(tab);
      await untilState(tab, "granted");
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

      const [early, front, product, after] = ids.map((id) =>
        site.measured.find((event) => event.id === id),
      );
      assert.equal(early.source_url, site.url("/"));
      assert.equal(front.source_url, site.url("/"));
      assert.equal(product.source_url, site.url("/product"));
      assert.equal(after.source_url, site.url("/cart"));
      assert.ok(early.timestamp_ms <= from);
      for (const { timestamp_ms } of [front, product])
        assert.ok(timestamp_ms >= from && timestamp_ms <= to);
      assert.ok(after.timestamp_ms >= to + A_BATCH_MS);
      assert.ok(site.requests.every(({ body }) => body.oppref === "click-1"));
      assert.equal((await visitor.cookies()).__oppref, "click-1");
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`${name}: of a visitor who rejects nothing comes, on no page, until they change their mind`, async (t) => {
      const { site, visitor, tab } = await arrivesAt(t, manager);
      await tab.evaluate(orderCall("before the answer"));
      await rejects(tab);
      await untilState(tab, "denied");
      await tab.evaluate(orderCall("rejected"));

      // on leaving, what waits would go at once
      await tab.goto(site.url("/next?oppref=click-2"));
      await untilState(tab, "denied");
      assert.equal(await button(tab, "Accept all").isVisible(), false);
      await tab.evaluate(orderCall("rejected on page two"));
      await pause(A_BATCH_MS);
      assert.deepEqual(site.deliveryCounts, {});
      onlyToldOfDenial(site.requests);
      assert.deepEqual(identity(await visitor.cookies()), []);

      const { length } = site.requests;
      await changesMind(tab, manager, accepts);
      await untilState(tab, "granted");
      await tab.evaluate(orderCall("accepted after all"));
      await site.waitForOrders("accepted after all");
      assert.deepEqual(site.deliveryCounts, { "accepted after all": 1 });
      onlyToldOfDenial(site.requests.slice(0, length));
      assert.deepEqual(tab.pageErrors, []);
    });

    test(`${name}: a visitor who accepts on page two is measured from there, with the click that brought them`, async (t) => {
      const { site, visitor, tab } = await arrivesAt(t, manager);
      await tab.evaluate(orderCall("on page one"));
      await tab.page.getByRole("link", { name: "To /next" }).click();
      await tab.page.waitForURL("**/next**");
      await isAsked(tab);
      await untilState(tab, "pending");
      await tab.evaluate(orderCall("on page two"));
      await untouched({ site, visitor, tab });

      await accepts(tab);
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

    test(`${name}: an acceptance holds on page two, and its withdrawal ends everything until it is given again`, async (t) => {
      const { site, visitor, tab } = await arrivesAt(t, manager);
      await accepts(tab);
      await site.waitForOrders("early on /");
      await tab.leaveAfterResponses(site);
      await untilState(tab, "granted");
      assert.equal(await button(tab, "Accept all").isVisible(), false);
      await site.waitForOrders("early on /next");
      assert.deepEqual(identity(await visitor.cookies()).sort(), [
        "__obref",
        "__oppref",
      ]);

      // an order that waits, because the one before it has no answer yet
      site.holdResponses();
      await tab.evaluate(orderCall("under way"));
      await site.waitForOrders("under way");
      await tab.evaluate(orderCall("waiting"));
      const reloaded =
        manager.reloadsOnWithdrawal && tab.page.waitForEvent("load");
      await changesMind(tab, manager, rejects);
      await reloaded;
      await untilState(tab, "denied");
      assert.deepEqual(identity(await visitor.cookies()), []);
      await tab.evaluate(orderCall("withdrawn"));
      const { length } = site.requests;
      site.releaseResponses();
      await pause(A_BATCH_MS);
      onlyToldOfDenial(site.requests.slice(length));
      assert.deepEqual(
        await tab.evaluate(
          "Object.keys(localStorage).filter((name) => name.startsWith('oaiq_outbox'))",
        ),
        [],
      );

      await changesMind(tab, manager, accepts);
      await untilState(tab, "granted");
      await tab.evaluate(orderCall("accepted again"));
      await site.waitForOrders("accepted again");
      assert.deepEqual(site.deliveryCounts, {
        "early on /": 1,
        "early on /next": 1,
        "under way": 1,
        "accepted again": 1,
      });
      assert.deepEqual(tab.pageErrors, []);
    });
  }

  test("IAB TCF: a visitor whom the GDPR does not protect is measured without being asked", async (t) => {
    const tcf = MANAGERS.find(({ setup }) => setup === "tcf");
    const manager = { ...tcf, bundles: made };
    const { site, tab } = await arrives(t, browser, manager, "&country=US");
    await site.waitForOrders("early on /");
    assert.equal(await button(tab, "Accept all").isVisible(), false);
    assert.deepEqual(tab.pageErrors, []);
  });
});
