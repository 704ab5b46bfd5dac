// HTTP as the scenarios need it: every status is a response, and raw bytes can be sent.
import { Agent, request } from "node:http";
import { connect } from "node:net";

/**
 * @typedef {Record<string, string | string[] | undefined>} Headers
 *
 * @typedef {object} HttpResponse
 * @property {number} status
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {string} text
 */

/**
 * The headers without those that are undefined.
 *
 * @param {Headers} headers
 */
const definedIn = (headers) =>
  Object.fromEntries(
    Object.entries(headers).filter(([, value]) => value !== undefined),
  );

/** @param {number} connections */
export const keepAliveAgent = (connections) =>
  new Agent({ keepAlive: true, maxSockets: connections });

/**
 * Sends a request to this machine. It fails if no response arrives.
 *
 * @param {number} port
 * @param {string} path
 * @param {object} [options]
 * @param {string} [options.method]
 * @param {Headers} [options.headers]
 * @param {string | Uint8Array} [options.body]
 * @param {Agent} [options.agent]
 * @returns {Promise<HttpResponse>}
 */
export const send = (
  port,
  path,
  { method = "GET", headers = {}, body = "", agent } = {},
) =>
  new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method,
        headers: {
          "content-length": Buffer.byteLength(body),
          ...definedIn(headers),
        },
        agent,
        timeout: 60_000,
      },
      (response) => {
        /** @type {Buffer[]} */
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on("timeout", () => sent.destroy(new Error("no response in 60 s")));
    sent.on("error", reject);
    sent.end(body);
  });

/**
 * Sends bytes over a connection of its own. Returns what the server answered until it closed the connection, and how long that
 * took. `keepSending` is written once a second.
 *
 * @param {number} port
 * @param {string} bytes
 * @param {string} [keepSending]
 * @returns {Promise<{ text: string, seconds: number }>}
 */
export const sendRaw = (port, bytes, keepSending) =>
  new Promise((resolve) => {
    const start = Date.now();
    const socket = connect(port, "127.0.0.1");
    let text = "";
    const timer = setInterval(() => {
      if (keepSending) socket.write(keepSending);
    }, 1000);
    socket.on("data", (chunk) => (text += chunk));
    // the server has closed the connection while this side was still sending
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearInterval(timer);
      resolve({ text, seconds: (Date.now() - start) / 1000 });
    });
    socket.setTimeout(60_000, () => socket.destroy());
    socket.write(bytes);
  });
