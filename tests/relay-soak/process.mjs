// A server in a process of its own, with its log in a file.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** This process's environment, without what would change the relay's configuration. */
export const cleanEnvironment = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !name.startsWith("OAIQ_RELAY_"),
    ),
  );

export class ServerProcess {
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #child;
  /** @type {Promise<void> | undefined} */
  #ended;

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {{ cwd: string, log: string }} options the log is appended to
   */
  constructor(program, args, { cwd, log }) {
    this.program = program;
    this.args = args;
    this.cwd = cwd;
    this.logFile = log;
  }

  spawn() {
    const log = openSync(this.logFile, "a");
    const child = spawn(this.program, this.args, {
      cwd: this.cwd,
      env: cleanEnvironment(),
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.on("exit", () => resolve());
      child.on("error", () => resolve());
    });
  }

  get isRunning() {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Ends it, and waits until it has ended.
   *
   * @param {NodeJS.Signals} signal
   */
  async end(signal) {
    this.#child?.kill(signal);
    await this.#ended;
  }

  /**
   * Stops it while something runs, and lets it continue.
   *
   * @param {() => Promise<void>} run
   */
  async whileStopped(run) {
    this.#child?.kill("SIGSTOP");
    try {
      await run();
    } finally {
      this.#child?.kill("SIGCONT");
    }
  }

  /**
   * Its memory in MB: now, and the most since its start.
   *
   * @returns {{ now: number, most: number }}
   */
  get memory() {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    /** @param {string} name */
    const read = (name) =>
      Number(RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1000;
    return { now: read("VmRSS"), most: read("VmHWM") };
  }

  get log() {
    return readFileSync(this.logFile, "utf8");
  }
}
