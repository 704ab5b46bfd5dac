// Reads the parts of Google Tag Manager's template and of the container that contains it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { root } from "../../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../../scripts/snippets.mjs";

/**
 * @typedef {object} Field a field of the template, or a group of fields
 * @property {string} type
 * @property {string} name
 * @property {unknown} [defaultValue]
 * @property {{ value: string }[]} [selectItems]
 * @property {{ value: string, subParams?: Field[] }[]} [radioItems]
 * @property {Field[]} [subParams]
 * @property {Field[]} [simpleTableColumns]
 * @property {{ type: string, args?: string[] }[]} [valueValidators]
 *
 * @typedef {object} Template
 * @property {Record<string, any>} info
 * @property {Field[]} fields
 * @property {string} code
 * @property {import("./sandbox.mjs").Permission[]} permissions
 * @property {{ setup: string, scenarios: { name: string, code: string }[] }} tests
 */

/** The sections of a template, in their order in the file. */
export const SECTIONS = [
  "INFO",
  "TEMPLATE_PARAMETERS",
  "SANDBOXED_JS_FOR_WEB_TEMPLATE",
  "WEB_PERMISSIONS",
  "TESTS",
  "NOTES",
];

/**
 * The text of each section, by its name.
 *
 * @param {string} text of a template's file
 * @returns {Record<string, string>}
 */
export const sectionsOf = (text) => {
  const [before, ...parts] = text.split(/^___([A-Z_]+)___$/m);
  if (before !== "") throw new Error("a template begins with a section");
  /** @type {Record<string, string>} */
  const sections = {};
  for (let i = 0; i < parts.length; i += 2)
    sections[String(parts[i])] = `${String(parts[i + 1]).trim()}\n`;
  return sections;
};

/**
 * @param {string} text of a template's file
 * @returns {Template}
 */
export const parseTemplate = (text) => {
  const sections = sectionsOf(text);
  const section = (/** @type {string} */ name) => {
    const found = sections[name];
    if (found === undefined) throw new Error(`there is no section ${name}`);
    return found;
  };
  return {
    info: JSON.parse(section("INFO")),
    fields: JSON.parse(section("TEMPLATE_PARAMETERS")),
    code: section("SANDBOXED_JS_FOR_WEB_TEMPLATE"),
    permissions: JSON.parse(section("WEB_PERMISSIONS")),
    tests: parse(section("TESTS")),
  };
};

/** @param {string} file in gtm/ */
export const readGtmFile = (file) => readFile(join(root, "gtm", file), "utf8");

/** @param {string} url of the script, with which the placeholder was replaced before the import */
export const readTemplate = async (url) =>
  parseTemplate(
    (await readGtmFile("template.tpl")).replaceAll(PLACEHOLDER, url),
  );

/**
 * All fields, those in groups too, by name.
 *
 * @param {Field[]} fields
 * @returns {Map<string, Field>}
 */
export const flatten = (fields) => {
  const flat = new Map();
  const visit = (/** @type {Field} */ field) => {
    flat.set(field.name, field);
    field.subParams?.forEach(visit);
    field.radioItems?.forEach(({ subParams }) => subParams?.forEach(visit));
  };
  fields.forEach(visit);
  return flat;
};
