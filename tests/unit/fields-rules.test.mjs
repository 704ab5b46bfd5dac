// Tests the pure rules of www/fields: where a visitor comes from, what is kept of it, and which fields are filled.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/exec.mjs";

globalThis.window ??= /** @type {any} */ ({ Date, setTimeout });
const { aiSource } = await import("../../www/fields/ai-source.js");
const { DATA_TYPES } = await import("../../www/fields/data-types.gen.js");
const { eventIn, fieldNames, valueToWrite } =
  await import("../../www/fields/options.js");
const { mergeTouches, publicUrl, readTouch, TOUCH_FIELDS } =
  await import("../../www/fields/touches.js");

const DAY = 24 * 60 * 60 * 1000;
const NOW = Date.UTC(2026, 10, 30);
const SHOP = "https://shop.example.test";

/** The touch of a page of the shop. */
const touchOf = (path = "/", referrer = "", now = NOW) =>
  readTouch(SHOP + path, referrer, now, (url) => url);

/**
 * What is stored after these pages.
 *
 * @param {[path: string, referrer: string, now: number][]} pages
 */
const afterPages = (...pages) => {
  let stored = "";
  for (const page of pages)
    stored = `${mergeTouches(stored, touchOf(...page))}`;
  return Object.fromEntries(new URLSearchParams(stored));
};

for (const [referrer, name] of [
  ["https://chatgpt.com/", "ChatGPT"],
  ["https://www.chatgpt.com/c/123", "ChatGPT"],
  ["https://chat.openai.com/", "ChatGPT"],
  ["android-app://com.openai.chatgpt/", "ChatGPT"],
  ["https://claude.ai/", "Claude"],
  ["android-app://com.anthropic.claude/", "Claude"],
  ["https://www.perplexity.ai/search", "Perplexity"],
  ["android-app://ai.perplexity.app.android/", "Perplexity"],
  ["https://gemini.google.com/app", "Gemini"],
  ["https://bard.google.com/", "Gemini"],
  ["android-app://com.google.android.apps.bard/", "Gemini"],
  ["https://copilot.microsoft.com/", "Copilot"],
  ["https://copilot.cloud.microsoft/", "Copilot"],
  ["android-app://com.microsoft.copilot/", "Copilot"],
  ["https://www.meta.ai/", "other"],
  ["https://grok.com/", "other"],
  ["https://chat.deepseek.com/", "other"],
  ["https://chat.mistral.ai/", "other"],
  ["https://duck.ai/", "other"],
  ["https://duckduckgo.com/", ""],
  ["https://duck.com/", ""],
  ["https://www.google.com/", ""],
  ["https://www.bing.com/", ""],
  ["https://meta.com/", ""],
  ["https://chatgpt.com.evil.test/", ""],
  ["https://notchatgpt.com/", ""],
  ["https://claude.ai.example.test/", ""],
  ["", ""],
  ["not a url", ""],
])
  test(`ai_source of the referrer "${referrer}" is "${name}"`, () => {
    assert.equal(touchOf("/", referrer).ai_source, name);
  });

for (const [query, name] of [
  ["utm_source=chatgpt.com", "ChatGPT"],
  ["utm_source=ChatGPT", "ChatGPT"],
  ["utm_source=openai", "ChatGPT"],
  ["utm_source=openai&utm_medium=cpc", "OpenAI Ads"],
  ["utm_source=chatgpt&utm_medium=Paid_Social", "OpenAI Ads"],
  ["utm_source=chatgpt.com&utm_medium=referral", "ChatGPT"],
  ["oppref=click-1", "OpenAI Ads"],
  ["oppref=", ""],
  ["utm_source=claude.ai", "Claude"],
  ["utm_source=perplexity", "Perplexity"],
  ["utm_source=gemini", "Gemini"],
  ["utm_source=copilot.com", "Copilot"],
  ["utm_source=deepseek", "other"],
  ["utm_source=meta", ""],
  ["utm_source=you", ""],
  ["utm_source=newsletter&utm_medium=cpc", ""],
])
  test(`ai_source of the parameters ${query} is "${name}"`, () => {
    assert.equal(touchOf(`/?${query}`).ai_source, name);
  });

test("ai_source of a Google result that quotes a passage is AI Overview", () => {
  const quoted = "/guide#:~:text=gentle%20soap";
  assert.equal(
    touchOf(quoted, "https://www.google.com/").ai_source,
    "AI Overview",
  );
  assert.equal(
    touchOf(quoted, "https://www.google.co.uk/").ai_source,
    "AI Overview",
  );
  assert.equal(
    touchOf(quoted, "android-app://com.google.android.googlequicksearchbox/")
      .ai_source,
    "AI Overview",
  );
  assert.equal(touchOf("/guide", "https://www.google.com/").ai_source, "");
  assert.equal(touchOf(quoted, "https://blog.example/").ai_source, "");
});

