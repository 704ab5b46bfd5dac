// A customer's web site: its pages, the pixel's script, and an endpoint that keeps what the pixel sends.
import { createServer } from "node:http";
import { once } from "node:events";
import { pixelFiles, Visitor } from "./browser.mjs";
import { Waiting } from "./condition.mjs";

const HOST = "shop.example.test";
export const PIXEL = "TEST-PIXEL";
export const EVENTS = "/v1/sdk/events";
export const SETTINGS = "/pixel-config/v1";

let files;

/** The stub that an install snippet puts in the place of the pixel until that has loaded. */
export const STUB = `<script>(() => {
  if (window.oaiq) return;
  const stub = (window.oaiq = function () { stub.q.push(arguments); });
  stub.q = [];
})();</script>`;

export const script = (text) => `<script>${text}</script>`;

/** A page with it knows, once it is shown, whether it has slept in the back/forward cache. */
export const AWAKE = script(
  `addEventListener("pageshow", ({ persisted }) => { window.hasSlept = persisted; });`,
);

export const INIT = `oaiq("init", { pixelId: "${PIXEL}" });`;

/** The pixel's script element, which waits for nobody; with the site's own addresses unless told otherwise. */
export const pixelScript = (
  attributes = `data-endpoint="${EVENTS}" data-settings="${SETTINGS}"`,
  file = "oaiq.min.js",
) => `<script src="/sdk/${file}" ${attributes}></script>`;

/** A call that measures an order, as text. */
export const order = (id) =>
  `oaiq("measure", "order_created", { type: "contents", amount: 2599, currency: "EUR" }, { event_id: ${JSON.stringify(id)} });`;

/** A page of these parts. Without parts: stub and `init`, then the script. */
export const html = (...parts) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">` +
  `${(parts.length ? parts : [STUB, script(INIT), pixelScript()]).join("\n")}</head><body></body></html>`;

/** Listens until the test `t` ends. */
export const openSite = async (t, pages) => {
  files ??= pixelFiles();
  const site = new Site(await files, pages);
  await site.listen();
  t.after(() => site.close());
  return site;
};

/** A visitor looks at a site's front page, which has these parts. */
export const visit = async (t, browser, ...parts) => {
  const site = await openSite(t, { "/": html(...parts), "/next": html("") });
  const visitor = await Visitor.arrives(t, browser);
  const tab = await visitor.opens(site.url());
  return { site, visitor, tab };
};

/** A beacon names the charset of its text; the pixel's `fetch` does not. */
const isFetch = ({ headers }) => headers["content-type"] === "text/plain";

/** An expression: whether the page has the response to each of the fetch requests that carried one of these events. */
const hasResponses = (requests, ids) => {
  const urls = requests
    .filter(isFetch)
    .filter(({ body }) => body.events.some(({ id }) => ids.includes(id)))
    .map(({ url }) => url);
  return `${JSON.stringify(urls)}.every((url) =>
    performance.getEntriesByType("resource").some(({ name, responseEnd }) => name.endsWith(url) && responseEnd > 0))`;
};

