// The files of the install snippet: what they are made of, and the checks that tag managers make.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parse } from "acorn";
import { root } from "../../scripts/exec.mjs";
import { PLACEHOLDER, snippets } from "../../scripts/snippets.mjs";
import { closure, TOOLS } from "./tools.mjs";

const text = (file) => readFile(join(root, file), "utf8");
const inside = (html) => html.replace(/<\/?script>\n/g, "").trim();

describe("the install snippet", () => {
  test("is in each of its files what the build makes of its source", async () => {
    for (const [file, made] of Object.entries(await snippets()))
      assert.equal(await text(file), made, `${file}: run npm run build`);
  });

  test("is the README's", async () => {
    const readme = await text("README.md");
    assert.ok(readme.includes(await text("www/snippet/short.html")));
  });

  test("is the demo shop's, on each page", async () => {
    const short = await text("www/snippet/short.html");
    const shown = short.replace(PLACEHOLDER, "/sdk/oaiq.min.js");
    const pages = await readdir(join(root, "www/shop"));
    for (const page of pages.filter((name) => name.endsWith(".html")))
      assert.ok((await text(`www/shop/${page}`)).includes(shown), page);
  });

  test("is ES5, begins with an exclamation mark and ends with a semicolon", async () => {
    for (const html of Object.values(await snippets())) {
      const script = inside(html);
      parse(script, { ecmaVersion: 5 });
      assert.match(script, /^!function\(.*;$/);
    }
  });

  test("passes Closure Compiler's check of ES5, as tag managers make it", async () => {
    const check = (script) =>
      closure(
        script,
        "--language_in=ECMASCRIPT5",
        "--language_out=ECMASCRIPT5",
      );
    for (const html of Object.values(await snippets()))
      assert.match(await check(inside(html)), /oaiq/);
    await assert.rejects(check("let a = () => {};"), /ECMASCRIPT/);
  });

  test("ends with the address, which is all that one changes", async () => {
    for (const [file, html] of Object.entries(await snippets())) {
      const addresses = html.match(/https?:[^"]*/g) ?? [];
      const isLoading = file !== "www/snippet/stub.html";
      assert.equal(addresses.length, isLoading ? 1 : 0, file);
      if (isLoading) assert.ok(inside(html).endsWith(`"${addresses[0]}");`));
    }
  });
});

describe("what old tokenizers read", () => {
  test("no file of dist/ has a quote in a regular expression, or a template literal but the module's", async () => {
    const names = await readdir(join(root, "dist"));
    for (const name of names.filter((name) => /js$/.test(name))) {
      const script = (await text(`dist/${name}`)).replace("\ufeff", "");
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

  test("no file of dist/ begins with a line comment", async () => {
    for (const name of await readdir(join(root, "dist")))
      if (name.endsWith(".min.js"))
        assert.match(await text(`dist/${name}`), /^\ufeff?\n(?!\/\/)/, name);
  });
});

test("docs/tools.md has a row for each minifier, with how the pixel then runs", async () => {
  const docs = await text("docs/tools.md");
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
