// Tests where the pixel's requests go.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { Condition } from "../support/condition.mjs";
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

const VENDOR = {
  events: "https://bzr.openai.com/v1/sdk/events",
  config: `https://bzrcdn.openai.com/pixel-config/v1/${PIXEL_ID}.json`,
};

/** Where a relay takes requests that has served the script. */
const BESIDE_SCRIPT = {
  events: "/sdk/v1/sdk/events",
  config: "/sdk/pixel-config/v1",
};

/** All requests to other origins. */
class OtherOrigins {
  /** @type {string[]} */
  urls = [];
  /** @type {string[]} */
  ids = [];
  #condition = new Condition(() => `requested ${this.urls.join(" ")}`);

  /** @param {import("playwright-core").Route} route */
  handle(route) {
    const request = route.request();
    /** @type {{id: string}[]} */
    const events = request.postDataJSON()?.events ?? [];
    this.urls.push(request.url().split("?")[0]);
    this.ids.push(...events.map(({ id }) => id));
    this.#condition.notify();
    return route.fulfill({
      headers: { "access-control-allow-origin": "*" },
      json: { automatic_advanced_matching_enabled: false },
    });
  }

  /**
   * Resolves once both orders and a request for the pixel config have arrived at these URLs.
   *
   * @param {string} events
   * @param {string} config
   */
  waitForAll(events, config) {
    return this.#condition.wait(
      "orders and config",
      () =>
        ["waiting", "late"].every((id) => this.ids.includes(id)) &&
        [events, config].every((url) => this.urls.includes(url)),
    );
  }
}

