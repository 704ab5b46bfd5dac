// The programs behind a WebKit session: a virtual display, and WebKitWebDriver, which starts a MiniBrowser.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../free-port.mjs";

/**
 * @typedef {import("node:child_process").ChildProcess} ChildProcess
 */

/**
 * Starts a program that ends with this process.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 */
const start = (program, args, options) => {
  // in its own process group, so that the browser ends with the driver that started it
  const child = spawn(program, args, { ...options, detached: true });
  const end = () => signal(child, "SIGTERM");
  process.on("exit", end);
  child.once("exit", () => process.off("exit", end));
  child.once("error", () => process.off("exit", end));
  return child;
};

/**
 * Resolves once a program has started; otherwise the error names the packages to install.
 *
 * @param {ChildProcess} child
 * @param {string} program
 * @returns {Promise<void>}
 */
const started = (child, program) =>
  new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", ({ message }) =>
      reject(
        new Error(
          `${program} did not start (${message}): install webkit2gtk-driver and xvfb`,
        ),
      ),
    );
  });

/**
 * Sends a signal to a program and to its child processes.
 *
 * @param {ChildProcess} child
 * @param {NodeJS.Signals} name
 */
const signal = (child, name) => {
  try {
    process.kill(-Number(child.pid), name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH")
      throw error;
  }
};

/** How long a program may take to terminate before it is killed. */
const STOP_MS = 5_000;

/** @param {ChildProcess} child */
const stop = async (child) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  signal(child, "SIGTERM");
  const kill = setTimeout(() => signal(child, "SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(kill);
  // a browser that hangs may not react to SIGTERM
  signal(child, "SIGKILL");
};

/** Starts a display with a free number. */
export const openDisplay = async () => {
  const xvfb = start(
    "Xvfb",
    ["-displayfd", "3", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
    { stdio: ["ignore", "ignore", "ignore", "pipe"] },
  );
  await started(xvfb, "Xvfb");
  const [number] = await Promise.race([
    once(/** @type {import("node:stream").Readable} */ (xvfb.stdio[3]), "data"),
    once(xvfb, "exit").then(() => {
      throw new Error("Xvfb exited before it had a display");
    }),
  ]);
  return { name: `:${String(number).trim()}`, stop: () => stop(xvfb) };
};

/** How long a command may take: longer than the session's own timeouts. */
const COMMAND_TIMEOUT_MS = 90_000;

/** How often a driver is started again because its port was taken meanwhile. */
const MAX_STARTS = 5;

export class Driver {
  #child;
  #origin;

  /**
   * Starts a driver, which has one session at a time.
   *
   * @param {NodeJS.ProcessEnv} env the browser's environment too
   */
  static async start(env) {
    for (let starts = 0; starts < MAX_STARTS; starts += 1) {
      const port = await freePort();
      const child = start("WebKitWebDriver", [`--port=${port}`], {
        stdio: "ignore",
        env,
      });
      await started(child, "WebKitWebDriver");
      const driver = new Driver(child, `http://127.0.0.1:${port}`);
      if (await driver.#isReady()) return driver;
    }
    throw new Error("WebKitWebDriver found no free port");
  }

  /**
   * @param {ChildProcess} child
   * @param {string} origin
   */
  constructor(child, origin) {
    this.#child = child;
    this.#origin = origin;
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

  /**
   * Sends a command: https://w3c.github.io/webdriver/#endpoints
   *
   * @param {"GET" | "POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async call(method, path, body, { timeout = COMMAND_TIMEOUT_MS } = {}) {
    const response = await fetch(this.#origin + path, {
      method,
      signal: AbortSignal.timeout(timeout),
      ...(method === "POST" && { body: JSON.stringify(body ?? {}) }),
    });
    const { value } = /** @type {{value: any}} */ (await response.json());
    if (!response.ok)
      throw new Error(`${method} ${path}: ${value.error}, ${value.message}`);
    return value;
  }

  stop() {
    return stop(this.#child);
  }
}
