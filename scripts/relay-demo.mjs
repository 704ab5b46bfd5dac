// A shop whose events go through a relay: a web server in front of the collector's shop passes /oaiq/ on to the relay, as nginx
// or Caddy would, and the relay forwards to the collector in the place of OpenAI.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const DEMO_PIXEL = "DEMO-SHOP-PIXEL";
/** The key that the shop's own servers send to the relay. A demo needs no secret. */
export const DEMO_BACKEND_KEY = "demo-backend-key";

/**
 * Passes a request on, with the visitor's address.
 *
 * @param {import("node:http").IncomingMessage} incoming
 * @param {import("node:http").ServerResponse} outgoing
 * @param {{ port: number, host?: string, rewrite?: (text: string) => string }} target - `rewrite` changes the pages
 */
const passOn = (incoming, outgoing, { port, host, rewrite }) => {
  const { headers, method, url, socket } = incoming;
  const upstream = request(
    {
      host: "127.0.0.1",
      port,
      method,
      path: url,
      headers: {
        ...headers,
        ...(host === undefined ? {} : { host }),
        ...(rewrite ? { "accept-encoding": "identity" } : {}),
        "x-forwarded-for": socket.remoteAddress ?? "",
      },
    },
    async (response) => {
      const isPage = /^text\/html/.test(response.headers["content-type"] ?? "");
      if (!rewrite || !isPage) {
        outgoing.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(outgoing);
        return;
      }
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      const page = rewrite(Buffer.concat(chunks).toString());
      outgoing
        .writeHead(response.statusCode ?? 502, {
          ...response.headers,
          "content-length": Buffer.byteLength(page),
        })
        .end(page);
    },
  );
  upstream.on("error", () => {
    if (!outgoing.headersSent) outgoing.writeHead(502);
    outgoing.end();
  });
  incoming.pipe(upstream);
};

/**
 * A page of the shop with the snippet for a relay: another address for the script, and one option.
 *
 * @param {string} page
 */
export const withRelay = (page) =>
  page
    .replace(
      /endpoint: "\/v1\/sdk\/events",\s+settings: "\/pixel-config\/v1"/,
      "relay: true",
    )
    .replace('"/sdk/oaiq.min.js"', '"/oaiq/oaiq.min.js"');

/**
 * Starts the web server of a site: `/oaiq/` is the relay, everything else the collector.
 *
 * @param {object} options
 * @param {number} options.port - 0 picks a free one
 * @param {number} options.collectorPort
 * @param {() => number} options.relayPort
 * @param {(path: string) => string | undefined} [options.page] - a page of the site's own
 */
export const startFront = async ({ port, collectorPort, relayPort, page }) => {
  const server = createServer((incoming, outgoing) => {
    const { pathname } = new URL(incoming.url ?? "/", "http://localhost");
    const own = page?.(pathname);
    if (own !== undefined)
      outgoing.writeHead(200, { "content-type": "text/html" }).end(own);
    else if (pathname.startsWith("/oaiq/"))
      passOn(incoming, outgoing, { port: relayPort() });
    else
      passOn(incoming, outgoing, {
        port: collectorPort,
        host: `localhost:${collectorPort}`,
        rewrite: withRelay,
      });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the web server has no port");
  return { server, origin: `http://localhost:${address.port}` };
};

/**
 * Writes a relay's configuration into a folder. Returns its file.
 *
 * @param {string} folder
 * @param {object} options
 * @param {string} options.origin - of the site
 * @param {number} options.collectorPort
 * @param {number} [options.port] - 0 picks a free one
 * @param {number} [options.metricsPort]
 * @param {string} [options.hold] - how long an order waits for its other half
 */
export const writeRelayConfig = async (
  folder,
  { origin, collectorPort, port = 0, metricsPort = 0, hold = "10s" },
) => {
  await mkdir(folder, { recursive: true });
  const file = join(folder, "relay.toml");
  await writeFile(join(folder, "key"), "demo-key");
  await writeFile(join(folder, "backend-key"), DEMO_BACKEND_KEY);
  await writeFile(
    file,
    `listen = "127.0.0.1:${port}"
metrics_listen = "127.0.0.1:${metricsPort}"
origins = ["${origin}"]
trusted_proxies = ["127.0.0.1"]
forwarded_header = "x-forwarded-for"
log = "json"

[[pixel]]
id = "${DEMO_PIXEL}"
key_file = "key"

[backend]
key_file = "backend-key"

[upstream]
url = "http://localhost:${collectorPort}"
config_url = "http://localhost:${collectorPort}/pixel-config/v1"

[store]
path = "relay.sqlite"

[hold]
order_created = "${hold}"
`,
  );
  return file;
};

/**
 * Starts a relay and resolves once it serves.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 */
export const startRelay = async (program, args, options = {}) => {
  const relay = spawn(program, args, {
    ...options,
    stdio: ["ignore", "inherit", "pipe"],
  });
  const lines = createInterface(
    /** @type {import("node:stream").Readable} */ (relay.stderr),
  );
  /** @type {string[]} */
  const errors = [];
  const port = await new Promise((resolve, reject) => {
    relay.once("error", reject);
    relay.once("close", () => reject(new Error(errors.join("\n"))));
    lines.on("line", (line) => {
      // before it serves, the relay says in plain text what keeps it from doing so
      if (!line.startsWith("{")) {
        errors.push(line);
        return;
      }
      const { listen, level, message } = JSON.parse(line);
      if (listen) resolve(Number(listen.split(":").at(-1)));
      else if (level !== "INFO") console.error(`relay: ${message}`);
    });
  });
  return { relay, port: /** @type {number} */ (port) };
};
