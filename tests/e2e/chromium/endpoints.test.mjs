// Where the pixel's requests go.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sharedBrowser, Visitor } from "../support/browser.mjs";
import { Waiting } from "../support/condition.mjs";
import {
  html,
  INIT,
  openSite,
  order,
  PIXEL,
  pixelScript,
  script,
  STUB,
} from "../support/site.mjs";

const VENDOR = {
  events: "https://bzr.openai.com/v1/sdk/events",
  settings: `https://bzrcdn.openai.com/pixel-config/v1/${PIXEL}.json`,
};

/** Everything that would have left this machine. */
class Elsewhere {
  addresses = [];
  ids = [];
  #waiting = new Waiting(() => `asked were ${this.addresses.join(" ")}`);

  answer(route) {
    const request = route.request();
    const events = request.postDataJSON()?.events ?? [];
    this.addresses.push(request.url().split("?")[0]);
    this.ids.push(...events.map(({ id }) => id));
    this.#waiting.changed();
    return route.fulfill({
      headers: { "access-control-allow-origin": "*" },
      json: { automatic_advanced_matching_enabled: false },
    });
  }

  /** Resolves once both orders and something for the settings' address have come. */
  untilAll(events, settings) {
    return this.#waiting.until(
      "orders and settings",
      () =>
        ["waiting", "late"].every((id) => this.ids.includes(id)) &&
        [events, settings].every((url) => this.addresses.includes(url)),
    );
  }
}

