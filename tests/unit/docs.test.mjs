// Tests rules that every page of the docs follows.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/exec.mjs";

/** The README and docs/, by file. */
const pages = async () => {
  const names = await readdir(join(root, "docs"));
  const files = names
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`);
  return Promise.all(
    ["README.md", ...files].map(
      async (file) =>
        /** @type {const} */ ([file, await readFile(join(root, file), "utf8")]),
    ),
  );
};

test("no example replaces oaiq.config, because another script may have set it before", async () => {
  let examples = 0;
  for (const [file, text] of await pages()) {
    assert.doesNotMatch(text, /oaiq\.config\s*=[^=]/, file);
    examples += text.match(/\boaiq = \{\s*config:/g)?.length ?? 0;
  }
  assert.ok(examples > 10, `${examples} examples`);
});

test("no example has an attribute of the pixel without its prefix", async () => {
  for (const [file, text] of await pages())
    for (const [, code] of text.matchAll(/^```html\n([^]*?)^```/gm))
      for (const [attribute] of code.matchAll(/<script[^>]*?\sdata-[\w-]+/g))
        assert.match(attribute, /\sdata-oaiq-[\w-]+$/, file);
});

/** Lines without their indentation: an excerpt is less indented than in its file. */
const withoutIndent = (/** @type {string} */ text) =>
  text.trim().replace(/^[ \t]+/gm, "");

test("the recipes for frameworks are excerpts of apps that are tested", async () => {
  const text = await readFile(join(root, "docs/frameworks.md"), "utf8");
  const excerpts = [
    ...text.matchAll(
      /^<!-- (tests\/frameworks\/\S+) -->\n+(?:<!-- prettier-ignore -->\n)?```\w+\n([^]*?)^```/gm,
    ),
  ];
  const apps = new Set();
  for (const [, file, excerpt] of excerpts) {
    apps.add(file.split("/")[2]);
    const source = withoutIndent(await readFile(join(root, file), "utf8"));
    assert.ok(source.includes(withoutIndent(excerpt)), `${file}:\n${excerpt}`);
  }
  assert.equal(apps.size, 8, [...apps].join(", "));
});

test("examples of the queue are the stub of the snippets", async () => {
  const stub = await readFile(join(root, "www/snippet/stub.html"), "utf8");
  const text = await readFile(join(root, "docs/frameworks.md"), "utf8");
  const [, code] = stub.split("\n");
  const queues = text.match(/!function\(.*/g) ?? [];
  assert.ok(queues.length >= 10);
  for (const queue of queues) assert.equal(queue, code);
});
