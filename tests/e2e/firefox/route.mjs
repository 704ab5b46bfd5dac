// One request that has arrived, in the form that Playwright gives it to the harness.

export class Route {
  #request;
  #response;

  constructor(scheme, { method, url, headers }, body, response, isBeacon) {
    // a proxy is asked for whole addresses, a server for paths
    const address = url.startsWith("/")
      ? `${scheme}://${headers.host}${url}`
      : url;
    this.#response = response;
    this.#request = {
      url: () => address,
      method: () => method,
      allHeaders: async () => headers,
      resourceType: () => kindOf(headers, isBeacon),
      postData: () => body.toString(),
    };
  }

  request() {
    return this.#request;
  }

  /** Breaks off, as a network does that is down. */
  async abort() {
    this.#response.destroy();
  }

  async fulfill({ status = 200, headers, contentType, body }) {
    const type = contentType && { "content-type": contentType };
    this.#response.writeHead(status, { ...headers, ...type });
    this.#response.end(body);
  }
}

/** What the request is for. Sec-Fetch-Dest is "empty" for a beacon and for a `fetch`. */
const kindOf = (headers, isBeacon) => {
  const destination = headers["sec-fetch-dest"] ?? "empty";
  if (destination !== "empty") return destination;
  return isBeacon(headers) ? "ping" : "fetch";
};
