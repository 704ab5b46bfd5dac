// Calls as texts (www/copy.js), changed on their way to the module.

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
        members.push({
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
const member = (part, name) =>
  isObject(part)
    ? membersOf(part)
        .filter((it) => it.name === `"${name}"`)
        .pop()?.value
    : undefined;

/** An object's text with that member behind all others, in the place of any of its name. */
const withMember = (part, name, value) => {
  const others = membersOf(part).filter((it) => it.name !== `"${name}"`);
  const texts = [...others, { name: `"${name}"`, value }].map(
    (it) => `${it.name}:${it.value}`,
  );
  return `{${texts.join(",")}}`;
};

const withPart = (call, at, part) => {
  const parts = [...call.parts];
  while (parts.length < at) parts.push("u");
  parts[at] = part;
  return { ...call, parts };
};

export const isInit = ({ parts: [command] }) =>
  command === '"init"' || command === '"initialize"';

export const isMeasure = ({ parts: [command] }) =>
  command === '"measure"' || command === '"measureSingle"';

/** The pixel that an `init` names. */
export const pixelOf = ({ parts }) => member(parts[1], "pixelId");

export const hasUser = ({ parts }) => member(parts[1], "user") !== undefined;

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
