// A site whose pages always load, and an endpoint that each visitor reaches by a connection of their own: up, down or
// stalled, as the test says.
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { join } from "node:path";
import { root } from "../../scripts/exec.mjs";
import { readDist } from "../e2e/support/browser.mjs";
import {
  html,
  inlineScript,
  INIT,
  QUEUE_STUB,
  sdkTag,
} from "../e2e/support/site.mjs";
import { createSelfSigned } from "../e2e/firefox/certificate.mjs";

/**
 * @typedef {import("node:http").IncomingMessage} IncomingMessage
 * @typedef {import("node:http").ServerResponse} ServerResponse
 *
 * @typedef {{title: string, host: string, isCrossOrigin: boolean}} Setup
 * @typedef {"script" | "snippet"} PageKind with the pixel's script element, or with the install snippet
 *
 * @typedef {object} EndpointRequest times are in milliseconds
 * @property {number} page
 * @property {boolean} isBeacon
 * @property {number} receivedAt
 * @property {string[]} eventIds of the site's own events in it
 * @property {boolean} isDelivered
 * @property {boolean} [wasStalled]
 * @property {number} [brokenAt] when the connection broke
 * @property {number} [respondedAt]
 */

/**
 * Where the pages are, and whether the endpoint is on another origin, whose responses are opaque.
 *
 * @type {Record<string, Setup>}
 */
export const SETUPS = {
  // a secure context: Web Locks are available
  localhost: {
    title: "Endpoint on the page's own origin, with locks",
    host: "localhost",
    isCrossOrigin: false,
  },
  // no secure context: an outbox record is claimed by a timestamp
  plain: {
    title: "The same on plain http, without locks",
    host: "shop.example.test",
    isCrossOrigin: false,
  },
  // as the vendor's endpoint is
  opaque: {
    title: "Endpoint on another origin, whose responses cannot be read",
    host: "localhost",
    isCrossOrigin: true,
  },
};

/** A page's pagehide listener stores `navigator.onLine` under this localStorage key and the page's number. */
export const PAGEHIDE_MARK = "soak_pagehide_of_page_";

const SNIPPET = join(root, "www/snippet/snippet.html");
const PLACEHOLDER = "https://YOUR-SITE/oaiq.min.js";

/**
 * The project's install snippet with this URL of the script.
 *
 * @param {string} url
 */
const snippet = (url) => {
  if (!existsSync(SNIPPET)) throw new Error(`${SNIPPET} is missing`);
  const text = readFileSync(SNIPPET, "utf8");
  if (!text.includes(PLACEHOLDER))
    throw new Error(`${SNIPPET} does not contain ${PLACEHOLDER}`);
  return text.replace(PLACEHOLDER, url);
};

/** One visitor's connection to the endpoint. It records all requests, delivered or not. */
class Connection {
  /** @type {"up" | "down" | "stalled"} */
  state = "up";
  /** How many pages the visitor has loaded. */
  pageCount = 0;
  /**
   * When each page ended, by its number.
   *
   * @type {Map<number, number>}
   */
  pageEnds = new Map();
  /**
   * Pages that knew of a failed request when they ended.
   *
   * @type {Set<number>}
   */
  pagesWithFailures = new Set();
  /** @type {EndpointRequest[]} */
  requests = [];
  /**
   * While pending, the pixel's script is delayed.
   *
   * @type {Promise<void> | undefined}
   */
  heldScript;
  /** @type {Set<(value?: unknown) => void>} */
  #stalled = new Set();

  /** @param {(text: string) => void} log */
  constructor(log) {
    this.log = log;
  }

  /**
   * "up": requests have responses. "down": their socket is destroyed. "stalled": they wait until the state changes.
   *
   * @param {Connection["state"]} state
   */
  setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.log(`the connection is ${state}`);
    if (state === "stalled") return;
    this.#stalled.forEach((resume) => resume());
    this.#stalled.clear();
  }

  /** Delays the pixel's script until the returned function is called. */
  holdScript() {
    /** @type {() => void} */
    let release = () => {};
    this.heldScript = new Promise((resolve) => (release = resolve));
    return () => {
      this.heldScript = undefined;
      release();
    };
  }

  /** The requests that delivered each event, by event ID. */
  get deliveries() {
    /** @type {Map<string, EndpointRequest[]>} */
    const all = new Map();
    for (const request of this.requests)
      if (request.isDelivered)
        for (const id of request.eventIds)
          all.set(id, [...(all.get(id) ?? []), request]);
    return all;
  }

  /**
   * Handles a request of one of the visitor's pages. It is read in any state, so that the account knows what was in a request
   * that failed; the browser sees no difference. It counts as delivered if the connection lets it have a response.
   *
   * @param {number} page
   * @param {IncomingMessage} message
   * @param {ServerResponse} response
   */
  async receive(page, message, response) {
    const isBeacon = message.headers["content-type"] !== "text/plain";
    /** @type {EndpointRequest} */
    const request = {
      page,
      isBeacon,
      receivedAt: Date.now(),
      eventIds: [],
      isDelivered: false,
    };
    this.requests.push(request);
    const report = (/** @type {string} */ what) =>
      this.log(
        `${isBeacon ? "beacon" : "fetch"} of page ${page} ${what}: ${abbreviate(request.eventIds)}`,
      );
    try {
      const chunks = [];
      for await (const chunk of message) chunks.push(chunk);
      /** @type {{events: {type: string, id: string}[]}} */
      const { events } = JSON.parse(Buffer.concat(chunks).toString());
      request.eventIds = events
        .filter(({ type }) => !/^(openai::|oai::)/.test(type))
        .map(({ id }) => id);
    } catch {
      request.brokenAt = Date.now();
      return report("ended early");
    }
    if (this.state === "stalled") {
      request.wasStalled = true;
      report("is stalled");
      await Promise.race([
        new Promise((resume) => this.#stalled.add(resume)),
        once(response, "close"),
      ]);
    }
    if (response.destroyed) {
      request.brokenAt = Date.now();
      return report("was aborted by the browser");
    }
    // `setState` may have been called meanwhile
    if (/** @type {string} */ (this.state) === "down") {
      request.brokenAt = Date.now();
      message.socket.destroy();
      return report("failed");
    }
    request.isDelivered = true;
    report("was delivered");
    response.on("finish", () => (request.respondedAt = Date.now()));
    response.writeHead(202, { "access-control-allow-origin": "*" }).end();
  }
}

