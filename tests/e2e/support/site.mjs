// A customer's website: its pages, the pixel's files, and an endpoint that records what the pixel sends.
import { createServer } from "node:http";
import { once } from "node:events";
import { readDist, Visitor } from "./browser.mjs";
import { Condition } from "./condition.mjs";

/**
 * @typedef {import("node:http").IncomingHttpHeaders} Headers
 *
 * @typedef {object} PixelEvent
 * @property {string} type
 * @property {string} id
 * @property {number} timestamp_ms
 * @property {string} source_url
 * @property {boolean} [opt_out]
 * @property {any} data
 *
 * @typedef {object} Batch the body of a request to the endpoint
 * @property {PixelEvent[]} events
 * @property {string} [obref]
 * @property {string} [oppref]
 * @property {any} [user]
 *
 * @typedef {object} SentRequest
 * @property {number | undefined} status what the site responded
 * @property {string} url path and query
 * @property {string} path
 * @property {Record<string, string>} query
 * @property {Headers} headers
 * @property {string} text
 * @property {Batch} body
 * @property {boolean} [aborted] by the browser, before there was a response
 *
 * @typedef {object} EndpointResponse
 * @property {number} [status]
 * @property {Record<string, string>} [headers]
 * @property {boolean} [disconnect] no response: the connection breaks, as if the network were down
 * @property {boolean} [hang] no response until the browser aborts the request
 *
 * @typedef {string | {html: string | Buffer, headers?: import("node:http").OutgoingHttpHeaders}} Page
 *
 * @typedef {object} ScriptedTab what `Site` needs of a tab: `Tab` in browser.mjs and in ../firefox/context.mjs
 * @property {(condition: string) => Promise<unknown>} waitForFunction
 * @property {(text: string) => Promise<unknown>} evaluate
 */

const HOST = "shop.example.test";
export const PIXEL_ID = "TEST-PIXEL";
export const EVENTS_PATH = "/v1/sdk/events";
export const CONFIG_PATH = "/pixel-config/v1";

/** @type {Promise<Map<string, Buffer>> | undefined} */
let dist;

/** The stub of an install snippet: it queues calls until the pixel has loaded. */
export const QUEUE_STUB = `<script>(() => {
  if (window.oaiq) return;
  const stub = (window.oaiq = function () { stub.q.push(arguments); });
  stub.q = [];
})();</script>`;

/** @param {string} text */
export const inlineScript = (text) => `<script>${text}</script>`;

/** Sets `window.isRestored` once the page is shown: whether it comes from the back/forward cache. */
export const BFCACHE_PROBE = inlineScript(
  `addEventListener("pageshow", ({ persisted }) => { window.isRestored = persisted; });`,
);

export const INIT = `oaiq("init", { pixelId: "${PIXEL_ID}" });`;

/** The pixel's script element, which is not async. Its endpoints are the site's own by default. */
export const sdkTag = (
  attributes = `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}"`,
  file = "oaiq.min.js",
) => `<script src="/sdk/${file}" ${attributes}></script>`;

/**
 * A call that measures an order, as text.
 *
 * @param {string} id
 */
export const orderCall = (id) =>
  `oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR" }, { event_id: ${JSON.stringify(id)} });`;

/**
 * A page with these parts in its head; by default stub, `init` and the pixel's script.
 *
 * @param {string[]} parts
 */
export const html = (...parts) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">` +
  `${(parts.length ? parts : [QUEUE_STUB, inlineScript(INIT), sdkTag()]).join("\n")}</head><body></body></html>`;

/** A page with the pixel. */
export const PAGE = html();
export const EMPTY = html("");

/**
 * Starts a site, which runs until the test `t` ends.
 *
 * @param {import("node:test").TestContext} t
 * @param {Record<string, Page>} pages by path
 */
export const startSite = async (t, pages) => {
  dist ??= readDist();
  const site = new Site(await dist, pages);
  await site.listen();
  t.after(() => site.close());
  return site;
};

/**
 * Starts a site whose front page has these parts, and opens it as a new visitor.
 *
 * @param {import("node:test").TestContext} t
 * @param {import("./browser.mjs").TestBrowser} browser
 * @param {string[]} parts
 */
export const openSite = async (t, browser, ...parts) => {
  const site = await startSite(t, { "/": html(...parts), "/next": html("") });
  const visitor = await Visitor.create(t, browser);
  const tab = await visitor.openPage(site.url());
  return { site, visitor, tab };
};

/**
 * A beacon names the charset of its text; the pixel's `fetch` does not.
 *
 * @param {SentRequest} request
 */