test("the assistant that the browser reports comes before the link's utm_source", () => {
  assert.equal(
    touchOf("/?utm_source=chatgpt.com", "https://claude.ai/").ai_source,
    "Claude",
  );
  assert.equal(
    touchOf("/?utm_source=newsletter", "https://claude.ai/").ai_source,
    "Claude",
  );
});

test("aiSource reads no other text as an assistant", () => {
  for (const text of ["", "chatgpt clone", "xopenai", "geminis", "co pilot"])
    assert.equal(aiSource("", text, "cpc", text, true), "", text);
});

test("a touch has no query, fragment or credentials in its URLs", () => {
  const touch = readTouch(
    "https://me:secret@shop.example.test/p?email=jane@example.com#top",
    "https://you:too@blog.example/post?session=1#x",
    NOW,
    (url) => url,
  );
  assert.equal(touch.landing_page, "https://shop.example.test/p");
  assert.equal(touch.referrer, "https://blog.example/post");
});

test("a URL that is not of the web is left out", () => {
  for (const url of [
    "file:///home/jane/x.html",
    "data:text/html,x",
    "about:blank",
    "javascript:1",
    "",
    "//",
  ])
    assert.equal(publicUrl(url), "", url);
  assert.equal(
    publicUrl("android-app://com.openai.chatgpt/"),
    "android-app://com.openai.chatgpt/",
  );
});

test("redaction applies to the pages of a touch", () => {
  const touch = readTouch(`${SHOP}/account/jane`, "", NOW, (url) =>
    url.replace("jane", "*"),
  );
  assert.equal(touch.landing_page, `${SHOP}/account/*`);
});

for (const [page, referrer, isOwn] of /** @type {const} */ ([
  ["https://shop.example.test/", "https://shop.example.test/cart", true],
  ["https://shop.example.test/", "https://www.shop.example.test/", true],
  ["https://www.example.test/", "https://shop.example.test/", true],
  ["https://shop.example.test/", "https://example.test/", true],
  ["https://shop.example.test/", "https://ashop.example.test/", false],
  ["https://shop.example.test/", "https://blog.example/", false],
]))
  test(`${referrer} is ${isOwn ? "part of the site" : "another site"} for ${page}`, () => {
    const touch = readTouch(page, referrer, NOW, (url) => url);
    assert.equal(touch.referrer, isOwn ? "" : referrer);
  });

test("a long parameter is cut at 500 characters", () => {
  assert.equal(
    touchOf(`/?utm_source=${"x".repeat(600)}`).utm_source.length,
    500,
  );
});

test("the first page is the first touch and the last one", () => {
  const stored = afterPages([
    "/a?utm_source=news&utm_campaign=spring",
    "https://blog.example/",
    NOW,
  ]);
  assert.equal(stored.utm_source, "news");
  assert.equal(stored.first_utm_source, "news");
  assert.equal(stored.first_landing_page, `${SHOP}/a`);
  assert.equal(stored.referrer, "https://blog.example/");
  assert.equal(stored.first_referrer, "https://blog.example/");
});

test("a later campaign replaces the last touch and keeps the first", () => {
  const stored = afterPages(
    ["/a?utm_source=news", "", NOW],
    ["/b?oppref=click-1", "https://chatgpt.com/", NOW + DAY],
  );
  assert.equal(stored.utm_source, "");
  assert.equal(stored.ai_source, "OpenAI Ads");
  assert.equal(stored.landing_page, `${SHOP}/b`);
  assert.equal(stored.first_utm_source, "news");
  assert.equal(stored.first_ai_source, "");
  assert.equal(stored.first_landing_page, `${SHOP}/a`);
});

test("pages within the site and direct visits keep the last touch", () => {
  const stored = afterPages(
    ["/a?utm_source=news", "", NOW],
    ["/b", `${SHOP}/a`, NOW + 1000],
    ["/c", "", NOW + 10 * DAY],
  );
  assert.equal(stored.utm_source, "news");
  assert.equal(stored.landing_page, `${SHOP}/a`);
});

test("the referrer of a payment page within a visit keeps the last touch", () => {
  const stored = afterPages(
    ["/a?utm_source=news", "", NOW],
    ["/thanks", "https://pay.example/", NOW + 20 * 60 * 1000],
    ["/thanks", "https://pay.example/", NOW + 45 * 60 * 1000],
  );
  assert.equal(stored.utm_source, "news");
  assert.equal(stored.referrer, "");
});

