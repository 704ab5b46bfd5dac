// Tests Google Tag Manager's template with stand-ins for its sandbox.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import js from "@eslint/js";
import { Linter } from "eslint";
import globals from "globals";
import prettier from "prettier";
import { root } from "../../../scripts/exec.mjs";
import { PLACEHOLDER } from "../../../scripts/snippets.mjs";
import {
  Consent,
  DataLayer,
  declaredPermissions,
  Sandbox,
} from "./sandbox.mjs";
import { runScenario } from "./scenarios.mjs";
import {
  flatten,
  parseTemplate,
  readGtmFile,
  readTemplate,
  SECTIONS,
  sectionsOf,
} from "./template.mjs";

const URL = "https://cdn.example.test/oaiq/oaiq.min.js";
const template = await readTemplate(URL);

/** The methods of texts, arrays, objects and functions that the sandbox has, as far as the template uses them. */
const METHODS = [
  ...["charAt", "indexOf", "lastIndexOf", "slice", "split", "trim"],
  ...["toLowerCase", "toUpperCase", "hasOwnProperty"],
  ...["every", "filter", "forEach", "join", "map", "push"],
];

/** What a tag has beside that: APIs, and the names under which its code has those that are objects. */
const IN_TAGS = {
  apis: ["data"],
  objects: ["data", "json", "math", "storage"],
};
const IN_SCENARIOS = {
  apis: ["mock", "mockObject", "runCode", "assertThat", "assertApi"],
  methods: ["isEqualTo", "isUndefined", "contains"].concat(
    ["wasCalled", "wasNotCalled", "keys"],
    ["ad_storage", "ad_user_data"],
  ),
};

/**
 * The places where code breaks the rules of the sandbox: ES5 without some of its syntax and all of its globals
 * (https://developers.google.com/tag-platform/tag-manager/templates/sandboxed-javascript).
 *
 * @param {string} code
 * @param {{ apis: string[], objects?: string[], methods?: string[] }} has
 */
const lint = (code, { apis, objects = [], methods = [] }) => {
  const hasObject = `[callee.object.name=/^(${objects.join("|")})$/]`;
  const hasMethod = `[callee.property.name=/^(${[...METHODS, ...methods].join("|")})$/]`;
  const messages = new Linter().verify(code, [
    js.configs.recommended,
    {
      languageOptions: {
        ecmaVersion: 5,
        sourceType: "script",
        globals: Object.fromEntries(
          ["require", ...apis].map((name) => [name, "readonly"]),
        ),
      },
      rules: {
        "no-prototype-builtins": "off",
        // scenarios use some of what their setup has
        "no-unused-vars": apis.includes("data") ? "error" : "off",
        "no-restricted-globals": [
          "error",
          ...Object.keys(globals.es5).filter((name) => name !== "undefined"),
        ],
        "no-restricted-syntax": [
          "error",
          "ThisExpression",
          "NewExpression",
          "Literal[regex]",
          "ThrowStatement",
          "TryStatement",
          "WithStatement",
          "ForInStatement",
          `CallExpression[callee.type="MemberExpression"]:not(${hasObject}):not(${hasMethod})`,
        ],
      },
    },
  ]);
  return messages.map(({ line, message }) => `${line}: ${message}`);
};

/** @param {string} code */
const isFormatted = (code) =>
  prettier.check(code, { parser: "babel", trailingComma: "es5" });

/** A page of its own with one tag after the other, as Tag Manager fires them. */
class Page {
  /** @type {Record<string, any>} */
  window = {};
  layer = new DataLayer();
  consent = new Consent();
  /** @type {string[]} */
  logs = [];
  sandbox = new Sandbox({
    permissions: template.permissions,
    page: this.window,
    layer: this.layer,
    consent: this.consent,
    log: (text) => this.logs.push(text),
  });

  /** @param {Record<string, unknown>} fields of the tag */
  fire(fields) {
    return this.sandbox.fire(template.code, {
      scriptUrl: URL,
      pixelId: "PIXEL",
      eventSource: "layer",
      consent: "page",
      debug: "false",
      ...fields,
    });
  }

