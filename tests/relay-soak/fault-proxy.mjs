// Stands between the relay and the collector, and plays the faults of a network and of OpenAI.
import { createServer } from "node:http";
import { keepAliveAgent, send } from "./http.mjs";

/**
 * A request of the relay.
 *
 * @typedef {object} UpstreamRequest
 * @property {number} at in milliseconds since 1970
 * @property {string} pixel
 * @property {string} head the request line and the headers
 * @property {string} body
 */

/**
 * What the proxy does with a request: passes it on (perhaps with another body), answers it itself, never answers, or closes
 * the connection.
 *
 * @typedef {{ pass: string }
 *   | { answer: number, headers?: Record<string, string>, body?: object }
 *   | "hang" | "close"} Fault
 */

export class FaultProxy {
  /** @type {UpstreamRequest[]} */
  requests = [];
  /** @type {(request: UpstreamRequest) => Fault | Promise<Fault>} */
  fault = ({ body }) => ({ pass: body });
  /** @type {((request: UpstreamRequest) => void | Promise<void>) | undefined} runs after the collector's answer, and before the relay gets it */
  beforeAnswer;
  #agent = keepAliveAgent(64);
  #server = createServer((request, response) => {
    /** @type {Buffer[]} */
    const chunks = [];
    request.on("error", () => response.destroy());
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      this.#respond(request, Buffer.concat(chunks).toString(), response).catch(
        // the collector is down, or the relay was killed
        () => response.destroy(),
      );
    });
  });

  /** @param {number} collectorPort */
  constructor(collectorPort) {
    this.collectorPort = collectorPort;
  }

  async start() {
    await new Promise(
      /** @param {(value?: unknown) => void} resolve */ (resolve) =>
        this.#server.listen(0, "127.0.0.1", () => resolve()),
    );
  }

  get url() {
    const { port } = /** @type {import("node:net").AddressInfo} */ (
      this.#server.address()
    );
    return `http://127.0.0.1:${port}`;
  }

  /** From now on, all requests reach the collector. */
  repair() {
    this.fault = ({ body }) => ({ pass: body });
  }

  /**
   * From now on, all requests get this answer.
   *
   * @param {number} answer
   * @param {Record<string, string>} [headers]
   */
  fail(answer, headers) {
    this.fault = () => ({ answer, headers });
  }

  close() {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    return new Promise((resolve) => this.#server.close(resolve));
  }

  /**
   * @param {import("node:http").IncomingMessage} request
   * @param {string} body
   * @param {import("node:http").ServerResponse} response
   */
  async #respond({ method, url = "", headers }, body, response) {
    const seen = {
      at: Date.now(),
      pixel: new URL(url, this.url).searchParams.get("pid") ?? "",
      head: `${method} ${url}\n${JSON.stringify(headers)}`,
      body,
    };
    const isEvents = url.startsWith("/v1/events");
    if (isEvents) this.requests.push(seen);
    const fault = isEvents ? await this.fault(seen) : { pass: body };
    if (fault === "hang") return;
    if (fault === "close") return void response.destroy();
    if ("answer" in fault) {
      response.writeHead(fault.answer, {
        "content-type": "application/json",
        "x-request-id": "soak",
        ...fault.headers,
      });
      response.end(JSON.stringify(fault.body ?? {}));
      return;
    }
    const answer = await send(this.collectorPort, url, {
      method,
      headers: {
        authorization: headers.authorization,
        "content-type": headers["content-type"],
      },
      body: fault.pass,
      agent: this.#agent,
    });
    await this.beforeAnswer?.(seen);
    response.writeHead(answer.status, {
      "content-type": answer.headers["content-type"],
      "x-request-id": answer.headers["x-request-id"],
    });
    response.end(answer.text);
  }
}

/**
 * The events of a request.
 *
 * @param {UpstreamRequest} request
 * @returns {Record<string, any>[]}
 */
export const eventsOf = ({ body }) => JSON.parse(body).events;
