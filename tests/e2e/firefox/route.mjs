// An intercepted request: as much of Playwright's `Route` as the conformance player uses.

/**
 * @typedef {import("node:http").IncomingHttpHeaders} Headers
 *
 * @typedef {(headers: Headers) => boolean} IsBeacon whether a request is a beacon, which each browser marks differently
 *
 * @typedef {object} Fulfillment
 * @property {number} [status]
 * @property {import("node:http").OutgoingHttpHeaders} [headers]
 * @property {string} [contentType]
 * @property {string | Buffer} [body]
 *
 * @typedef {object} RouteRequest
 * @property {() => string} url
 * @property {() => string} method
 * @property {() => Promise<Headers>} allHeaders
 * @property {() => string} resourceType
 * @property {() => string} postData
 *
 * @typedef {object} AnyRoute
 * @property {() => RouteRequest} request
 * @property {(reason?: string) => Promise<void>} abort
 * @property {(fulfillment: Fulfillment) => Promise<void>} fulfill
 */

/** @implements {AnyRoute} */
export class Route {
  #request;
  #response;

  /**
   * @param {"http" | "https"} scheme
   * @param {import("node:http").IncomingMessage} request
   * @param {Buffer} body
   * @param {import("node:http").ServerResponse} response
   * @param {IsBeacon} isBeacon
   */
  constructor(
    scheme,
    { method = "GET", url = "", headers },
    body,
    response,
    isBeacon,
  ) {
    // a proxy receives absolute URLs, a server paths
    const absolute = url.startsWith("/")
      ? `${scheme}://${headers.host}${url}`
      : url;
    this.#response = response;
    this.#request = {
      url: () => absolute,
      method: () => method,
      allHeaders: async () => headers,
      resourceType: () => resourceType(headers, isBeacon),
      postData: () => body.toString(),
    };
  }

  request() {
    return this.#request;
  }

  /** Closes the connection, as if the network were down. */
  async abort() {
    this.#response.destroy();
  }

  /** @param {Fulfillment} fulfillment */
  async fulfill({ status = 200, headers, contentType, body }) {
    const type = contentType && { "content-type": contentType };
    this.#response.writeHead(status, { ...headers, ...type });
    this.#response.end(body);
  }
}

/**
 * Playwright's name for what the request is for. Sec-Fetch-Dest is "empty" for both a beacon and a `fetch`.
 *
 * @param {Headers} headers
 * @param {IsBeacon} isBeacon
 */
const resourceType = (headers, isBeacon) => {
  const destination = String(headers["sec-fetch-dest"] ?? "empty");
  if (destination !== "empty") return destination;
  return isBeacon(headers) ? "ping" : "fetch";
};