  /** The calls in the queue, as arrays. */
  get calls() {
    return Array.from(this.window.oaiq.q, (call) => Array.from(call));
  }
}

describe("the template's file", () => {
  test("has the sections of a web template in order", async () => {
    const sections = sectionsOf(await readGtmFile("template.tpl"));
    assert.deepEqual(Object.keys(sections), SECTIONS);
    const { info } = template;
    assert.equal(info.type, "TAG");
    assert.deepEqual(info.containerContexts, ["WEB"]);
  });

  test("has code and scenarios as prettier formats them", async () => {
    const { code, tests } = template;
    const texts = [tests.setup, ...tests.scenarios.map((it) => it.code)];
    assert.ok(await isFormatted(code));
    for (const text of texts) assert.ok(await isFormatted(`${text}\n`), text);
  });

  test("has one script URL, in the permission and in the field's default", async () => {
    const text = await readGtmFile("template.tpl");
    assert.equal(text.split(PLACEHOLDER).length - 1, 2);
    const { fields, permissions } = parseTemplate(text);
    assert.equal(flatten(fields).get("scriptUrl")?.defaultValue, PLACEHOLDER);
    const { instance } =
      permissions.find((it) => it.instance.key.publicId === "inject_script") ??
      assert.fail();
    assert.deepEqual(
      instance.param[0]?.value.listItem?.map((item) => item.string),
      [PLACEHOLDER],
    );
  });

  test("offers the events and the user data that the pixel knows", () => {
    const fields = flatten(template.fields);
    const known = new Function(
      `${template.code.match(/\/\/ generated: schema\n([^]*?)\/\/ end\n/)?.[1]}; return [EVENT_SHAPES, USER_FIELDS];`,
    )();
    const names = Object.keys(known[0]);
    const values = (/** @type {any} */ field) =>
      field.selectItems.map((/** @type {any} */ item) => item.value);
    const [, column] = fields.get("layerEvents")?.simpleTableColumns ?? [];
    assert.deepEqual(values(column), names);
    assert.deepEqual(
      values(fields.get("standardEvent")),
      names.filter((name) => name !== "custom"),
    );
    const userFields = fields.get("user")?.subParams ?? [];
    assert.deepEqual(
      userFields
        .filter(({ type }) => type === "TEXT")
        .map(({ name }) => name)
        .sort(),
      [...known[1]].sort(),
    );
  });

  test("has code that uses each of its fields", () => {
    const code = template.code.replaceAll(/^\/\/.*$/gm, "");
    const used = new Set(
      [...code.matchAll(/\bdata\.(\w+)/g)].map(([, name]) => name),
    );
    const values = [...flatten(template.fields).values()]
      .filter(({ type }) => !["GROUP", "LABEL"].includes(type))
      .map(({ name }) => name);
    const { 1: userFields = "" } = /USER_FIELDS = \[([^]*?)\]/.exec(code) ?? [];
    for (const name of values)
      assert.ok(used.has(name) || userFields.includes(`"${name}"`), name);
    for (const name of used)
      assert.ok(values.includes(String(name)) || /^gtmOn/.test(String(name)));
  });
});

