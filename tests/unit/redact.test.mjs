// The redaction of paths by oaiq.config.redactPath (www/consent/redact.js).
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Page } from "./consent-page.mjs";
import { createRedactor } from "../../www/consent/redact.js";

const SHOP = "https://shop.example.test";

const warnings = [];
/** The URLs of a page and its referrer, as the module gets them. */
const given = (patterns, url, referrer = "") => {
  warnings.length = 0;
  const redacted = createRedactor(patterns, (line) => warnings.push(line));
  const { head } = redacted({
    head: `[1,"${url}",${referrer && `"${referrer}"`}`,
    parts: [],
  });
  return head;
};
const path = (patterns, url) =>
  given(patterns, SHOP + url).slice(`[1,"${SHOP}`.length, -2);

describe("a path", () => {
  for (const [patterns, before, after] of [
    ["/account/*", "/account/jane@example.com", "/account/*"],
    ["/account/*", "/account/jane/orders", "/account/*/orders"],
    ["/account/*", "/account", "/account"],
    ["/account/*", "/account/", "/account/"],
    ["/account/*", "/accounts/jane", "/accounts/jane"],
    ["/account/*", "/en/account/jane", "/en/account/jane"],
    ["/*/account/*", "/en/account/jane", "/*/account/*"],
    [["/a/*", "/b/*"], "/b/1", "/b/*"],
    [["/a/*", /\d+/], "/a/1/22", "/a/*/*"],
    [/[^/]+@[^/]+/, "/x/a@b.c/d@e.f", "/x/*/*"],
    [/JANE/i, "/jane/Jane", "/*/*"],
    [/^\/reset\/.+/y, "/reset/token", "*"],
    [[], "/account/jane", "/account/jane"],
    ["", "/account/jane", "/account/jane"],
  ])
    test(`${before} is sent as ${after} by ${String(patterns)}`, () => {
      assert.equal(path(patterns, before), after);
      assert.deepEqual(warnings, []);
    });

  for (const entry of [7, true, null, {}, { source: "(" }, () => {}])
    test(`is hidden as a whole, with a warning, if an entry is ${typeof entry} ${JSON.stringify(entry)}`, () => {
      assert.equal(path(["/a/*", entry], "/account/jane"), "/*");
      assert.match(
        warnings.join(),
        /neither a string nor a regular expression/,
      );
    });
});

test("a referrer's path is redacted like the page's, and the module handles the query", () => {
  assert.equal(
    given("/a/*", `${SHOP}/a/1?q=/a/2`, "https://other.test/a/3#x"),
    `[1,"${SHOP}/a/*?q=/a/2","https://other.test/a/*#x"`,
  );
});

test("a URL without a path is not changed", () => {
  assert.equal(given("/a/*", "about:blank"), `[1,"about:blank",`);
});

test("escaped characters stay escaped", () => {
  assert.equal(
    given("/a/*", `${SHOP}/b/\\u0022\\u005c/a`),
    `[1,"${SHOP}/b/\\u0022\\u005c/a",`,
  );
});

describe("a page that redacts", () => {
  test("measures without asking the visitor", async () => {
    const page = await Page.create({ redactPath: "/a/*" });
    page.call("init", { pixelId: "P" });
    page.measure("page_viewed");
    page.loadConsentFile();
    page.measure("order_created");
    assert.deepEqual(page.measured, ["page_viewed", "order_created"]);
    assert.equal(page.consent, undefined);
  });

  for (const [what, config] of Object.entries({
    "oaiq.config": { redactPath: "/a/*", consent: "pending" },
    "a source": { redactPath: "/a/*", consentSource: "tcf" },
  }))
    test(`waits if ${what} says that the visitor must be asked`, async () => {
      const page = await Page.create(config);
      page.measure("page_viewed");
      page.loadConsentFile();
      assert.deepEqual(page.module, []);
      assert.equal(page.consent.state, "pending");
    });

  test('waits from its first init on if that has consent: "pending"', async () => {
    const page = await Page.create({ redactPath: "/a/*" });
    page.call("init", { pixelId: "P", consent: "pending" });
    page.measure("page_viewed");
    page.loadConsentFile();
    page.measure("order_created");
    assert.deepEqual(page.module, []);
    page.call("consent", true);
    assert.deepEqual(page.measured, ["page_viewed", "order_created"]);
  });

  test('ignores consent: "pending" of a later init', async () => {
    const page = await Page.create({ redactPath: "/a/*" });
    page.loadConsentFile();
    page.call("init", { pixelId: "P" });
    page.call("init", { pixelId: "Q", consent: "pending" });
    page.measure("page_viewed");
    assert.deepEqual(page.measured, ["page_viewed"]);
  });
});
