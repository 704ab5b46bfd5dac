// One request that has arrived, in the form that Playwright gives it to the harness.

/** How urgent a beacon is to Firefox. */
const BEACON = /\bu=6\b/;

export class Route {
  #request;
  #response;

  constructor(scheme, { method, url, headers }, body, response) {
    // a proxy is asked for whole addresses, a server for paths
    const address = url.startsWith("/")
      ? `${scheme}://${headers.host}${url}`
      : url;
    this.#response = response;
    this.#request = {
      url: () => address,
      method: () => method,
      allHeaders: async () => headers,
      resourceType: () => kindOf(headers),
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

/**
 * What the request is for. Both of the pixel's ways are `empty` to Sec-Fetch-Dest, and WebDriver BiDi has no word for
 * beacons: what tells them from a `fetch`, other than the type of the body, is their priority.
 */
const kindOf = (headers) => {
  const destination = headers["sec-fetch-dest"];
  if (destination !== "empty") return destination;
  return BEACON.test(headers.priority) ? "ping" : "fetch";
};