describe("endpoints", { concurrency: 4 }, () => {
  const browser = useBrowser();

  /**
   * A site whose page sets endpoints by attributes of its script element, or by a script after the stub.
   *
   * @param {import("node:test").TestContext} t
   * @param {{attributes?: string, config?: string}} page
   */
  const openPage = async (t, { attributes = "", config = "" }) => {
    const site = await startSite(t, {});
    const fill = (/** @type {string} */ text) =>
      text.replaceAll("{site}", site.url("").replace(/\/$/, ""));
    site.pages = {
      "/": html(
        QUEUE_STUB,
        inlineScript(fill(config) + INIT + orderCall("waiting")),
        sdkTag(fill(attributes)),
        inlineScript(orderCall("late")),
      ),
      "/next": html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("next page")),
        sdkTag(),
      ),
    };
    const visitor = await Visitor.create(t, browser);
    const otherOrigins = new OtherOrigins();
    await visitor.context.route(/^https:/, (route) =>
      otherOrigins.handle(route),
    );
    const tab = await visitor.openPage(site.url("/?private=1"));
    return { site, tab, otherOrigins };
  };

  for (const { what, page, events = "/in", config = "/of" } of [
    {
      what: "attributes with paths",
      page: { attributes: `data-endpoint="/in" data-settings="/of"` },
    },
    {
      what: "attributes with paths relative to the page",
      page: { attributes: `data-endpoint="in/" data-settings="of//"` },
    },
    {
      what: "attributes with URLs of the page's origin",
      page: {
        attributes: `data-endpoint="{site}/in" data-settings="{site}/of/"`,
      },
    },
    {
      what: "oaiq.config with paths",
      page: { config: `oaiq.config = { endpoint: "/in", settings: "/of" };` },
    },
    {
      what: "oaiq.config with URLs of the page's origin",
      page: {
        config: `oaiq.config = { endpoint: "{site}/in", settings: "{site}/of" };`,
      },
    },
    {
      what: "attributes, which override oaiq.config,",
      page: {
        attributes: `data-endpoint="/attribute"`,
        config: `oaiq.config = { endpoint: "/config", settings: "/config-settings" };`,
      },
      events: "/attribute",
      config: "/config-settings",
    },
    {
      what: "data-oaiq-relay without a value",
      page: { attributes: "data-oaiq-relay" },
      ...BESIDE_SCRIPT,
    },
    {
      what: `data-oaiq-relay="true"`,
      page: { attributes: `data-oaiq-relay="true"` },
      ...BESIDE_SCRIPT,
    },
    {
      what: "oaiq.config.relay: true",
      page: { config: "oaiq.config = { relay: true };" },
      ...BESIDE_SCRIPT,
    },
    {
      what: "data-oaiq-relay with a path",
      page: { attributes: `data-oaiq-relay="/events/"` },
      events: "/events/v1/sdk/events",
      config: "/events/pixel-config/v1",
    },
    {
      what: "oaiq.config.relay with a URL that does not end with a slash",
      page: { config: `oaiq.config = { relay: "{site}/events" };` },
      events: "/events/v1/sdk/events",
      config: "/events/pixel-config/v1",
    },
    {
      what: "an endpoint, which overrides the relay's,",
      page: { attributes: `data-oaiq-relay data-oaiq-endpoint="/in"` },
      ...BESIDE_SCRIPT,
      events: "/in",
    },
  ])
    test(`${what} set where events and config requests go`, async (t) => {
      const { site, tab, otherOrigins } = await openPage(t, page);
      await site.waitForOrders("waiting", "late");
      await site.waitForConfigRequest();
      assert.deepEqual(
        [...new Set(site.requests.map(({ path }) => path))],
        [events],
      );
      assert.deepEqual(site.configRequests, [`${config}/${PIXEL_ID}.json`]);
      assert.deepEqual(otherOrigins.urls, []);
      assert.deepEqual(tab.oaiqLogs, []);
      assert.deepEqual(tab.pageErrors, []);
    });

  test("the query of an endpoint is preserved", async (t) => {
    const { site } = await openPage(t, {
      attributes: `data-endpoint="/in?key=1" data-settings="/of"`,
    });
    await site.waitForOrders("waiting", "late");
    const { path, query } = site.firstRequest;
    assert.equal(path, "/in");
    assert.equal(query.key, "1");
    assert.equal(query.pid, PIXEL_ID);
  });

  /** @type {Record<string, {attributes?: string, config?: string}>} */
  const CROSS_ORIGIN = {
    attributes: {
      attributes: `data-endpoint="https://collect.example.test/in" data-settings="https://collect.example.test/of"`,
    },
    "oaiq.config": {
      config: `oaiq.config = { endpoint: "https://collect.example.test/in", settings: "https://collect.example.test/of" };`,
    },
  };
  for (const [what, page] of Object.entries(CROSS_ORIGIN))
    test(`https endpoints of another origin in ${what} receive events and config requests`, async (t) => {
      const { site, tab, otherOrigins } = await openPage(t, page);
      await otherOrigins.waitForAll(
        "https://collect.example.test/in",
        `https://collect.example.test/of/${PIXEL_ID}.json`,
      );
      assert.ok(!otherOrigins.urls.some((url) => url.includes("openai")));
      assert.deepEqual(site.requests, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

  test("the responses of a relay on another origin are read", async (t) => {
    const { tab, otherOrigins } = await openPage(t, {
      attributes: `data-oaiq-relay="https://collect.example.test/oaiq/"`,
      config: `
        const { fetch } = window;
        window.modes = [];
        window.fetch = (url, request) => {
          if (request.method === "POST") modes.push(request.mode);
          return fetch(url, request);
        };`,
    });
    await otherOrigins.waitForAll(
      "https://collect.example.test/oaiq/v1/sdk/events",
      `https://collect.example.test/oaiq/pixel-config/v1/${PIXEL_ID}.json`,
    );
    assert.deepEqual(await tab.evaluate("[...new Set(modes)]"), ["cors"]);
  });

  /** @type {Record<string, {attributes?: string, config?: string}>} */
  const WITHOUT_RELAY = {
    "by default": {},
    "with the relay off": { attributes: `data-oaiq-relay="off"` },
    "with oaiq.config.relay: false": {
      config: "oaiq.config = { relay: false };",
    },
  };
  for (const [when, page] of Object.entries(WITHOUT_RELAY))
    test(`events and config requests go to OpenAI ${when}`, async (t) => {
      const { site, tab, otherOrigins } = await openPage(t, page);
      await otherOrigins.waitForAll(VENDOR.events, VENDOR.config);
      assert.deepEqual(site.requests, []);
      assert.deepEqual(tab.oaiqLogs, []);
    });

  const INVALID = {
    "http of another origin": `"http://other.example.test/in"`,
    "another port of the page's host": `"http://shop.example.test:9/in"`,
    "a user name": `"https://jane@collect.example.test/in"`,
    "a password": `"https://:secret@collect.example.test/in"`,
    "an empty string": `""`,
    "an incomplete URL": `"https://"`,
    "a javascript: URL": `"javascript:alert(1)"`,
    "a data: URL": `"data:text/plain,in"`,
    "a number": `7`,
    "an object": `{ href: "/in" }`,
    "a function": `() => "/in"`,
    "a boolean": `false`,
    "a String object": `new String("/in")`,
    "an object that throws": `{ toJSON() { throw new Error("boom"); }, toString() { throw new Error("boom"); } }`,
    "an object that contains itself": `(() => { const cyclic = {}; cyclic.cyclic = cyclic; return cyclic; })()`,
    "a BigInt": "7n",
  };

  /** Of these, what an option means that is also a switch. */
  const MEANINGFUL_FOR_RELAY = [`""`, `false`];

  /**
   * Asserts that nothing is sent and one warning names the setting.
   *
   * @param {Awaited<ReturnType<typeof openPage>>} opened
   * @param {string} name
   */
  const expectNoRequests = async ({ site, tab, otherOrigins }, name) => {
    await tab.evaluate(orderCall("later"));
    await tab.goto(site.url("/next"));
    await site.waitForOrders("next page");
    assert.deepEqual(site.deliveryCounts, { "next page": 1 });
    assert.deepEqual(otherOrigins.urls, []);
    assert.deepEqual(
      tab.requests.filter((url) => !url.startsWith(site.url("/"))),
      [],
    );
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(tab.oaiqLogs.length, 1, tab.oaiqLogs.join("\n"));
    const [line = ""] = tab.oaiqLogs;
    assert.match(line, /nothing is measured/);
    assert.ok(line.includes(name), line);
  };

  for (const [what, value] of Object.entries(INVALID)) {
    test(`an oaiq.config.endpoint that is ${what} stops all requests and logs a warning`, async (t) => {
      const page = await openPage(t, {
        config: `oaiq.config = { endpoint: ${value} };`,
      });
      await expectNoRequests(page, "the option endpoint");
    });
    if (!MEANINGFUL_FOR_RELAY.includes(value))
      test(`an oaiq.config.relay that is ${what} stops all requests and logs a warning`, async (t) => {
        const page = await openPage(t, {
          config: `oaiq.config = { relay: ${value} };`,
        });
        await expectNoRequests(page, "the option relay");
      });
    if (value.startsWith(`"`))
      test(`a data-settings that is ${what} stops all requests and logs a warning`, async (t) => {
        const page = await openPage(t, {
          attributes: `data-endpoint="/in" data-settings=${value}`,
        });
        await expectNoRequests(page, "the option settings");
      });
  }
});
