// What the inspector says about user data that was read from the page.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readFromPage } from "../../../www/inspector/model/matching.js";
import { findPersonalData } from "../../../www/inspector/model/personal.js";
import { entry } from "./fixtures.mjs";

const hash = "a".repeat(64);

describe("user data that was read from the page", () => {
  test("is shown by its source, in the order of precedence", () => {
    const user = {
      ht: { em: [hash] },
      in: { em: hash },
      fm: { em: [hash, hash], ct: "rome" },
    };
    assert.deepEqual(readFromPage(entry({ user })), [
      {
        part: "fm",
        source: "forms",
        fields: [
          { field: "em", count: 2 },
          { field: "ct", count: 1 },
        ],
      },
      {
        part: "ht",
        source: "the page's text",
        fields: [{ field: "em", count: 1 }],
      },
    ]);
  });

  test("is nothing where a request has none, or something else", () => {
    for (const user of [
      undefined,
      null,
      "fm",
      [],
      { in: { em: hash } },
      { fm: null, js: "x", ht: [] },
      { fm: {} },
    ])
      assert.deepEqual(readFromPage(entry({ user })), []);
  });

  test("counts as personal data where it is not hashed", () => {
    const user = { fm: { ct: "me@shop.test" }, ht: { rg: "bavaria" } };
    const found = findPersonalData(entry({ user }));
    assert.deepEqual(
      found.map(({ field }) => field),
      ["city"],
    );
  });
});