test("a referrer that starts a visit replaces the last touch", () => {
  const stored = afterPages(
    ["/a?utm_source=news", "", NOW],
    ["/b", "https://claude.ai/", NOW + 31 * 60 * 1000],
  );
  assert.equal(stored.utm_source, "");
  assert.equal(stored.ai_source, "Claude");
  assert.equal(stored.first_utm_source, "news");
});

test("touches live 90 days", () => {
  const first = /** @type {const} */ (["/a?utm_source=news", "", NOW]);
  assert.equal(
    afterPages([...first], ["/b", "", NOW + 90 * DAY - 1]).utm_source,
    "news",
  );
  const late = afterPages([...first], ["/b", "", NOW + 90 * DAY]);
  assert.equal(late.utm_source, "");
  assert.equal(late.first_utm_source, "");
  assert.equal(late.first_landing_page, `${SHOP}/b`);
});

test("a last touch that still lives becomes the first one when that has ended", () => {
  const stored = afterPages(
    ["/a?utm_source=news", "", NOW],
    ["/b?utm_source=ads", "", NOW + 50 * DAY],
    ["/c", "", NOW + 100 * DAY],
  );
  assert.equal(stored.utm_source, "ads");
  assert.equal(stored.first_utm_source, "ads");
});

test("a touch of the far future is from a wrong clock and ends", () => {
  const stored = afterPages(
    ["/a?utm_source=news", "", NOW + 400 * DAY],
    ["/b", "", NOW],
  );
  assert.equal(stored.first_landing_page, `${SHOP}/b`);
});

test("unreadable stored texts count as nothing", () => {
  for (const stored of [
    "{",
    "at=NaN&first_at=x",
    "%E0%A4%A",
    "at&seen",
    "__proto__=1&constructor=2",
    "x".repeat(100_000),
  ]) {
    const touches = mergeTouches(stored, touchOf("/a?utm_source=news"));
    assert.equal(touches.get("utm_source"), "news", stored.slice(0, 20));
    assert.equal(touches.get("first_utm_source"), "news", stored.slice(0, 20));
  }
});

test("any text in a parameter survives storing", () => {
  for (const text of ["a&b=c", "ä€😀", "\u0000", "\ud800", "%41+ "]) {
    const query = new URLSearchParams({ utm_campaign: text });
    const [stored] = [afterPages([`/?${query}`, "", NOW])];
    assert.equal(stored.utm_campaign, text.toWellFormed());
  }
});

test("valueToWrite never overwrites what the site has filled", () => {
  assert.equal(valueToWrite("", undefined, "a"), "a");
  assert.equal(valueToWrite("site", undefined, "a"), undefined);
  assert.equal(valueToWrite("site", "a", "b"), undefined);
  assert.equal(valueToWrite("a", "a", "b"), "b");
  assert.equal(valueToWrite("a", "a", ""), "");
  assert.equal(valueToWrite("a", "a", "a"), undefined);
  assert.equal(valueToWrite("", "a", "a"), "a");
  assert.equal(valueToWrite("", undefined, ""), undefined);
});

test("fields have the names that the site gives them", () => {
  const names = fieldNames({
    utm_source: "lead[source]",
    first_referrer: false,
    oppref: 7,
    event_id: "",
    unknown: "x",
  });
  assert.equal(names.utm_source, "lead[source]");
  assert.equal(names.utm_medium, "utm_medium");
  for (const field of ["first_referrer", "oppref", "event_id", "unknown"])
    assert.ok(!(field in names), field);
  assert.equal(Object.keys(fieldNames(undefined)).length, 20);
  assert.ok(TOUCH_FIELDS.every((field) => field in fieldNames(true)));
});

test("options that throw leave each field its own name", () => {
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error("hostile");
      },
    },
  );
  assert.equal(fieldNames(hostile).event_id, "event_id");
  assert.equal(eventIn(hostile), undefined);
});

test("an option names an event by its text or by its member event", () => {
  assert.equal(eventIn("lead_created"), "lead_created");
  assert.equal(eventIn(" lead_created "), "lead_created");
  assert.equal(eventIn({ event: "trial_started" }), "trial_started");
  for (const none of ["", " ", "true", "off", true, null, undefined, {}, 7])
    assert.equal(eventIn(none), undefined, String(none));
});

test("each event that a form may measure has a type of its own in the types", async () => {
  const types = await readFile(join(root, "www/types/oaiq.d.ts"), "utf8");
  const [, union = ""] = /export type FormEvent =([^;]*);/.exec(types) ?? [];
  assert.deepEqual(
    [...union.matchAll(/"(\w+)"/g)].map(([, name]) => name),
    Object.keys(DATA_TYPES),
  );
});