describe("the template's code", () => {
  test("keeps to the language of the sandbox", () => {
    assert.deepEqual(lint(template.code, IN_TAGS), []);
    const { setup, scenarios } = template.tests;
    const functions = scenarios.map(
      ({ code }, i) => `var scenario${i} = function () {\n${code}\n};`,
    );
    const text = [setup, ...functions].join("\n");
    assert.deepEqual(lint(text, IN_SCENARIOS), []);
  });

  test("would not pass with syntax, globals or methods that the sandbox does not have", () => {
    for (const code of [
      "let a = 1; require(a);",
      "require(() => 1);",
      "require(this);",
      "require(/a/);",
      "require(new data());",
      "require(Math.abs(1));",
      "require(window);",
      "require([1].reduce(data));",
      "try { require(1); } finally { require(2); }",
    ])
      assert.notDeepEqual(lint(code, IN_TAGS), [], code);
  });

  test("passes the scenarios that it has for Tag Manager's editor", async (t) => {
    for (const { name, code } of template.tests.scenarios)
      await t.test(name, () => runScenario(template, code));
  });

  test("would not pass them with a wrong amount", () => {
    const { scenarios } = template.tests;
    const [scenario] = scenarios.filter(({ name }) => /exactly/.test(name));
    const code = template.code.replace("math.pow(10, digits)", "100");
    assert.notEqual(code, template.code);
    assert.throws(
      () => runScenario({ ...template, code }, String(scenario?.code)),
      assert.AssertionError,
    );
  });

  test("needs each of its permissions", async () => {
    /** @type {string[]} */
    const used = [];
    /** @param {(page: Page) => unknown} visit */
    const during = async (visit) => {
      const page = new Page();
      await visit(page);
      used.push(...page.sandbox.usedPermissions);
    };
    await during(async (page) => {
      page.consent.update({ ad_storage: false, ad_user_data: false });
      page.layer.push({ event: "generate_lead" });
      assert.equal(await page.fire({ consent: "consentMode" }), "success");
      page.layer.push({ event: "subscribe" });
      assert.equal(await page.fire({ consent: "consentMode" }), "success");
      page.layer.push({ event: "unknown" });
      assert.equal(await page.fire({ consent: "consentMode" }), "failure");
    });
    await during((page) => {
      page.layer.push({ event: "sign_up" });
      return page.fire({ consent: "tcf" });
    });
    await during((page) => {
      page.window.oaiq = Object.assign(() => {}, { loaded: true });
      page.consent.update({ ad_storage: false });
      page.layer.push({ event: "sign_up" });
      return page.fire({ consent: "consentMode" });
    });
    assert.deepEqual(
      [...new Set(used)].sort(),
      declaredPermissions(template.permissions),
    );
  });
});