/**
 * Event IDs for a line of text.
 *
 * @param {string[]} ids
 */
export const abbreviate = (ids) =>
  ids.length > 9 ? `${ids.length} events` : `[${ids.join(" ")}]`;

export class Network {
  #files;
  /** @type {Map<string, Connection>} */
  #connections = new Map();
  /** @type {import("node:http").Server[]} */
  #servers = [];
  /** The origin of the pages. */
  #origin = "";
  /** The origin of the endpoint, or nothing where it is that of the pages. */
  #endpoint = "";

  /** @param {string} setup */
  static async open(setup) {
    const options = SETUPS[setup];
    if (!options) throw new Error(`unknown setup ${setup}`);
    const network = new Network(await readDist());
    await network.#listen(options);
    return network;
  }

  /** @param {Map<string, Buffer>} files */
  constructor(files) {
    this.#files = files;
  }

  /** @param {Setup} setup */
  async #listen({ host, isCrossOrigin }) {
    /**
     * @param {IncomingMessage} request
     * @param {ServerResponse} response
     */
    const handle = (request, response) =>
      this.#handle(request, response).catch((error) => response.destroy(error));
    const listen = async (/** @type {import("node:http").Server} */ server) => {
      this.#servers.push(server);
      server.on("request", handle);
      // closing a reused connection would look like an outage
      server.keepAliveTimeout = 600_000;
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = /** @type {import("node:net").AddressInfo} */ (
        server.address()
      );
      return port;
    };
    this.#origin = `http://${host}:${await listen(createServer())}`;
    if (isCrossOrigin)
      this.#endpoint = `https://events.example.test:${await listen(createSecureServer(createSelfSigned()))}`;
  }

  close() {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  /**
   * Adds the connection of a new visitor.
   *
   * @param {string} visitor
   * @param {(text: string) => void} log
   */
  connect(visitor, log) {
    const connection = new Connection(log);
    this.#connections.set(visitor, connection);
    return connection;
  }

  /**
   * @param {string} visitor
   * @param {PageKind} kind
   */
  url(visitor, kind) {
    return `${this.#origin}/page/${visitor}/${kind}`;
  }

  /**
   * @param {IncomingMessage} request
   * @param {ServerResponse} response
   */
  async #handle(request, response) {
    const { pathname } = new URL(request.url ?? "", "http://any");
    const [, what, visitor = "", rest = ""] = pathname.split("/");
    const connection = this.#connections.get(visitor);
    /**
     * @param {string} type
     * @param {string | Buffer} [body]
     */
    const send = (type, body) =>
      response
        .writeHead(200, {
          "content-type": `${type}; charset=utf-8`,
          "access-control-allow-origin": "*",
          "cache-control": "no-store",
        })
        .end(body);
    if (!connection) response.writeHead(404).end();
    else if (what === "events")
      await connection.receive(Number(rest), request, response);
    else if (what === "config")
      send("application/json", '{"automatic_advanced_matching_enabled":false}');
    else if (what === "sdk") {
      await connection.heldScript;
      send("text/javascript", this.#files.get(rest));
    } else if (what === "page") {
      const kind = /** @type {PageKind} */ (rest);
      connection.pageCount += 1;
      connection.log(`page ${connection.pageCount} (${kind})`);
      send("text/html", this.#page(visitor, connection.pageCount, kind));
    } else response.writeHead(404).end();
  }

  /**
   * Each page has an endpoint URL of its own, so that the endpoint can tell the pages apart.
   *
   * @param {string} visitor
   * @param {number} page
   * @param {PageKind} kind
   */
  #page(visitor, page, kind) {
    const endpoint = `${this.#endpoint}/events/${visitor}/${page}`;
    const settings = `/config/${visitor}`;
    const parts =
      kind === "snippet"
        ? [
            snippet(`/sdk/${visitor}/oaiq.min.js`),
            inlineScript(
              `oaiq.config = ${JSON.stringify({ endpoint, settings })};`,
            ),
            inlineScript(INIT),
          ]
        : [
            QUEUE_STUB,
            inlineScript(INIT),
            sdkTag(
              `data-endpoint="${endpoint}" data-settings="${settings}"`,
            ).replace("/sdk/", `/sdk/${visitor}/`),
          ];
    const mark = `addEventListener("pagehide", () => (localStorage["${PAGEHIDE_MARK}${page}"] = navigator.onLine));`;
    return html(...parts, inlineScript(mark));
  }
}
