// Runs other programs, and prints to the terminal.
import { Buffer } from "node:buffer";
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, writeSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root directory. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The path of a program that a node package brings.
 *
 * @param {string} name
 */
export const bin = (name) => join(root, "node_modules/.bin", name);

/**
 * Prints one line of progress.
 *
 * @param {string} line
 */
export const log = (line) => console.log(`oaiq: ${line}`);

/**
 * Prints an error message and exits with status 1.
 *
 * @type {(line: string) => never}
 */
export const die = (line) => {
  console.error(`oaiq: ${line}`);
  process.exit(1);
};

/**
 * The message of whatever was thrown.
 *
 * @param {unknown} error
 */
export const messageOf = (error) =>
  error instanceof Error ? error.message : String(error);

/**
 * Runs a program in the root directory with its output shown. Exits with a message if it fails.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {object} [options]
 * @param {Record<string, string>} [options.env] added to this process's environment
 * @param {string} [options.onFailure] the message, if there is a better one than the command line
 */
export const run = (program, args, { env, onFailure } = {}) => {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0)
    die(
      onFailure ??
        `${program} ${args.join(" ")} failed${error ? `: ${error.message}` : ""}`,
    );
};

/**
 * @typedef {object} Command
 * @property {string} program
 * @property {string[]} args
 * @property {string} [onFailure] the message, if there is a better one than the command line
 */

/**
 * Runs sequences of programs in the root directory, all sequences at the same time. Prints the output of each program
 * when it ends. If one fails, stops the others and exits with a message.
 *
 * @param {Command[][]} sequences
 */
export const runInParallel = async (sequences) => {
  /** @type {Set<import("node:child_process").ChildProcess>} */
  const running = new Set();
  /**
   * @param {Command} command
   * @returns {Promise<void>}
   */
  const start = ({ program, args, onFailure }) =>
    new Promise((resolve) => {
      const child = spawn(program, args, {
        cwd: root,
        stdio: ["ignore", "pipe", "pipe"],
      });
      running.add(child);
      /** @type {Buffer[]} */
      const output = [];
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (chunk) => output.push(chunk));
      /** @param {string} [reason] */
      const fail = (reason) => {
        for (const other of running) other.kill();
        die(
          onFailure ??
            `${program} ${args.join(" ")} failed${reason ? `: ${reason}` : ""}`,
        );
      };
      child.on("error", (error) => fail(error.message));
      child.on("close", (status) => {
        running.delete(child);
        writeSync(1, Buffer.concat(output));
        if (status === 0) resolve();
        else fail();
      });
    });
  await Promise.all(
    sequences.map(async (commands) => {
      for (const command of commands) await start(command);
    }),
  );
};

/**
 * Runs a program in the root directory and returns its trimmed standard output, or null if the program is missing or
 * fails.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, string>} [env] added to this process's environment
 */
export const capture = (program, args, env) => {
  const { status, stdout } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return status === 0 ? stdout.trim() : null;
};

/**
 * The path of a program on PATH, or null.
 *
 * @param {string} program
 */
export const which = (program) => {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // try the next folder
    }
  }
  return null;
};