describe("addresses", { concurrency: 4 }, () => {
  const browser = sharedBrowser();

  /** A site whose page says where to, in its script element's attributes or by what it does to the stub. */
  const openPage = async (t, { attributes = "", config = "" }) => {
    const site = await openSite(t, {});
    const fill = (text) =>
      text.replaceAll("{site}", site.url("").replace(/\/$/, ""));
    site.pages = {
      "/": html(
        STUB,
        script(fill(config) + INIT + order("waiting")),
        pixelScript(fill(attributes)),
        script(order("late")),
      ),
      "/next": html(STUB, script(INIT + order("next page")), pixelScript()),
    };
    const visitor = await Visitor.arrives(t, browser);
    const elsewhere = new Elsewhere();
    await visitor.context.route(/^https:/, (route) => elsewhere.answer(route));
    const tab = await visitor.opens(site.url("/?private=1"));
    return { site, tab, elsewhere };
  };

  for (const [what, page, events, settings] of [
    [
      "attributes with paths",
      { attributes: `data-endpoint="/in" data-settings="/of"` },
      "/in",
      "/of",
    ],
    [
      "attributes with paths relative to the page",
      { attributes: `data-endpoint="in/" data-settings="of//"` },
      "/in",
      "/of",
    ],
    [
      "attributes with whole addresses on the page's origin",
      { attributes: `data-endpoint="{site}/in" data-settings="{site}/of/"` },
      "/in",
      "/of",
    ],
    [
      "oaiq.config with paths",
      { config: `oaiq.config = { endpoint: "/in", settings: "/of" };` },
      "/in",
      "/of",
    ],
    [
      "oaiq.config with whole addresses on the page's origin",
      {
        config: `oaiq.config = { endpoint: "{site}/in", settings: "{site}/of" };`,
      },
      "/in",
      "/of",
    ],
    [
      "attributes and oaiq.config, of which the attributes win",
      {
        attributes: `data-endpoint="/attribute"`,
        config: `oaiq.config = { endpoint: "/config", settings: "/config-settings" };`,
      },
      "/attribute",
      "/config-settings",
    ],
  ])
    test(`${what}: events and settings go there`, async (t) => {
      const { site, tab, elsewhere } = await openPage(t, page);
      await site.untilOrders("waiting", "late");
      await site.until("the settings", () => site.settingsAsked.length > 0);
      assert.deepEqual(
        [...new Set(site.requests.map(({ path }) => path))],
        [events],
      );
      assert.deepEqual(site.settingsAsked, [`${settings}/${PIXEL}.json`]);
      assert.deepEqual(elsewhere.addresses, []);
      assert.deepEqual(tab.pixelLines, []);
      assert.deepEqual(tab.pageErrors, []);
    });

  test("an endpoint with a query of its own keeps it", async (t) => {
    const { site } = await openPage(t, {
      attributes: `data-endpoint="/in?key=1" data-settings="/of"`,
    });
    await site.untilOrders("waiting", "late");
    const { path, query } = site.requests[0];
    assert.equal(path, "/in");
    assert.equal(query.key, "1");
    assert.equal(query.pid, PIXEL);
  });

  for (const [what, page] of [
    [
      "attributes",
      {
        attributes: `data-endpoint="https://collect.example.test/in" data-settings="https://collect.example.test/of"`,
      },
    ],
    [
      "oaiq.config",
      {
        config: `oaiq.config = { endpoint: "https://collect.example.test/in", settings: "https://collect.example.test/of" };`,
      },
    ],
  ])
    test(`https addresses of another origin in ${what}: events and settings go there`, async (t) => {
      const { site, tab, elsewhere } = await openPage(t, page);
      await elsewhere.untilAll(
        "https://collect.example.test/in",
        `https://collect.example.test/of/${PIXEL}.json`,
      );
      assert.ok(!elsewhere.addresses.some((url) => url.includes("openai")));
      assert.deepEqual(site.requests, []);
      assert.deepEqual(tab.pixelLines, []);
    });

  test("without any, events and settings go to OpenAI", async (t) => {
    const { site, tab, elsewhere } = await openPage(t, {});
    await elsewhere.untilAll(VENDOR.events, VENDOR.settings);
    assert.deepEqual(site.requests, []);
    assert.deepEqual(tab.pixelLines, []);
  });

  const REFUSED = {
    "http of another origin": `"http://other.example.test/in"`,
    "another port of the page's host": `"http://shop.example.test:9/in"`,
    "a user name": `"https://jane@collect.example.test/in"`,
    "a password": `"https://:secret@collect.example.test/in"`,
    "an empty string": `""`,
    "no address": `"https://"`,
    "a scheme that is no web address": `"javascript:alert(1)"`,
    "a data address": `"data:text/plain,in"`,
    "a number": `7`,
    "an object": `{ href: "/in" }`,
    "a function": `() => "/in"`,
    "a boolean": `false`,
    "a String object": `new String("/in")`,
    "an object that throws": `{ toJSON() { throw new Error("boom"); }, toString() { throw new Error("boom"); } }`,
    "an object that contains itself": `(() => { const cyclic = {}; cyclic.cyclic = cyclic; return cyclic; })()`,
    "a BigInt": "7n",
  };

  const expectSilence = async ({ site, tab, elsewhere }, name) => {
    await tab.evaluate(order("later"));
    await tab.goes(site.url("/next"));
    await site.untilOrders("next page");
    assert.deepEqual(site.arrivals, { "next page": 1 });
    assert.deepEqual(elsewhere.addresses, []);
    assert.deepEqual(
      tab.requests.filter((url) => !url.startsWith(site.url("/"))),
      [],
    );
    assert.deepEqual(tab.pageErrors, []);
    assert.equal(tab.pixelLines.length, 1, tab.pixelLines.join("\n"));
    assert.match(tab.pixelLines[0], /nothing is measured/);
    assert.ok(tab.pixelLines[0].includes(name), tab.pixelLines[0]);
  };

  for (const [what, value] of Object.entries(REFUSED)) {
    test(`oaiq.config.endpoint that is ${what}: one line says so, nothing is sent anywhere`, async (t) => {
      const page = await openPage(t, {
        config: `oaiq.config = { endpoint: ${value} };`,
      });
      await expectSilence(page, "oaiq.config.endpoint");
    });
    if (value.startsWith(`"`))
      test(`data-settings that is ${what}: one line says so, nothing is sent anywhere`, async (t) => {
        const page = await openPage(t, {
          attributes: `data-endpoint="/in" data-settings=${value}`,
        });
        await expectSilence(page, "data-oaiq-settings");
      });
  }
});
