/** @import { SentEvent } from "../../../www/inspector/model/types.d.ts" */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  EMAIL,
  NAME,
  findPersonalData,
  PHONE,
} from "../../../www/inspector/model/personal.js";
import { sha256 } from "../../../www/matching/sha256.js";
import {
  diagnosticEntry,
  entry,
  serverEntry,
  unreadableEntry,
} from "./fixtures.mjs";

const hash = (/** @type {string} */ text) =>
  createHash("sha256").update(text).digest("hex");

/** @param {Parameters<typeof entry>[0]} fields */
const found = (fields) =>
  findPersonalData(entry(fields)).map(({ field, kind }) => `${field}: ${kind}`);

test("an e-mail address is found in every unhashed field", () => {
  const email = "Jane.Doe@example.com";
  /** @type {[string, Parameters<typeof entry>[0]][]} */
  const cases = [
    ["event_id", { event: { id: `order ${email}` } }],
    ["custom_event_name", { event: { custom_event_name: email } }],
    ["plan_id", { event: { data: { plan_id: email } } }],
    ["contents[].id", { event: { data: { contents: [{ id: email }] } } }],
    [
      "contents[].name",
      { event: { data: { contents: [{}, { name: email }] } } },
    ],
    ["city", { user: { in: { ct: email } } }],
    ["postal_code", { user: { in: { pc: email } } }],
    [
      "the path of the page's URL",
      { event: { source_url: "https://shop.test/u/jane%40example.com/order" } },
    ],
    [
      "the path of the page's URL",
      { event: { source_url: "https://shop.test/jane%2540example.com" } },
    ],
    [
      "the path of the referrer",
      { event: { referrer_url: `https://shop.test/${email}` } },
    ],
  ];
  for (const [field, fields] of cases)
    assert.deepEqual(found(fields), [`${field}: ${EMAIL}`]);
});

test("a server's fields are checked under their own names", () => {
  const fields = (/** @type {SentEvent} */ event) =>
    findPersonalData(serverEntry({ event })).map(({ field }) => field);
  assert.deepEqual(fields({ id: "a@example.com" }), ["id"]);
  assert.deepEqual(fields({ user: { cities: ["Berlin", "a@example.com"] } }), [
    "city",
  ]);
  assert.deepEqual(
    fields({
      data: { contents: [{ variant_dict: { for: "a@example.com" } }] },
    }),
    ["contents[].variant_dict.for"],
  );
});

test("phone numbers are found, order numbers, article numbers, dates and UUIDs are not", () => {
  const inId = (/** @type {string} */ id) => found({ event: { id } });
  for (const phone of [
    "+49 170 1234567",
    "+491701234567",
    "tel:+1-555-123-4567",
    "0049 170 1234567",
    "0170 1234567",
    "0170/1234567",
    "(555) 123-4567",
    "555-123-4567",
    "%2B491701234567",
  ])
    assert.deepEqual(inId(phone), [`event_id: ${PHONE}`], phone);
  for (const id of [
    "100023456789",
    "0012345678905",
    "2026-11-25-0001",
    "order_12345",
    "A-2024-000123",
    "1/2/3",
    "00112233-4455-4677-8899-001122334455",
    "2026-11-25T12:00:00.000Z",
    "25.99",
  ])
    assert.deepEqual(inId(id), [], id);
});

test("the visitor's own name and phone number are found by their hashes", () => {
  const user = {
    in: { fn: hash("jane"), ln: hash("vandenberg"), ph: hash("491701234567") },
  };
  assert.deepEqual(
    found({
      user,
      event: { source_url: "https://shop.test/account/Jane-Doe" },
    }),
    [`the path of the page's URL: ${NAME}`],
  );
  assert.deepEqual(
    found({ user, event: { data: { plan_id: "plan of Van Denberg" } } }),
    [`plan_id: ${NAME}`],
  );
  assert.deepEqual(found({ user, event: { id: "491701234567" } }), [
    `event_id: ${PHONE}`,
  ]);
  assert.deepEqual(
    found({ user, event: { source_url: "https://shop.test/account/john" } }),
    [],
  );
  const event = {
    id: "order-jane",
    user: { first_names_sha256: [hash("jane").toUpperCase()] },
  };
  assert.deepEqual(findPersonalData(serverEntry({ event })), [
    { field: "id", kind: NAME },
  ]);
});

test("a full name is found in an ID only", () => {
  assert.deepEqual(found({ event: { id: "Jane Doe" } }), [`event_id: ${NAME}`]);
  assert.deepEqual(
    found({
      event: { data: { contents: [{ name: "Tide Mug" }] } },
      user: { in: { ct: "New York" } },
    }),
    [],
  );
});

test("ordinary events and image names have no personal data", () => {
  assert.deepEqual(found({}), []);
  assert.deepEqual(
    found({ event: { data: { contents: [{ id: "logo@2x.png" }] } } }),
    [],
  );
  assert.deepEqual(findPersonalData(diagnosticEntry({})), []);
  assert.deepEqual(findPersonalData(unreadableEntry()), []);
});

test("sha256 agrees with Node's for texts around the block length", () => {
  for (let length = 0; length < 140; length += 1)
    assert.equal(sha256("é".repeat(length)), hash("é".repeat(length)));
});
