// A proxy that responds for every host itself, with and without TLS: the whole internet, as far as one visitor can see.
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createSelfSigned } from "./certificate.mjs";
import { Route } from "./route.mjs";

const identity = createSelfSigned();

export class InterceptingProxy {
  /**
   * Handles each request.
   *
   * @type {(route: Route) => unknown}
   */
  onRequest = (route) => route.abort();
  /** Host and port. */
  address = "";
  #isBeacon;
  /** @type {Set<import("node:net").Socket>} */
  #connections = new Set();
  #plain = createServer((request, response) =>
    this.#answer("http", request, response),
  );
  #secure = createSecureServer(identity, (request, response) =>
    this.#answer("https", request, response),
  );

  /** @param {import("./route.mjs").IsBeacon} isBeacon */
  constructor(isBeacon) {
    this.#isBeacon = isBeacon;
  }

  /** @param {import("./route.mjs").IsBeacon} isBeacon */
  static async start(isBeacon) {
    const proxy = new InterceptingProxy(isBeacon);
    const server = proxy.#plain;
    server.on("connection", (socket) => {
      proxy.#connections.add(socket);
      socket.on("close", () => proxy.#connections.delete(socket));
      // the browser may abort any request
      socket.on("error", () => {});
    });
    server.on("connect", (_request, socket, head) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      if (head.length > 0) socket.unshift(head);
      // every host is this one
      proxy.#secure.emit("connection", socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (
      server.address()
    );
    proxy.address = `127.0.0.1:${port}`;
    return proxy;
  }

  /**
   * @param {"http" | "https"} scheme
   * @param {import("node:http").IncomingMessage} request
   * @param {import("node:http").ServerResponse} response
   */
  async #answer(scheme, request, response) {
    try {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      await this.onRequest(
        new Route(scheme, request, body, response, this.#isBeacon),
      );
    } catch {
      response.destroy();
    }
  }

  stop() {
    this.#plain.close();
    for (const socket of this.#connections) socket.destroy();
  }
}
