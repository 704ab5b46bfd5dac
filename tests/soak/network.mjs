// A site whose pages always come, and an endpoint that each visitor has a line of their own to: up, down or silent, as
// the test says.
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { join } from "node:path";
import { root } from "../../scripts/exec.mjs";
import { pixelFiles } from "../e2e/support/browser.mjs";
import { html, INIT, pixelScript, script, STUB } from "../e2e/support/site.mjs";
import { selfSigned } from "../e2e/firefox/certificate.mjs";

/** Where the pages are, and whether the endpoint is on another origin, so that answers cannot be read. */
export const SETUPS = {
  // a secure context: there are locks
  localhost: {
    title: "Endpoint on the page's own origin, with locks",
    host: "localhost",
    elsewhere: false,
  },
  // none: a box is claimed by a time
  plain: {
    title: "The same on plain http, without locks",
    host: "shop.example.test",
    elsewhere: false,
  },
  // as the vendor's is
  opaque: {
    title: "Endpoint on another origin, whose answers cannot be read",
    host: "localhost",
    elsewhere: true,
  },
};

/** What a page that hears of its end leaves in localStorage, with its number: whether the browser says that it is online. */
export const HEARD_END = "soak_heard_end_of_page_";

const SNIPPET = join(root, "www/snippet/snippet.html");
const ADDRESS = "https://YOUR-SITE/oaiq.min.js";

/** The project's own install snippet, with this address of the script. */
const snippet = (address) => {
  if (!existsSync(SNIPPET))
    throw new Error(
      "www/snippet/snippet.html is missing: there is no install snippet",
    );
  const text = readFileSync(SNIPPET, "utf8");
  if (!text.includes(ADDRESS))
    throw new Error(`www/snippet/snippet.html does not name ${ADDRESS}`);
  return text.replace(ADDRESS, address);
};

/** One visitor's line to the endpoint. It keeps what has come over it, and what has not. */
class Line {
  state = "up";
  /** How many pages the visitor has been given. */
  pages = 0;
  /** When each of them ended. */
  ended = new Map();
  /** Those that ended knowing of a failed request. */
  failing = new Set();
  /**
   * Requests to the endpoint: `{page, beacon, at, carried, held?, ids?, destroyed?, answered?}`, times in milliseconds;
   * `held`: a silent line has kept it back for a while; `carried` are the ids of the site's own events in it, `ids` the same if it has arrived.
   */
  requests = [];
  /** While a promise, the pixel's script waits for it. */
  scriptHeld;
  #held = new Set();

  constructor(log) {
    this.log = log;
  }

  /** "up": requests are answered. "down": their socket is destroyed. "silent": they wait until that changes. */
  turn(state) {
    if (state === this.state) return;
    this.state = state;
    this.log(`the line is ${state}`);
    if (state === "silent") return;
    this.#held.forEach((go) => go());
    this.#held.clear();
  }

  /** Keeps the pixel's script from arriving; what is returned lets it. */
  holdScript() {
    let release;
    this.scriptHeld = new Promise((go) => (release = go));
    return () => {
      this.scriptHeld = undefined;
      release();
    };
  }

  /** Event ids with the requests that each has come by. */
  get arrivals() {
    const all = new Map();
    for (const request of this.requests)
      for (const id of request.ids ?? [])
        all.set(id, [...(all.get(id) ?? []), request]);
    return all;
  }

