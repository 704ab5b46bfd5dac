// Reads a command's options.
import { parseArgs } from "node:util";
import { die, messageOf } from "./exec.mjs";

/**
 * Whether a module is the command that was started, and not imported by another.
 *
 * @param {ImportMeta} meta
 */
export const isMain = ({ filename }) => filename === process.argv[1];

/**
 * The command line's options and names. Prints the usage and exits if `--help` is among them or one is invalid.
 *
 * @template {NonNullable<import("node:util").ParseArgsConfig["options"]>} Options
 * @param {string} usage
 * @param {Options} options as `parseArgs` takes them
 * @param {{ args?: string[], allowNames?: boolean }} [settings]
 */
export const parseOptions = (
  usage,
  options,
  { args = process.argv.slice(2), allowNames = false } = {},
) => {
  try {
    const { values, positionals: names } = parseArgs({
      args,
      options: {
        ...options,
        help: /** @type {const} */ ({ type: "boolean", short: "h" }),
      },
      allowPositionals: allowNames,
    });
    if (!("help" in values)) return { values, names };
  } catch (error) {
    return die(`${messageOf(error)}\n${usage}`);
  }
  console.log(usage);
  return process.exit();
};

/**
 * An option's value as a number.
 *
 * @param {string} name
 * @param {string | number} value
 * @param {number} least
 * @param {string} usage
 */
export const wholeNumber = (name, value, least, usage) => {
  const number = Number(value);
  return value !== "" && Number.isInteger(number) && number >= least
    ? number
    : die(`--${name} must be an integer of at least ${least}\n${usage}`);
};
