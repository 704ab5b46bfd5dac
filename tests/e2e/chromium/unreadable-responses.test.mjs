// Tests requests that are delivered while the browser hides their responses from the page.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { useBrowser, Visitor } from "../support/browser.mjs";
import { OUTBOX_KEYS } from "../support/outbox.mjs";
import {
  EVENTS_PATH,
  html,
  INIT,
  startSite,
  orderCall,
  sdkTag,
  inlineScript,
  CONFIG_PATH,
  QUEUE_STUB,
} from "../support/site.mjs";

/** Longer than the delays before the third and fourth attempts. */
const RETRIES_MS = 40_000;

describe("responses that a page cannot read", { concurrency: 4 }, () => {
  const browser = useBrowser();

  test("events are delivered at most twice under Cross-Origin-Embedder-Policy", async (t) => {
    const endpoint = await startSite(t, {});
    const site = await startSite(t, {});
    const at = (/** @type {string} */ path) => endpoint.url(path, "127.0.0.1");
    const page = (/** @type {string} */ calls) => ({
      html: html(
        QUEUE_STUB,
        inlineScript(INIT + calls),
        sdkTag(
          `data-oaiq-endpoint="${at(EVENTS_PATH)}" data-oaiq-settings="${at(CONFIG_PATH)}"`,
        ),
      ),
      headers: { "cross-origin-embedder-policy": "require-corp" },
    });
    site.pages["/"] = page(orderCall("order"));
    // the next page measures nothing, and recovers what this one may have left
    site.pages["/next"] = page("");
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    await endpoint.waitForOrders("order");
    await pause(RETRIES_MS);
    await tab.evaluate(orderCall("later"));
    await endpoint.waitForOrders("later");
    await pause(2_000);
    await tab.goto(site.url("/next", "localhost"));
    await pause(3_000);
    for (const [id, times] of Object.entries(endpoint.deliveryCounts))
      assert.ok(times <= 2, `${id} was delivered ${times} times`);
    assert.deepEqual(tab.pageErrors, []);
  });

  const WORKER = `
    onactivate = (event) => event.waitUntil(clients.claim());
    onfetch = (event) => {
      if (event.request.method !== "POST") return;
      event.respondWith((async () => {
        const response = await fetch(event.request.clone());
        const cache = await caches.open("pages");
        await cache.put(event.request, response.clone());
        return response;
      })());
    };`;

  const openWithWorker = async (
    /** @type {import("node:test").TestContext} */ t,
  ) => {
    const site = await startSite(t, {
      "/worker.js": {
        html: WORKER,
        headers: { "content-type": "text/javascript" },
      },
      "/": html(
        inlineScript(`navigator.serviceWorker.register("/worker.js")`),
        "registers the worker",
      ),
      "/shop": html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("order")),
        sdkTag(),
      ),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    await tab.waitForFunction("navigator.serviceWorker.controller");
    return { site, tab };
  };

  test("events are delivered at most three times where a service worker fails after the request", async (t) => {
    const { site, tab } = await openWithWorker(t);
    await tab.goto(site.url("/shop", "localhost"));
    await site.waitForOrders("order");
    await pause(RETRIES_MS);
    // on a busy machine the last attempt comes later
    await tab.waitForFunction(`!${OUTBOX_KEYS}.length`);
    assert.ok(
      site.deliveryCounts.order <= 3,
      `${site.deliveryCounts.order} times`,
    );
  });

  test("an outage loses no event behind a service worker", async (t) => {
    const { site, tab } = await openWithWorker(t);
    site.respond = () => ({ disconnect: true });
    await tab.page.route("**/pixel-config/**", (route) => route.abort());
    await tab.goto(site.url("/shop", "localhost"));
    await pause(RETRIES_MS);
    site.respond = () => ({ status: 202 });
    const before = site.requests.length;
    await site.waitFor("the order after the outage", () =>
      site.requests
        .slice(before)
        .some(({ body }) => body.events.some(({ id }) => id === "order")),
    );
  });
});

describe("a request with a response", () => {
  const browser = useBrowser();

  test("is reported as finished by the browser", async (t) => {
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT + orderCall("order")), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage("about:blank");
    /** @type {string[]} */
    const failures = [];
    tab.page.on("requestfailed", (request) =>
      failures.push(`${request.url()} ${request.failure()?.errorText}`),
    );
    await tab.goto(site.url());
    await site.waitForOrders("order");
    // requests without a response are aborted after 15 s
    await pause(17_000);
    assert.deepEqual(failures, []);
  });
});
