// Requests that arrive while the browser keeps their answers from the page.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { useBrowser, Visitor } from "../support/browser.mjs";
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

/** Longer than the pauses before a third and a fourth try. */
const LONG = 40_000;

describe("answers that a page may not see", { concurrency: 4 }, () => {
  const browser = useBrowser();

  test("under Cross-Origin-Embedder-Policy events arrive once or twice", async (t) => {
    const endpoint = await startSite(t, {});
    const site = await startSite(t, {});
    const at = (path) => endpoint.url(path, "127.0.0.1");
    site.pages["/"] = {
      html: html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("order")),
        sdkTag(
          `data-oaiq-endpoint="${at(EVENTS_PATH)}" data-oaiq-settings="${at(CONFIG_PATH)}"`,
        ),
      ),
      headers: { "cross-origin-embedder-policy": "require-corp" },
    };
    // the next page measures nothing, and finds what this one may have left
    site.pages["/next"] = {
      ...site.pages["/"],
      html: site.pages["/"].html.replace(orderCall("order"), ""),
    };
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    await endpoint.waitForOrders("order");
    await pause(LONG);
    await tab.evaluate(orderCall("later"));
    await endpoint.waitForOrders("later");
    await pause(2_000);
    await tab.goto(site.url("/next", "localhost"));
    await pause(3_000);
    for (const [id, times] of Object.entries(endpoint.deliveryCounts))
      assert.ok(times <= 2, `${id} arrived ${times} times`);
    assert.deepEqual(tab.pageErrors, []);
  });

  const WORKER = `
    onactivate = (event) => event.waitUntil(clients.claim());
    onfetch = (event) => {
      if (event.request.method !== "POST") return;
      event.respondWith((async () => {
        const answer = await fetch(event.request.clone());
        const cache = await caches.open("pages");
        await cache.put(event.request, answer.clone());
        return answer;
      })());
    };`;

  const openWithWorker = async (t) => {
    const site = await startSite(t, {
      "/worker.js": {
        html: WORKER,
        headers: { "content-type": "text/javascript" },
      },
      "/": html(
        inlineScript(`navigator.serviceWorker.register("/worker.js")`),
        "waiting for the worker",
      ),
      "/shop": html(
        QUEUE_STUB,
        inlineScript(INIT + orderCall("order")),
        sdkTag(),
      ),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/", "localhost"));
    await tab.page.waitForFunction("navigator.serviceWorker.controller");
    return { site, tab };
  };

  test("behind a service worker that fails after the request, events arrive at most three times", async (t) => {
    const { site, tab } = await openWithWorker(t);
    await tab.goto(site.url("/shop", "localhost"));
    await site.waitForOrders("order");
    await pause(LONG);
    assert.ok(
      site.deliveryCounts.order <= 3,
      `${site.deliveryCounts.order} times`,
    );
    assert.equal(
      await tab.evaluate(
        `Object.keys(localStorage).filter((key) => key.startsWith("oaiq_outbox")).length`,
      ),
      0,
    );
  });

  test("behind a service worker, an outage of the network loses nothing", async (t) => {
    const { site, tab } = await openWithWorker(t);
    site.respond = () => ({ disconnect: true });
    await tab.page.route("**/pixel-config/**", (route) => route.abort());
    await tab.goto(site.url("/shop", "localhost"));
    await pause(LONG);
    site.respond = () => ({ status: 202 });
    const { measured } = site;
    measured.length = 0;
    const before = site.requests.length;
    await site.waitFor("the order after the outage", () =>
      site.requests
        .slice(before)
        .some(({ body }) => body.events.some(({ id }) => id === "order")),
    );
  });
});

describe("a request that was answered", () => {
  const browser = useBrowser();

  test("ends as finished, for whoever watches the network", async (t) => {
    const site = await startSite(t, {
      "/": html(QUEUE_STUB, inlineScript(INIT + orderCall("order")), sdkTag()),
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage("about:blank");
    const failures = [];
    tab.page.on("requestfailed", (request) =>
      failures.push(`${request.url()} ${request.failure().errorText}`),
    );
    await tab.goto(site.url());
    await site.waitForOrders("order");
    // requests are given up after 15 s, but for those that were answered
    await pause(17_000);
    assert.deepEqual(failures, []);
  });
});
