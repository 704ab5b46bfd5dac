// A proxy that answers for every host itself, with TLS and without: all of the internet that one visitor sees.
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { selfSigned } from "./certificate.mjs";
import { Route } from "./route.mjs";

const identity = selfSigned();

export class Internet {
  /** Is given a `Route` for each request. */
  onRequest = (route) => route.abort();
  #isBeacon;
  #connections = new Set();
  #plain = createServer((...exchange) => this.#answer("http", ...exchange));
  #secure = createSecureServer(identity, (...exchange) =>
    this.#answer("https", ...exchange),
  );

  /** `isBeacon(headers)` says whether a request is a beacon, which browsers mark in different ways. */
  constructor(isBeacon) {
    this.#isBeacon = isBeacon;
  }

  /** Starts a proxy. Its `address` is host and port. */
  static async begins(isBeacon) {
    const internet = new Internet(isBeacon);
    const server = internet.#plain;
    server.on("connection", (socket) => {
      internet.#connections.add(socket);
      socket.on("close", () => internet.#connections.delete(socket));
      // the browser may break off whatever it likes
      socket.on("error", () => {});
    });
    server.on("connect", (request, socket, head) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      if (head.length > 0) socket.unshift(head);
      // whichever host was asked for, it is here
      internet.#secure.emit("connection", socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    internet.address = `127.0.0.1:${server.address().port}`;
    return internet;
  }

  async #answer(scheme, request, response) {
    try {
      const parts = [];
      for await (const part of request) parts.push(part);
      await this.onRequest(
        new Route(
          scheme,
          request,
          Buffer.concat(parts),
          response,
          this.#isBeacon,
        ),
      );
    } catch {
      response.destroy();
    }
  }

  ends() {
    this.#plain.close();
    for (const socket of this.#connections) socket.destroy();
  }
}
