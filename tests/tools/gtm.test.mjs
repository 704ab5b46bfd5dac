// Tests the template of Google Tag Manager with the tool that checks code there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PLACEHOLDER } from "../../scripts/snippets.mjs";
import { readTemplate } from "../unit/gtm/template.mjs";
import { checkEs5 } from "./tools.mjs";

test("the template's code passes Closure Compiler's ES5 check", async () => {
  const { code } = await readTemplate(PLACEHOLDER);
  assert.match(await checkEs5(code), /measureSingle/);
});
