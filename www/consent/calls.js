// Calls as texts (www/copy.js), changed on their way to the module. A quotation mark within a text is escaped there, so what
// looks like a key is one.

const isObject = (part) => part?.[0] === "{";

/** Adds a member to an object's text, behind all others. */
const extended = (part, member) =>
  `${part.slice(0, -1)}${part.length > 2 ? "," : ""}${member}}`;

const withPart = (call, at, part) => {
  const parts = [...call.parts];
  while (parts.length < at) parts.push("u");
  parts[at] = part;
  return { ...call, parts };
};

export const isInit = ({ parts }) => /^"init(ialize)?"$/.test(parts[0]);

/** The pixel that an `init` names. */
export const pixelOf = ({ parts }) => /"pixelId":"[^"]*"/.exec(parts[1])?.[0];

/** An `init` with that user, whose text it is. Of two members of one name the later counts. */
export const withUser = (call, user) =>
  isObject(call.parts[1])
    ? withPart(call, 1, extended(call.parts[1], `"user":${user}`))
    : call;

export const hasUser = ({ parts }) => /"user":/.test(parts[1]);

/** A measured event with the option `opt_out`, whatever the page says. */
export const optedOut = (call) => {
  const at = call.parts[0] === '"measure"' ? 3 : 4;
  const options = call.parts[at] ?? "u";
  const isNone = options === "u" || options === "null";
  if (!isNone && !isObject(options)) return call;
  const others = isNone
    ? "{}"
    : options
        .replace(/"opt_out":(x?"[^"]*"|[^,{}[\]]*),?/g, "")
        .replace(/,}$/, "}");
  return withPart(call, at, extended(others, '"opt_out":true'));
};
