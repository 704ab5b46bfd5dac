// Running other programs.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Says what is being done, in one line. */
export const say = (line) => console.log(`oaiq: ${line}`);

/** Ends with a message for whoever typed the command. */
export const fail = (line) => {
  console.error(`oaiq: ${line}`);
  process.exit(1);
};

/** Runs a program in the project's root, its output shown; ends with a message if it fails. */
export const run = (program, args, { env, otherwise } = {}) => {
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0)
    fail(
      otherwise ??
        `${program} ${args.join(" ")} failed${error ? `: ${error.message}` : ""}`,
    );
};

/** What a program prints, or null if it is missing or fails. */
export const printed = (program, args, env) => {
  const { status, stdout } = spawnSync(program, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return status === 0 ? stdout.trim() : null;
};

/** Where a program of that name is, or null. */
export const find = (program) => {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this one
    }
  }
  return null;
};
