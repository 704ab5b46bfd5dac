// Reads and changes calls in their serialized form (www/pixel/serialize-call.js).

import { append, each, filter, join } from "./lists.js";

/** @typedef {import("../pixel/consent-gate.js").Call} Call */

/** @param {string | undefined} part */
const isObject = (part) => part?.[0] === "{";

/**
 * The members of a serialized object: their names, quoted, and their values. Quotation marks within strings are escaped as
 * \u0022, so each one starts or ends a string.
 *
 * @param {string} part
 */
const membersOf = (part) => {
  /** @type {{ name: string, value: string }[]} */
  const members = [];
  let isQuoted = false;
  let depth = 0;
  let start = 1;
  let colon = 0;
  for (let i = 0; i < part.length; i += 1) {
    const character = part[i];
    if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === ":" && depth === 1) colon ||= i;
    else if (character === "}" || character === "]") depth -= 1;
    if (isQuoted || depth > 1) continue;
    if (depth === 0 || character === ",") {
      if (colon)
        append(members, {
          name: part.slice(start, colon),
          value: part.slice(colon + 1, i),
        });
      start = i + 1;
      colon = 0;
    }
  }
  return members;
};

/**
 * The value of an object's own member; undefined if it has none. The last of several counts.
 *
 * @param {string | undefined} part
 * @param {string} name
 */
const member = (part, name) => {
  /** @type {string | undefined} */
  let value;
  if (part && isObject(part))
    each(membersOf(part), (it) => {
      if (it.name === `"${name}"`) value = it.value;
    });
  return value;
};

/**
 * Returns an object with that member after all others, in place of any of its name.
 *
 * @param {string} part
 * @param {string} name
 * @param {string} value
 */
const withMember = (part, name, value) => {
  const quoted = `"${name}"`;
  const members = filter(membersOf(part), (it) => it.name !== quoted);
  append(members, { name: quoted, value });
  /** @type {string[]} */
  const texts = [];
  each(members, (it) => append(texts, `${it.name}:${it.value}`));
  return `{${join(texts, ",")}}`;
};

/**
 * @param {Call} call
 * @param {number} at
 * @param {string} part
 */
const withPart = (call, at, part) => {
  /** @type {string[]} */
  const parts = [];
  each(call.parts, (it) => append(parts, it));
  while (parts.length < at) append(parts, "u");
  parts[at] = part;
  return { ...call, parts };
};

/** @param {Call} call */
export const isInit = ({ parts }) =>
  parts[0] === '"init"' || parts[0] === '"initialize"';

/** @param {Call} call */
export const isMeasure = ({ parts }) =>
  parts[0] === '"measure"' || parts[0] === '"measureSingle"';

/**
 * The pixel ID of an `init`, quoted.
 *
 * @param {Call} call
 */
export const pixelIdOf = ({ parts }) => member(parts[1], "pixelId");

/** @param {Call} call */
export const hasUser = ({ parts }) => member(parts[1], "user") !== undefined;

/**
 * Whether this is an `init` with `consent: "pending"`.
 *
 * @param {Call} call
 */
export const isPending = (call) =>
  isInit(call) && member(call.parts[1], "consent") === '"pending"';

/** @param {Call} call */
export const wantsDebug = ({ parts }) => member(parts[1], "debug") === "true";

/**
 * Returns an `init` with that user, serialized.
 *
 * @param {Call} call
 * @param {string} user
 */
export const withUser = (call, user) =>
  isObject(call.parts[1])
    ? withPart(call, 1, withMember(call.parts[1], "user", user))
    : call;

/**
 * Returns an event with the option `opt_out: true`. Options that are not an object are left as they are: the module rejects
 * the event.
 *
 * @param {Call} call
 */
export const withOptOut = (call) => {
  const at = call.parts[0] === '"measure"' ? 3 : 4;
  const options = call.parts[at] ?? "u";
  const isEmpty = options === "u" || options === "null";
  if (!isEmpty && !isObject(options)) return call;
  return withPart(
    call,
    at,
    withMember(isEmpty ? "{}" : options, "opt_out", "true"),
  );
};