describe("a tag", () => {
  test("makes a queue with a function that pages can call", async () => {
    const page = new Page();
    page.layer.push({ event: "sign_up" });
    assert.equal(await page.fire({}), "success");
    page.window.oaiq("consent", true);
    assert.deepEqual(page.calls, [
      ["init", { pixelId: "PIXEL" }],
      [
        "measureSingle",
        "PIXEL",
        "registration_completed",
        { type: "customer_action" },
        {},
      ],
      ["consent", true],
    ]);
  });

  test("leaves values of the page's config alone that cannot cross the border of the sandbox", async () => {
    const page = new Page();
    const config = { redactPath: [/\d{6,}/] };
    page.window.oaiq = { config };
    page.layer.push({ event: "sign_up" });
    assert.equal(await page.fire({ consent: "tcf" }), "success");
    assert.equal(page.window.oaiq.config, config);
    assert.deepEqual(config, { redactPath: [/\d{6,}/], consentSource: "tcf" });
    assert.equal(page.calls.length, 2);
  });

  test("replaces a global that is neither a queue nor a config", async () => {
    for (const junk of ["text", 7, true, null, new Date()]) {
      const page = new Page();
      page.window.oaiq = junk;
      page.layer.push({ event: "sign_up" });
      assert.equal(await page.fire({ consent: "pending" }), "success");
      assert.equal(page.calls.length, 2);
      assert.equal(page.window.oaiq.config.consent, "pending");
    }
  });

  test("loads no URL but the one that the template may load", async () => {
    const page = new Page();
    page.layer.push({ event: "sign_up" });
    for (const scriptUrl of [
      "https://cdn.example.test/oaiq/other.js",
      "https://evil.example.test/oaiq/oaiq.min.js",
      `${URL}?v=2`,
      "http://cdn.example.test/oaiq/oaiq.min.js",
    ])
      assert.equal(await page.fire({ scriptUrl }), "failure");
    assert.equal(page.window.oaiq, undefined);
    assert.equal(page.logs.length, 4);
  });

  test("survives what pages push into their data layers", async () => {
    const values = [
      ...[undefined, null, NaN, Infinity, -0, "", " ", "NaN", "€", true],
      ...[[], {}, [[]], [null], { items: {} }, { items: [[], "x", null] }],
      ...[() => 1, new Date(), { length: 1e9 }, "9".repeat(400), "1e5"],
    ];
    const keys = ["ecommerce", "eventModel", "value", "currency", "items"];
    for (const event of ["purchase", "generate_lead", "page_view", "x"])
      for (const key of [...keys, "transaction_id", "plan_id", "lead_id"])
        for (const value of values) {
          const page = new Page();
          page.layer.push({ event, currency: "EUR", [key]: value });
          await page.fire({});
          for (const [, , , data] of page.window.oaiq ? page.calls : [])
            for (const amount of [data?.amount ?? 0])
              assert.ok(Number.isSafeInteger(amount), `${amount}`);
        }
  });

  test("converts any amount of minor units exactly in each currency, as number and as text", async () => {
    // a fixed sequence, so that a failure can be repeated
    let state = 1;
    const random = () => (state = (state * 48_271) % 2_147_483_647);
    const page = new Page();
    for (const [currency, digits] of [
      ["JPY", 0],
      ["EUR", 2],
      ["KWD", 3],
      ["CLF", 4],
    ])
      for (let i = 0; i < 500; i += 1) {
        const minor = random() % 10 ** (1 + (i % 10));
        const text = String(minor).padStart(Number(digits) + 1, "0");
        const at = text.length - Number(digits);
        const decimal =
          digits === 0 ? text : `${text.slice(0, at)}.${text.slice(at)}`;
        const written = [Number(decimal), `${currency} ${decimal}`];
        for (const value of written) {
          page.layer.push({ event: "generate_lead", value, currency });
          await page.fire({});
          const { amount } = page.window.oaiq.q.at(-1)[3];
          // three decimals are also three digits of a group
          const isAmbiguous =
            typeof value === "string" &&
            digits === 3 &&
            /^[1-9]/.test(decimal) &&
            at <= 3;
          assert.equal(amount, isAmbiguous ? undefined : minor, `${value}`);
        }
      }
  });
});

