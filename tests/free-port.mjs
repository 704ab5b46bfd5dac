// A port for a program that cannot choose one by itself.
import { once } from "node:events";
import { createServer } from "node:net";

/** A port of this machine that was free just now. */
export const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (
    server.address()
  );
  server.close();
  await once(server, "close");
  return port;
};
