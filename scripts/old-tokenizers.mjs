// Writes scripts so that minifiers with an old or a simple tokenizer read them correctly:
//
// - JSMin of 2001 and its descendants (rjsmin, JShrink, matthiasmullie/minify) tell a regular expression from a division by
//   the character before it, and do not know "=>". To them a quote in such an expression begins a string.
// - To those that do not know template literals (PyPI's jsmin) a template is code, in which they remove blanks, and an
//   apostrophe in it begins a string.

const children = (node) =>
  Object.values(node)
    .flat()
    .filter((value) => typeof value?.type === "string");

/** The outermost template literals and regular expressions inside a node. */
const foundIn = (node) =>
  node.type === "TemplateLiteral" || node.regex
    ? [node]
    : children(node).flatMap((child) => foundIn(child));

const rewritten = (script, node) => {
  let text = "";
  let from = node.start;
  for (const found of foundIn(node)) {
    text += script.slice(from, found.start);
    text += found.regex ? withoutQuotes(found.raw) : asSum(script, found);
    from = found.end;
  }
  return text + script.slice(from, node.end);
};

/** A regular expression with codes in the place of its quotes. */
const withoutQuotes = (text) =>
  text.replace(/\\.|["'`]/g, (part) =>
    /["'`]/.test(part) ? `\\x${part.at(-1).charCodeAt().toString(16)}` : part,
  );

/** A template as a sum, which begins with a string so that it is one. */
const asSum = (script, { quasis, expressions }) => {
  const parts = quasis.flatMap(({ value }, at) => [
    ...(value.cooked || at === 0 ? [JSON.stringify(value.cooked)] : []),
    ...(at < expressions.length
      ? [`(${rewritten(script, expressions[at])})`]
      : []),
  ]);
  return `(${parts.join("+")})`;
};

/** The script without template literals, and without quotes in regular expressions. */
export const forOldTokenizers = async (script) => {
  // in a fresh clone it is not installed yet when this file is loaded
  const { parse } = await import("acorn");
  return rewritten(script, parse(script, { ecmaVersion: "latest" }));
};

/**
 * Which characters of a template's text would leave a minifier that takes the template for code inside a string, a comment
 * or a regular expression: `replace` gives what stands for each of them.
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
