// Tests the files of the install snippets: their source, and the checks of tag managers.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "acorn";
import { root } from "../../scripts/exec.mjs";
import { PLACEHOLDER, snippets } from "../../scripts/snippets.mjs";
import { checkEs5, TOOLS } from "./tools.mjs";

const readText = (/** @type {string} */ file) =>
  readFile(join(root, file), "utf8");
const codeIn = (/** @type {string} */ html) =>
  html.replace(/<\/?script>\n/g, "").trim();

describe("the install snippet", () => {
  test("has files that match its source", async () => {
    for (const [file, built] of Object.entries(await snippets()))
      assert.equal(await readText(file), built, `${file}: run npm run build`);
  });

  test("is in the README", async () => {
    const readme = await readText("README.md");
    assert.ok(readme.includes(await readText("www/snippet/short.html")));
  });

  test("is on each page of the demo shop", async () => {
    const short = await readText("www/snippet/short.html");
    const expected = short.replace(PLACEHOLDER, "/sdk/oaiq.min.js");
    const pages = await readdir(join(root, "www/shop"));
    for (const page of pages.filter((name) => name.endsWith(".html")))
      assert.ok((await readText(`www/shop/${page}`)).includes(expected), page);
  });

  test("is ES5, begins with an exclamation mark and ends with a semicolon", async () => {
    for (const html of Object.values(await snippets())) {
      const script = codeIn(html);
      parse(script, { ecmaVersion: 5 });
      assert.match(script, /^!function\(.*;$/);
    }
  });

  test("passes Closure Compiler's ES5 check, which tag managers use", async () => {
    for (const html of Object.values(await snippets()))
      assert.match(await checkEs5(codeIn(html)), /oaiq/);
    await assert.rejects(checkEs5("let a = () => {};"), /ECMASCRIPT/);
  });

  test("ends with the only URL, which sites replace", async () => {
    for (const [file, html] of Object.entries(await snippets())) {
      const urls = html.match(/https?:[^"]*/g) ?? [];
      const isLoading = file !== "www/snippet/stub.html";
      assert.equal(urls.length, isLoading ? 1 : 0, file);
      if (isLoading) assert.ok(codeIn(html).endsWith(`"${urls[0]}");`));
    }
  });
});

describe("old tokenizers", () => {
  test("find no quote in a regular expression and no template literal but the module in dist/", async () => {
    const names = await readdir(join(root, "dist"));
    for (const name of names.filter((name) => /js$/.test(name))) {
      const script = (await readText(`dist/${name}`)).replace("\ufeff", "");
      /** @type {string[]} */
      const modules = [];
      parse(script, {
        ecmaVersion: "latest",
        sourceType: name.endsWith(".mjs") ? "module" : "script",
        onToken({ type, start, end }) {
          const token = script.slice(start, end);
          if (type.label === "regexp")
            assert.doesNotMatch(token, /["'`]/, name);
          if (type.label === "template") modules.push(token);
        },
      });
      for (const module of modules)
        assert.match(module.slice(0, 12), /asm/, `${name}: ${module}`);
    }
  });

  test("find no line comment before code in dist/", async () => {
    const names = await readdir(join(root, "dist"));
    for (const name of names.filter((name) => /js$/.test(name))) {
      const script = (await readText(`dist/${name}`)).replace("\ufeff", "");
      parse(script, {
        ecmaVersion: "latest",
        sourceType: name.endsWith(".mjs") ? "module" : "script",
        onComment: (isBlock, text, _start, end) =>
          assert.ok(
            isBlock || script.slice(end).trim() === "",
            `${name}: //${text}`,
          ),
      });
    }
  });
});

test("docs/tools.md has a row for each minifier with how the pixel runs after it", async () => {
  const docs = await readText("docs/tools.md");
  const rows = docs
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  for (const [name, { module, damages }] of Object.entries(TOOLS))
    assert.deepEqual(
      rows.find(([tool]) => tool === name),
      [
        name,
        "work",
        module === null ? "no" : "works",
        damages ? "fallback" : "WebAssembly",
      ],
    );
});
