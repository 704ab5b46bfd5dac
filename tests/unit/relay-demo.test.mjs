// The shop of `npm start -- --relay`.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/exec.mjs";
import { withRelay } from "../../scripts/relay-demo.mjs";

const SHOP = join(root, "www/shop");

for (const name of readdirSync(SHOP).filter((name) => name.endsWith(".html")))
  test(`${name} of the shop sends everything to the relay`, () => {
    const page = withRelay(readFileSync(join(SHOP, name), "utf8"));
    assert.match(page, /relay: true/);
    assert.match(page, /"\/oaiq\/oaiq\.min\.js"/);
    assert.doesNotMatch(page, /\/v1\/sdk\/events|\/pixel-config\/|\/sdk\//);
  });
