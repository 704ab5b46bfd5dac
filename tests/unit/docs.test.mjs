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
