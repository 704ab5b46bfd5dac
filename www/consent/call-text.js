// Calls as texts (www/pixel/serialize-call.js), changed on their way to the module.

import { add, each, filtered, joined } from "./lists.js";

const isObject = (part) => part?.[0] === "{";

/**
 * The members of an object's text, each as `{name, text}` with the quoted name and the whole member. Quotation marks within
 * strings are escaped as \u0022 there, so each one begins or ends a string.
 */
const membersOf = (part) => {
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
        add(members, {
          name: part.slice(start, colon),
          value: part.slice(colon + 1, i),
        });
      start = i + 1;
      colon = 0;
    }
  }
  return members;
};

/** The value of an object's own member of that name, as text: of two the later. Nothing if it has none. */
const member = (part, name) => {
  let value;
  if (isObject(part))
    each(membersOf(part), (it) => {
      if (it.name === `"${name}"`) value = it.value;
    });
  return value;
};

/** An object's text with that member behind all others, in the place of any of its name. */
const withMember = (part, name, value) => {
  const quoted = `"${name}"`;
  const members = filtered(membersOf(part), (it) => it.name !== quoted);
  add(members, { name: quoted, value });
  const texts = [];
  each(members, (it) => add(texts, `${it.name}:${it.value}`));
  return `{${joined(texts, ",")}}`;
};

const withPart = (call, at, part) => {
  const parts = [];
  each(call.parts, (it) => add(parts, it));
  while (parts.length < at) add(parts, "u");
  parts[at] = part;
  return { ...call, parts };
};

export const isInit = ({ parts }) =>
  parts[0] === '"init"' || parts[0] === '"initialize"';

export const isMeasure = ({ parts }) =>
  parts[0] === '"measure"' || parts[0] === '"measureSingle"';

/** The pixel that an `init` names. */
export const pixelOf = ({ parts }) => member(parts[1], "pixelId");

export const hasUser = ({ parts }) => member(parts[1], "user") !== undefined;

/** An `init` that asks to wait for the visitor's answer. */
export const isPending = (call) =>
  isInit(call) && member(call.parts[1], "consent") === '"pending"';

export const wantsDebug = ({ parts }) => member(parts[1], "debug") === "true";

/** An `init` with that user, whose text it is. */
export const withUser = (call, user) =>
  isObject(call.parts[1])
    ? withPart(call, 1, withMember(call.parts[1], "user", user))
    : call;

/** A measured event with the option `opt_out`, whatever the page says. */
export const optedOut = (call) => {
  const at = call.parts[0] === '"measure"' ? 3 : 4;
  const options = call.parts[at] ?? "u";
  const isNone = options === "u" || options === "null";
  if (!isNone && !isObject(options)) return call;
  return withPart(
    call,
    at,
    withMember(isNone ? "{}" : options, "opt_out", "true"),
  );
};
