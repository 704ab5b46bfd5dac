// Rewrites scripts so that minifiers with an old or simple tokenizer read them correctly:
//
// - JSMin of 2001 and its descendants (rjsmin, JShrink, matthiasmullie/minify) tell a regular expression from a division by
//   the character before it, and do not know "=>". They then take a quote in such an expression for the start of a string.
// - Minifiers that do not know template literals (PyPI's jsmin) read a template as code: they remove its blanks, and take
//   an apostrophe for the start of a string.

/**
 * @typedef {import("acorn").AnyNode} Node
 * @typedef {import("acorn").TemplateLiteral | import("acorn").Literal} Found a template literal or a regular expression
 */

/**
 * @param {Node} node
 * @returns {Node[]}
 */
const childrenOf = (node) =>
  Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === "string");

/**
 * The outermost template literals and regular expressions in a node.
 *
 * @param {Node} node
 * @returns {Found[]}
 */
const findLiterals = (node) =>
  node.type === "TemplateLiteral" || (node.type === "Literal" && node.regex)
    ? [node]
    : childrenOf(node).flatMap(findLiterals);

/**
 * @param {string} script
 * @param {Node} node
 */
const rewrite = (script, node) => {
  let text = "";
  let from = node.start;
  for (const found of findLiterals(node)) {
    text += script.slice(from, found.start);
    text +=
      found.type === "TemplateLiteral"
        ? toConcatenation(script, found)
        : escapeQuotes(found.raw ?? "");
    from = found.end;
  }
  return text + script.slice(from, node.end);
};

/**
 * Replaces the quotes in a regular expression by escape sequences.
 *
 * @param {string} regex
 */
const escapeQuotes = (regex) =>
  regex.replace(/\\.|["'`]/g, (part) =>
    /["'`]/.test(part)
      ? `\\x${part.slice(-1).charCodeAt(0).toString(16)}`
      : part,
  );

/**
 * A template as a sum. It starts with a string, so that the sum is one.
 *
 * @param {string} script
 * @param {import("acorn").TemplateLiteral} template
 * @returns {string}
 */
const toConcatenation = (script, { quasis, expressions }) => {
  const parts = quasis.flatMap(({ value }, at) => {
    const expression = expressions[at];
    return [
      ...(value.cooked || at === 0 ? [JSON.stringify(value.cooked)] : []),
      ...(expression ? [`(${rewrite(script, expression)})`] : []),
    ];
  });
  return `(${parts.join("+")})`;
};

/**
 * The script without template literals, and without quotes in regular expressions.
 *
 * @param {string} script
 * @param {"script" | "module"} sourceType
 */
export const forOldTokenizers = async (script, sourceType = "script") => {
  // a fresh clone has no node packages yet when this file is loaded
  const { parse } = await import("acorn");
  return rewrite(script, parse(script, { ecmaVersion: "latest", sourceType }));
};

/**
 * Replaces those characters of a template's text that start a string, a comment or a regular expression for a minifier
 * that reads the template as code.
 *
 * @param {string} text
 * @param {(character: string) => string} replace
 */
export const withoutDelimiters = (text, replace) => {
  const characters = [...text];
  const last = text.lastIndexOf('"');
  let isString = false;
  return characters
    .map((character, at) => {
      if (character === '"' && (isString || at !== last)) {
        isString = !isString;
        return character;
      }
      return !isString && /["'/]/.test(character)
        ? replace(character)
        : character;
    })
    .join("");
};