class Site {
  /** What has come to the endpoint: `{status, url, path, query, headers, text, body, broken}`, oldest first. */
  requests = [];
  /** The paths of the settings that were asked for. */
  settingsAsked = [];
  /** By path, an html text or `{html, headers}`; the html may be bytes. */
  pages;
  /**
   * How a request to the endpoint is answered: `{status, headers}`, or not at all: as if the line were down, `{cut}`, or
   * until the browser gives it up, which makes it `broken` off, `{silent}`.
   */
  answerTo = () => ({ status: 202, headers: {} });
  /** What the server says that the pixel's files are. */
  scriptType = "text/javascript; charset=utf-8";
  #held;
  #waiting = new Waiting(() => {
    const arrived = this.events.map(({ type, id }) => `${type} ${id}`);
    return `what came was [${arrived.slice(-20).join(", ")}], refused ${JSON.stringify(this.refused)}`;
  });
  #server;

  constructor(files, pages) {
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
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** On localhost a page is in a secure context without a certificate. */
  url(path = "/", host = HOST) {
    return `http://${host}:${this.#server.address().port}${path}`;
  }

  /**
   * Lets requests to the endpoint, or those for that file of the pixel, wait for their answers, until `release`. They
   * count as arrived.
   */
  hold(file) {
    this.#held = { file, answers: [] };
  }

  release() {
    this.#held?.answers.forEach((go) => go());
    this.#held = undefined;
  }

  async #turn(file) {
    const held = this.#held;
    if (held && held.file === file)
      await new Promise((go) => held.answers.push(go));
  }

  /** How many requests have come by fetch. */
  get fetched() {
    return this.requests.filter(isFetch).length;
  }

  /** All events that have arrived, oldest first, diagnostics and the pixel's own included. */
  get events() {
    return this.requests.flatMap(({ body }) => body.events);
  }

  /** How many pixels have started: each says so by an event of its own. */
  get pixels() {
    const starts = this.events.filter(
      ({ type }) => type === "openai::sdk_init",
    );
    return new Set(starts.map(({ id }) => id)).size;
  }

  /** The events that the site has measured and the endpoint has taken. */
  get measured() {
    return this.requests
      .filter(({ status }) => status < 400)
      .flatMap(({ body }) => body.events)
      .filter(({ type }) => !/^(openai::|oai::)/.test(type));
  }

  /** How many times each event id of the measured events has arrived. */
  get arrivals() {
    const counts = {};
    for (const { id } of this.measured) counts[id] = (counts[id] ?? 0) + 1;
    return counts;
  }

  /** How many calls the pixel says it has refused, by reason. */
  get refused() {
    const sum = {};
    for (const { type, data } of this.events)
      if (type === "oai::diagnostic")
        for (const [reason, count] of Object.entries(
          data.dropped_event_reason_counts,
        ))
          sum[reason] = (sum[reason] ?? 0) + count;
    return sum;
  }

  /** Resolves once that holds. */
  until(what, holds) {
    return this.#waiting.until(what, holds);
  }

  /** Resolves once all these orders have arrived. */
  untilOrders(...ids) {
    return this.until(`order ${ids.join(", ")}`, () =>
      ids.every((id) => this.arrivals[id]),
    );
  }

  /**
   * Resolves once these orders have been sent and the page in `tab` has processed the responses, whatever they are. The
   * site has a request before its page has the response: a page that is left in between rightly sends the orders again.
   */
  async untilAnswered(tab, ...ids) {
    await this.until(`a request with ${ids.join(", ")}`, () =>
      ids.every((id) => this.events.some((event) => event.id === id)),
    );
    await tab.waitForFunction(hasResponses(this.requests, ids));
    await tab.evaluate("new Promise((resolve) => setTimeout(resolve))");
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, "http://any");
    if (request.method === "POST") {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      const answer = this.answerTo(JSON.parse(text));
      const taken = {
        status: answer.status,
        url: request.url,
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: request.headers,
        text,
        body: JSON.parse(text),
      };
      this.requests.push(taken);
      this.#waiting.changed();
      if (answer.cut) return response.destroy();
      if (answer.silent) {
        await once(response, "close");
        taken.broken = true;
        this.#waiting.changed();
        return;
      }
      await this.#turn();
      response
        .writeHead(answer.status, {
          "access-control-allow-origin": "*",
          ...answer.headers,
        })
        .end();
    } else if (pathname.startsWith("/sdk/")) {
      const name = pathname.slice("/sdk/".length);
      const file = this.files.get(name);
      await this.#turn(name);
      response
        .writeHead(file ? 200 : 404, { "content-type": this.scriptType })
        .end(file);
    } else if (pathname.endsWith(".json")) {
      this.settingsAsked.push(pathname);
      response
        .writeHead(200, {
          "content-type": "application/json",
          "access-control-allow-origin": "*",
        })
        .end('{"automatic_advanced_matching_enabled":false}');
      this.#waiting.changed();
    } else {
      const page = this.pages[pathname];
      response
        .writeHead(page === undefined ? 404 : 200, {
          "content-type": "text/html; charset=utf-8",
          ...page?.headers,
        })
        .end(page?.html ?? page ?? "nothing here");
    }
  }
}
