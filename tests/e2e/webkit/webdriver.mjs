// The programs of a WebKit session: a display that nobody sees, and WebKitWebDriver, which starts a MiniBrowser.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

/** A program that ends with this process. */
const start = (program, args, options) => {
  // a group of its own, so that the browser that a driver has started ends with the driver
  const child = spawn(program, args, { ...options, detached: true });
  const end = () => signal(child, "SIGTERM");
  process.on("exit", end);
  child.once("exit", () => process.off("exit", end));
  child.once("error", () => process.off("exit", end));
  return child;
};

/** Waits until a program has started, and says what to install if there is none. */
const started = (child, program) =>
  new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", ({ message }) =>
      reject(
        new Error(
          `${program} does not start (${message}): install webkit2gtk-driver and xvfb`,
        ),
      ),
    );
  });

/** Sends a signal to a program and to all that it has started. */
const signal = (child, name) => {
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
};

/** How long a program may take to end when it is asked to. */
const STOP_MS = 5_000;

const stop = async (child) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  signal(child, "SIGTERM");
  const kill = setTimeout(() => signal(child, "SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(kill);
};

/** A display with a number that is free: `{name, stop()}`. */
export const openDisplay = async () => {
  const xvfb = start(
    "Xvfb",
    ["-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
    { stdio: ["ignore", "ignore", "ignore", "pipe"] },
  );
  await started(xvfb, "Xvfb");
  const [number] = await Promise.race([
    once(xvfb.stdio[3], "data"),
    once(xvfb, "exit").then(() => {
      throw new Error("Xvfb ended before it had a display");
    }),
  ]);
  return { name: `:${String(number).trim()}`, stop: () => stop(xvfb) };
};

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
};

/** How long a command may take: longer than the longest of the session's own timeouts. */
const CALL_MS = 90_000;

/** How often a driver is started anew because somebody else has taken its port. */
const TRIES = 5;

export class Driver {
  #child;
  #address;

  /** A driver has one session at a time. `env` is the browser's environment too. */
  static async starts(env) {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const port = await freePort();
      const child = start("WebKitWebDriver", [`--port=${port}`], {
        stdio: "ignore",
        env,
      });
      await started(child, "WebKitWebDriver");
      const driver = new Driver(child, `http://127.0.0.1:${port}`);
      if (await driver.#isReady()) return driver;
    }
    throw new Error("WebKitWebDriver found no port to listen on");
  }

  constructor(child, address) {
    this.#child = child;
    this.#address = address;
  }

  async #isReady() {
    while (this.#child.exitCode === null && this.#child.signalCode === null) {
      try {
        await this.call("GET", "/status");
        return true;
      } catch {
        await pause(25);
      }
    }
    return false;
  }

  /** https://w3c.github.io/webdriver/#endpoints */
  async call(method, path, body, { timeout = CALL_MS } = {}) {
    const response = await fetch(this.#address + path, {
      method,
      signal: AbortSignal.timeout(timeout),
      ...(method === "POST" && { body: JSON.stringify(body ?? {}) }),
    });
    const { value } = await response.json();
    if (!response.ok)
      throw new Error(`${method} ${path}: ${value.error}, ${value.message}`);
    return value;
  }

  stop() {
    return stop(this.#child);
  }
}
