// The way from the browser's proxy to a site on this machine.
import { request as httpRequest } from "node:http";

/** @typedef {import("../firefox/route.mjs").AnyRoute} AnyRoute */

/**
 * The proxy frames its responses itself.
 *
 * @param {import("../firefox/route.mjs").Headers} headers
 */
const withoutFraming = (headers) =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(transfer-encoding|content-length|connection)$/.test(name),
    ),
  );

/**
 * Forwards the browser's requests to a site on this machine.
 *
 * @param {{ url: () => string }} site
 */
export const forward = (site) => async (/** @type {AnyRoute} */ route) => {
  const { url, method, allHeaders, postData } = route.request();
  const { pathname, search } = new URL(url());
  const { port } = new URL(site.url());
  const headers = await allHeaders();
  return new Promise((resolve) => {
    const forwarded = httpRequest(
      {
        port,
        host: "127.0.0.1",
        path: pathname + search,
        method: method(),
        headers,
      },
      async (response) => {
        const parts = await response.toArray();
        resolve(
          route.fulfill({
            status: response.statusCode,
            headers: withoutFraming(response.headers),
            body: Buffer.concat(parts),
          }),
        );
      },
    );
    forwarded.on("error", () => resolve(route.abort()));
    forwarded.end(postData());
  });
};