const isFetch = ({ headers }) => headers["content-type"] === "text/plain";

/**
 * An expression: whether the page has the response to each fetch request that carried one of these events.
 *
 * @param {SentRequest[]} requests
 * @param {string[]} ids
 */
const hasResponses = (requests, ids) => {
  const urls = requests
    .filter(isFetch)
    .filter(({ body }) => body.events.some(({ id }) => ids.includes(id)))
    .map(({ url }) => url);
  return `${JSON.stringify(urls)}.every((url) =>
    performance.getEntriesByType("resource").some(({ name, responseEnd }) => name.endsWith(url) && responseEnd > 0))`;
};

export class Site {
  /**
   * Requests to the endpoint, oldest first.
   *
   * @type {SentRequest[]}
   */
  requests = [];
  /**
   * The paths of the requests for pixel configs.
   *
   * @type {string[]}
   */
  configRequests = [];
  /**
   * The fields of the forms that were posted, by name.
   *
   * @type {Record<string, string>[]}
   */
  forms = [];
  /** @type {Record<string, Page>} */
  pages;
  /**
   * What the endpoint responds to a batch.
   *
   * @type {(batch: Batch) => EndpointResponse}
   */
  respond = () => ({ status: 202 });
  /** Whether the pixel configs have automatic advanced matching on. */
  hasMatching = false;
  /** The content type of the pixel's files. */
  scriptType = "text/javascript; charset=utf-8";
  /** @type {{file: string | undefined, releases: ((value?: unknown) => void)[]} | undefined} */
  #held;
  #condition = new Condition(() => {
    const received = this.events.map(({ type, id }) => `${type} ${id}`);
    return `received [${received.slice(-20).join(", ")}], rejected ${JSON.stringify(this.rejectedCalls)}`;
  });
  #server;

  /**
   * @param {Map<string, string | Uint8Array>} files the pixel's files by name
   * @param {Record<string, Page>} pages
   */
  constructor(files, pages) {
    /** @type {Map<string, string | Uint8Array>} */
    this.files = new Map(files);
    this.pages = pages;
    this.#server = createServer((request, response) =>
      this.#answer(request, response).catch((error) => response.destroy(error)),
    );
  }

  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  close() {
    this.releaseResponses();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** On localhost a page is in a secure context without a certificate. */
  url(path = "/", host = HOST) {
    const { port } = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    return `http://${host}:${port}${path}`;
  }

  /**
   * Delays the responses of the endpoint, or those for that file of the pixel, until `releaseResponses`. The requests
   * count as delivered.
   *
   * @param {string} [file]
   */
  holdResponses(file) {
    this.#held = { file, releases: [] };
  }

  releaseResponses() {
    this.#held?.releases.forEach((release) => release());
    this.#held = undefined;
  }

  /** @param {string} [file] */
  async #waitWhileHeld(file) {
    const held = this.#held;
    if (held && held.file === file)
      await new Promise((release) => held.releases.push(release));
  }

  /** The first request. */
  get firstRequest() {
    const [request] = this.requests;
    if (!request) throw new Error("the site has received no request");
    return request;
  }

  /** The latest request. */
  get lastRequest() {
    const request = this.requests.at(-1);
    if (!request) throw new Error("the site has received no request");
    return request;
  }

  /**
   * The first request that carried an event.
   *
   * @param {string} id
   */
  requestWith(id) {
    const request = this.requests.find(({ body }) =>
      body.events.some((event) => event.id === id),
    );
    if (!request) throw new Error(`the site has received no event ${id}`);
    return request;
  }

  /**
   * The first delivered event with this ID.
   *
   * @param {string} id
   */
  measuredEvent(id) {
    const event = this.measured.find((measured) => measured.id === id);
    if (!event) throw new Error(`the event ${id} has not been delivered`);
    return event;
  }

  /**
   * One of the pixel's files.
   *
   * @param {string} name
   */
  file(name) {
    const file = this.files.get(name);
    if (file === undefined) throw new Error(`there is no file ${name}`);
    return Buffer.from(file);
  }

  /** How many requests have come by fetch. */
  get fetchCount() {
    return this.requests.filter(isFetch).length;
  }

  /** All events that were received, oldest first, including diagnostics and the pixel's own events. */
  get events() {
    return this.requests.flatMap(({ body }) => body.events);
  }

  /** How many pixels have started: each sends an event when it does. */
  get startedPixels() {
    const starts = this.events.filter(
      ({ type }) => type === "openai::sdk_init",
    );
    return new Set(starts.map(({ id }) => id)).size;
  }

  /**
   * Resolves once this many pixels have started.
   *
   * @param {number} count
   */
  waitForPixels(count) {
    return this.waitFor(
      `${count} started pixels`,
      () => this.startedPixels === count,
    );
  }

  /** Resolves once a page has requested its config, which it does after its first paint and may do after a batch. */
  waitForConfigRequest() {
    return this.waitFor(
      "a config request",
      () => this.configRequests.length > 0,
    );
  }

  /** The delivered events that the site itself measured. */
  get measured() {
    return this.requests
      .filter(({ status }) => Number(status) < 400)
      .flatMap(({ body }) => body.events)
      .filter(({ type }) => !/^(openai::|oai::)/.test(type));
  }

  /** How many times each measured event was delivered, by event ID. */
  get deliveryCounts() {
    /** @type {Record<string, number>} */
    const counts = {};
    for (const { id } of this.measured) counts[id] = (counts[id] ?? 0) + 1;
    return counts;
  }

  /** How many calls the pixel reports as rejected, by reason. */
  get rejectedCalls() {
    /** @type {Record<string, number>} */
    const sum = {};
    for (const { type, data } of this.events)
      if (type === "oai::diagnostic")
        for (const [reason, count] of Object.entries(
          /** @type {Record<string, number>} */ (
            data.dropped_event_reason_counts
          ),
        ))
          sum[reason] = (sum[reason] ?? 0) + count;
    return sum;
  }

  /**
   * Resolves once `isMet()`, which is checked after each request.
   *
   * @param {string} what for the message of a test that has timed out
   * @param {() => unknown} isMet
   */
  waitFor(what, isMet) {
    return this.#condition.wait(what, isMet);
  }

  /**
   * Resolves once all these orders are delivered.
   *
   * @param {string[]} ids
   */
  waitForOrders(...ids) {
    return this.waitFor(`order ${ids.join(", ")}`, () =>
      ids.every((id) => this.deliveryCounts[id]),
    );
  }

  /**
   * Resolves once these orders have been sent and the page in `tab` has processed the responses, whatever they are. The
   * site has a request before its page has the response: a page that is left in between rightly sends the orders again.
   *
   * @param {ScriptedTab} tab
   * @param {string[]} ids
   */
  async waitForResponses(tab, ...ids) {
    await this.waitFor(`a request with ${ids.join(", ")}`, () =>
      ids.every((id) => this.events.some((event) => event.id === id)),
    );
    await tab.waitForFunction(hasResponses(this.requests, ids));
    await tab.evaluate("new Promise((resolve) => setTimeout(resolve))");
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(request, response) {
    const { url = "" } = request;
    const { pathname, searchParams } = new URL(url, "http://any");
    if (request.method === "POST") {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      if (/urlencoded/.test(request.headers["content-type"] ?? "")) {
        this.forms.push(Object.fromEntries(new URLSearchParams(text)));
        this.#condition.notify();
        response.writeHead(200, { "content-type": "text/html" }).end("Thanks");
        return;
      }
      const body = JSON.parse(text);
      const { status, headers, disconnect, hang } = this.respond(body);
      /** @type {SentRequest} */
      const sent = {
        status,
        url,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: request.headers,
        text,
        body,
      };
      this.requests.push(sent);
      this.#condition.notify();
      if (disconnect) {
        response.destroy();
        return;
      }
      if (hang) {
        await once(response, "close");
        sent.aborted = true;
        this.#condition.notify();
        return;
      }
      await this.#waitWhileHeld();
      response
        .writeHead(Number(status), {
          "access-control-allow-origin": "*",
          ...headers,
        })
        .end();
    } else if (pathname.startsWith("/sdk/") && !pathname.endsWith(".json")) {
      const name = pathname.slice("/sdk/".length);
      const file = this.files.get(name);
      await this.#waitWhileHeld(name);
      response
        .writeHead(file ? 200 : 404, { "content-type": this.scriptType })
        .end(file);
    } else if (pathname.endsWith(".json") && !(pathname in this.pages)) {
      this.configRequests.push(pathname);
      response
        .writeHead(200, {
          "content-type": "application/json",
          "access-control-allow-origin": "*",
        })
        .end(`{"automatic_advanced_matching_enabled":${this.hasMatching}}`);
      this.#condition.notify();
    } else {
      const page = this.pages[pathname];
      const headers = typeof page === "object" ? page.headers : {};
      response
        .writeHead(page === undefined ? 404 : 200, {
          "content-type": "text/html; charset=utf-8",
          ...headers,
        })
        .end(typeof page === "object" ? page.html : (page ?? "not found"));
    }
  }
}