/** Rows of a table in docs/gtm.md, as cells without backticks. */
const docsTable = async (/** @type {string} */ firstHead) => {
  const docs = await readFile(join(root, "docs/gtm.md"), "utf8");
  const lines = docs.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${firstHead} `));
  assert.ok(start >= 0, `docs/gtm.md has no table ${firstHead}`);
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  return lines.slice(start + 2, start + length).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
};

describe("docs/gtm.md", () => {
  test("lists the events of the data layer as the tag measures them", async () => {
    const rows = await docsTable("in the data layer");
    assert.ok(rows.length >= 10);
    for (const [names = "", event] of rows)
      for (const name of names.split(" ")) {
        const page = new Page();
        const [key, action] = name.split(".");
        page.layer.push(
          action
            ? { event: "gtm.js", [String(key)]: { [action]: {} } }
            : { event: name },
        );
        await page.fire({});
        assert.equal(page.calls.at(-1)?.[2], event, name);
      }
  });

  test("lists the permissions of the template", async () => {
    const rows = await docsTable("permission");
    assert.deepEqual(
      rows.map(([id]) => id).sort(),
      template.permissions.map((it) => it.instance.key.publicId).sort(),
    );
  });
});

describe("the container to import", () => {
  /** @typedef {{ key: string, value: string }[]} Parameters */

  const read = async () => {
    const { exportFormatVersion, containerVersion } = JSON.parse(
      await readGtmFile("container.json"),
    );
    assert.equal(exportFormatVersion, 2);
    return containerVersion;
  };
  /** @param {{ parameter: Parameters }} thing */
  const parametersOf = ({ parameter }) =>
    Object.fromEntries(parameter.map(({ key, value }) => [key, value]));

  test("contains the template", async () => {
    const { customTemplate } = await read();
    assert.equal(customTemplate.length, 1);
    assert.equal(
      customTemplate[0].templateData,
      await readGtmFile("template.tpl"),
    );
  });

  test("has tags of this template whose fields, triggers and variables exist", async () => {
    const { container, customTemplate, ...parts } = await read();
    const [{ templateId }] = customTemplate;
    const fields = flatten(template.fields);
    const variables = [...parts.variable, ...parts.builtInVariable].map(
      ({ name }) => name,
    );
    const triggers = parts.trigger.map(
      (/** @type {any} */ { triggerId }) => triggerId,
    );
    for (const tag of parts.tag) {
      assert.equal(tag.type, `cvt_${container.containerId}_${templateId}`);
      for (const { key, value } of tag.parameter) {
        const field = fields.get(key) ?? assert.fail(`no field ${key}`);
        const [, variable] = /^\{\{(.+)\}\}$/.exec(value) ?? [];
        if (variable) assert.ok(variables.includes(variable), variable);
        else
          assert.ok(
            [...(field.selectItems ?? []), ...(field.radioItems ?? [])].some(
              (item) => item.value === value,
            ),
            `${key}: ${value}`,
          );
      }
      // Tag Manager's own trigger "All Pages"
      for (const id of tag.firingTriggerId)
        assert.ok([...triggers, "2147479553"].includes(id), id);
    }
  });

  test("asks for the URL and the pixel ID once, by two texts to replace", async () => {
    const { variable } = await read();
    assert.deepEqual(variable.map(parametersOf), [
      { value: PLACEHOLDER },
      { value: "YOUR-PIXEL-ID" },
    ]);
    const readme = await readGtmFile("README.md");
    assert.ok(readme.includes(PLACEHOLDER) && readme.includes("YOUR-PIXEL-ID"));
  });

  test("fires on each event of the data layer but page views, which its other tag measures", async () => {
    const { trigger } = await read();
    const [{ parameter }] = trigger[0].customEventFilter;
    const rows = await docsTable("in the data layer");
    const names = rows
      .flatMap(([names = ""]) => names.split(" "))
      .filter((name) => name !== "page_view" && !name.includes("."));
    assert.equal(parameter[1].value, `^(${names.join("|")})$`);
  });

  test("measures a visit with its tags, once its two texts are replaced", async () => {
    const text = (await readGtmFile("container.json"))
      .replaceAll(PLACEHOLDER, URL)
      .replaceAll("YOUR-PIXEL-ID", "PIXEL");
    const { containerVersion } = JSON.parse(text);
    const { customTemplate, tag, variable } = containerVersion;
    const { code, permissions } = parseTemplate(customTemplate[0].templateData);
    /** @type {Map<string, unknown>} */
    const values = new Map(
      variable.map((/** @type {any} */ it) => [
        `{{${it.name}}}`,
        parametersOf(it).value,
      ]),
    );
    values.set("{{Debug Mode}}", true);
    const page = new Page();
    /** @type {string[]} */
    const loaded = [];
    const sandbox = new Sandbox({
      permissions,
      page: page.window,
      layer: page.layer,
      load: (url, onSuccess) => {
        loaded.push(url);
        onSuccess();
      },
    });
    for (const [index, event] of ["gtm.js", "purchase"].entries()) {
      page.layer.push({ event, transaction_id: "T-1" });
      const fields = Object.entries(parametersOf(tag[index])).map(
        ([key, value]) => [key, values.get(value) ?? value],
      );
      assert.equal(
        await sandbox.fire(code, Object.fromEntries(fields)),
        "success",
      );
    }
    assert.deepEqual(loaded, [URL]);
    assert.deepEqual(page.calls, [
      ["consent", true],
      ["init", { pixelId: "PIXEL", debug: true }],
      ["measureSingle", "PIXEL", "page_viewed", { type: "contents" }, {}],
      [
        "measureSingle",
        "PIXEL",
        "order_created",
        { type: "contents" },
        { event_id: "T-1" },
      ],
    ]);
  });
});
