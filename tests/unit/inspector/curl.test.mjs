import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import {
  isSendable,
  toCurl,
  toServerEvent,
  userFieldLabel,
  userFieldsOf,
} from "../../../www/inspector/model/curl.js";
import { toText } from "../../../www/inspector/model/to-text.js";
import {
  diagnosticEntry,
  entry,
  NOW,
  serverEntry,
  unreadableEntry,
} from "./fixtures.mjs";

const ORIGIN = "http://localhost:8787";

/** The arguments that a shell gives to curl when this is pasted. Fails if the shell does anything else. */
const paste = (/** @type {string} */ text) => {
  const { stdout, stderr } = spawnSync(
    "sh",
    ["-c", `curl() { printf '%s\\0' "$@"; }\n${text}`],
    { encoding: "utf8" },
  );
  assert.equal(stderr, "");
  return stdout.split("\0").slice(0, -1);
};

const bodyOf = (/** @type {string[]} */ args) =>
  JSON.parse(args[args.indexOf("--data-raw") + 1]);

test("a browser event is copied as the server request with the same ID", () => {
  const args = paste(
    toCurl(
      entry({
        oppref: "click-1",
        user: { in: { eid: "e1", em: "a1", ph: "b2", co: "DE", pc: "26757" } },
        event: {
          id: "order-1",
          opt_out: true,
          referrer_url: "https://x.test/",
        },
      }),
      ORIGIN,
    ),
  );
  assert.equal(args[0], `${ORIGIN}/v1/events?pid=PIXEL-ONE`);
  assert.deepEqual(args.slice(1, 5), [
    "-H",
    "Authorization: Bearer YOUR-KEY",
    "-H",
    "Content-Type: application/json",
  ]);
  assert.deepEqual(bodyOf(args), {
    events: [
      {
        type: "order_created",
        id: "order-1",
        timestamp_ms: NOW,
        action_source: "web",
        source_url: "https://shop.example.test/thanks",
        oppref: "click-1",
        user: {
          external_ids_sha256: ["e1"],
          emails_sha256: ["a1"],
          phone_numbers_sha256: ["b2"],
          countries: ["DE"],
          postal_codes: ["26757"],
          obref: "11111111-1111-4111-8111-111111111111",
        },
        opt_out: true,
        data: { type: "contents", amount: 2599, currency: "USD" },
      },
    ],
  });
});

test("a custom event keeps its name, and an unknown visitor is left out", () => {
  const half = toServerEvent(
    entry({
      obref: undefined,
      event: { type: "custom", custom_event_name: "quiz" },
    }),
  );
  assert.equal(half.custom_event_name, "quiz");
  assert.equal(Object.hasOwn(half, "user"), false);
  assert.equal(Object.hasOwn(half, "oppref"), false);
});

test("a server event in today's form is copied unchanged", () => {
  const user = {
    emails_sha256: ["a", "b"],
    countries: ["DE"],
    obref: "b-1",
    ip_address: "203.0.113.7",
    user_agent: "Mozilla/5.0",
    android_advertising_id: "38400000-8cf0-11bd-b23e-10b96e40000d",
  };
  const sent = serverEntry({ event: { user } });
  assert.deepEqual(bodyOf(paste(toCurl(sent, ORIGIN))).events, [sent.event]);
  assert.deepEqual(userFieldsOf(sent).map(userFieldLabel).slice(0, 4), [
    "emails (hashed)",
    "countries",
    "obref",
    "ip address",
  ]);
});

test("a server event in an older form is copied in today's form", () => {
  const sent = serverEntry({
    event: {
      obref: "b-1",
      user: {
        email_sha256: "a",
        phone_number_sha256: ["b", "c"],
        first_names_sha256: ["d"],
        postal_code: "26757",
        zip_code: ["12345"],
        client_ip_address: "203.0.113.7",
        client_user_agent: "Mozilla/5.0",
        mail: "x",
      },
    },
  });
  const before = structuredClone(sent);
  const [copied] = bodyOf(paste(toCurl(sent, ORIGIN))).events;
  const { obref, ...event } = sent.event;
  assert.deepEqual(copied, {
    ...event,
    user: {
      emails_sha256: ["a"],
      phone_numbers_sha256: ["b", "c"],
      first_names_sha256: ["d"],
      postal_codes: ["26757", "12345"],
      ip_address: "203.0.113.7",
      user_agent: "Mozilla/5.0",
      mail: "x",
      obref,
    },
  });
  assert.deepEqual(sent, before);
  assert.deepEqual(userFieldsOf(sent).map(userFieldLabel).slice(0, 2), [
    "email (hashed)",
    "phone number (hashed)",
  ]);
});

test("an app event is copied with customer_action data", () => {
  for (const type of ["custom", "app_opened", "customer_action"]) {
    const sent = serverEntry({ event: { type: "app_opened", data: { type } } });
    assert.deepEqual(toServerEvent(sent).data, { type: "customer_action" });
  }
  const data = { type: "custom", plan_id: "p" };
  const sent = serverEntry({ event: { type: "custom", data } });
  assert.deepEqual(toServerEvent(sent).data, data);
});

test("a server event with fields of another type is copied unchanged", () => {
  for (const strange of [null, 7, "x", ["a"], true]) {
    const sent = serverEntry({
      event: {
        type: "app_opened",
        user: strange,
        data: strange,
        obref: strange === null ? undefined : strange,
      },
    });
    assert.equal(toText(toServerEvent(sent)), toText(sent.event));
  }
});

test("a shell reads every part of a pasted event as text", () => {
  const hostile = [
    "'; touch /tmp/owned; '",
    "$(touch /tmp/owned)",
    "`touch /tmp/owned`",
    "'\\''$(id)'\\''",
    "a\nrm -rf /\n",
    "\r\u0003\u001b[201~id\n",
    "\\",
    "!!",
    "@/etc/passwd",
    "-o /tmp/owned",
    "${IFS}",
    "\u202eexe.",
    "\u0000",
    "\ud800",
  ];
  for (const text of hostile) {
    const sent = entry({
      pixel: text,
      oppref: text,
      event: {
        id: text,
        source_url: text,
        data: { type: text, [text]: text, contents: [{ name: text }] },
      },
    });
    const line = toCurl(sent, ORIGIN);
    // no character that a terminal acts on before the shell sees it
    assert.match(line, /^[\x20-\x7e\n]*$/);
    assert.equal(line.split("\n").length, 4);
    const args = paste(line);
    assert.equal(args.length, 7);
    assert.equal(
      new URL(args[0]).searchParams.get("pid"),
      text.replace("\ud800", "\ufffd"),
    );
    assert.deepEqual(bodyOf(args).events, [toServerEvent(sent)]);
  }
});

test("a field named __proto__ is copied as a field", () => {
  const sent = entry();
  sent.event.data = JSON.parse('{"__proto__":{"polluted":1}}');
  const line = toCurl(sent, ORIGIN);
  assert.ok(line.includes('"data":{"__proto__":{"polluted":1}}'), line);
  assert.equal(Reflect.get({}, "polluted"), undefined);
});

test("pixel status and unreadable requests are not sendable", () => {
  assert.equal(isSendable(entry()), true);
  assert.equal(isSendable(diagnosticEntry({})), false);
  assert.equal(isSendable(unreadableEntry()), false);
});