  /**
   * A request comes in from that page of the visitor's. It is read in any case, so that the account can tell what was in
   * one that had no luck; the browser sees no difference. It counts as arrived if the line lets it be answered.
   */
  async take(page, request, response) {
    const beacon = request.headers["content-type"] !== "text/plain";
    const taken = { page, beacon, at: Date.now(), carried: [] };
    this.requests.push(taken);
    const tell = (what) =>
      this.log(
        `${beacon ? "beacon" : "fetch"} of page ${page} ${what}: ${briefly(taken.carried)}`,
      );
    try {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const { events } = JSON.parse(Buffer.concat(chunks).toString());
      taken.carried = events
        .filter(({ type }) => !/^(openai::|oai::)/.test(type))
        .map(({ id }) => id);
    } catch {
      taken.destroyed = Date.now();
      return tell("broke off");
    }
    if (this.state === "silent") {
      taken.held = true;
      tell("waits");
      await Promise.race([
        new Promise((go) => this.#held.add(go)),
        once(response, "close"),
      ]);
    }
    if (response.destroyed) {
      taken.destroyed = Date.now();
      return tell("was given up by the browser");
    }
    if (this.state === "down") {
      taken.destroyed = Date.now();
      request.socket.destroy();
      return tell("destroyed");
    }
    taken.ids = taken.carried;
    tell("arrived");
    response.on("finish", () => (taken.answered = Date.now()));
    response.writeHead(202, { "access-control-allow-origin": "*" }).end();
  }
}

/** Event ids for a line of text. */
export const briefly = (ids) =>
  ids.length > 9 ? `${ids.length} events` : `[${ids.join(" ")}]`;

export class Network {
  #lines = new Map();
  #servers = [];
  #pages;
  #endpoint;

  static async open(setup) {
    const network = new Network();
    network.files = await pixelFiles();
    await network.#listen(SETUPS[setup]);
    return network;
  }

  async #listen({ host, elsewhere }) {
    const answer = (request, response) =>
      this.#answer(request, response).catch((error) => response.destroy(error));
    const serve = async (server) => {
      this.#servers.push(server);
      server.on("request", answer);
      // a reused connection that is just being closed would look like an outage
      server.keepAliveTimeout = 600_000;
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return server.address().port;
    };
    this.#pages = `http://${host}:${await serve(createServer())}`;
    this.#endpoint = elsewhere
      ? `https://events.example.test:${await serve(createSecureServer(selfSigned()))}`
      : "";
  }

  close() {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** A new visitor's line. */
  line(visitor, log) {
    const line = new Line(log);
    this.#lines.set(visitor, line);
    return line;
  }

  /** The address of a page of that kind: "script", whose script the page waits for, or "snippet". */
  url(visitor, kind) {
    return `${this.#pages}/page/${visitor}/${kind}`;
  }

  async #answer(request, response) {
    const [, what, visitor, rest] = new URL(
      request.url,
      "http://any",
    ).pathname.split("/");
    const line = this.#lines.get(visitor);
    const answer = (type, body) =>
      response
        .writeHead(200, {
          "content-type": `${type}; charset=utf-8`,
          "access-control-allow-origin": "*",
          "cache-control": "no-store",
        })
        .end(body);
    if (!line) response.writeHead(404).end();
    else if (what === "events")
      await line.take(Number(rest), request, response);
    else if (what === "settings")
      answer(
        "application/json",
        '{"automatic_advanced_matching_enabled":false}',
      );
    else if (what === "sdk") {
      await line.scriptHeld;
      answer("text/javascript", this.files.get(rest));
    } else if (what === "page") {
      line.pages += 1;
      line.log(`page ${line.pages} (${rest})`);
      answer("text/html", this.#page(visitor, line.pages, rest));
    } else response.writeHead(404).end();
  }

  /** Each page sends to an address of its own, so that the endpoint can tell them apart. */
  #page(visitor, page, kind) {
    const endpoint = `${this.#endpoint}/events/${visitor}/${page}`;
    const settings = `/settings/${visitor}`;
    const parts =
      kind === "snippet"
        ? [
            snippet(`/sdk/${visitor}/oaiq.min.js`),
            script(`oaiq.config = ${JSON.stringify({ endpoint, settings })};`),
            script(INIT),
          ]
        : [
            STUB,
            script(INIT),
            pixelScript(
              `data-endpoint="${endpoint}" data-settings="${settings}"`,
            ).replace("/sdk/", `/sdk/${visitor}/`),
          ];
    const hears = `addEventListener("pagehide", () => (localStorage["${HEARD_END}${page}"] = navigator.onLine));`;
    return html(...parts, script(hears));
  }
}
