// Nothing of visitors who have not consented is kept or forwarded. All bytes are searched.
import { createHash, randomUUID } from "node:crypto";
import { order, sha256 } from "../events.mjs";
import { send } from "../http.mjs";
import { check, until } from "../wait.mjs";

/**
 * @typedef {import("../run.mjs").Scenario} Scenario
 * @typedef {import("../relay.mjs").Relay} Relay
 * @typedef {import("../fault-proxy.mjs").FaultProxy} FaultProxy
 */

/** The identifiers of a visitor, which nobody else has. */
const newVisitor = () => {
  const tag = randomUUID().slice(0, 8);
  const email = sha256(`${tag}@mail.example`);
  const phone = sha256(`49${tag}`);
  const externalId = sha256(`customer-${tag}`);
  return {
    obref: randomUUID(),
    oppref: `click-of-${tag}`,
    email,
    phone,
    externalId,
    city: `city-${tag}`,
    address: `198.18.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`,
    agent: `Agent-${tag}`,
    order: `order-of-${tag}`,
  };
};

/** @typedef {ReturnType<typeof newVisitor>} Visitor */

/** @param {Visitor} visitor */
const headersOf = (visitor) => ({
  "user-agent": visitor.agent,
  "x-forwarded-for": visitor.address,
});

/** @param {Visitor} visitor */
const cookiesOf = ({ obref, oppref }) => `__obref=${obref}; __oppref=${oppref}`;

/** @param {Visitor} visitor */
const batchWith = (visitor) => ({
  obref: visitor.obref,
  oppref: visitor.oppref,
  events: [order(visitor.order)],
  user: {
    in: {
      em: visitor.email,
      ph: visitor.phone,
      eid: visitor.externalId,
      ct: visitor.city,
    },
  },
});

/**
 * What the store keeps instead of an identifier (relay/src/key.rs).
 *
 * @param {string[]} parts
 */
const keyOf = (kind = "", ...parts) => {
  const hash = createHash("sha256").update(kind);
  for (const part of parts) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(part)));
    hash.update(length).update(part);
  }
  return hash.digest().subarray(0, 16);
};

/**
 * All that could tell of a visitor, by name: each identifier as it is, hashed, and as a key of the store.
 *
 * @param {Visitor} visitor
 */
const traces = (visitor) => {
  /** @type {[string, Buffer][]} */
  const all = [];
  for (const [name, text] of Object.entries(visitor)) {
    all.push([name, Buffer.from(text)]);
    all.push([`${name}, hashed`, Buffer.from(sha256(text))]);
    all.push([`${name}, hashed, as bytes`, Buffer.from(sha256(text), "hex")]);
    all.push([
      `${name} as bytes`,
      Buffer.from(text.replaceAll("-", ""), "hex"),
    ]);
  }
  const { obref, oppref, email, phone, externalId } = visitor;
  all.push(
    ["key of the visitor", keyOf("visitor", obref)],
    ["key of the click", keyOf("click", "p", oppref, obref)],
    ["key of the click without a browser", keyOf("click", "p", oppref, "")],
    ["link by obref", keyOf("link", "p", "obref", obref)],
    ["link by email", keyOf("link", "p", "email", email)],
    ["link by phone", keyOf("link", "p", "phone", phone)],
    ["link by external ID", keyOf("link", "p", "external_id", externalId)],
    ["link by event ID", keyOf("link", "p", "event_id", visitor.order)],
    ["key of the event", keyOf("event", "p", "order_created", visitor.order)],
  );
  // too short to be found by chance
  return all.filter(([, bytes]) => bytes.length >= 8);
};

/**
 * Where something of a visitor is found.
 *
 * @param {Relay} relay
 * @param {FaultProxy} proxy
 * @param {Visitor} visitor
 */
const findTraces = async (relay, proxy, visitor) => {
  const places = {
    store: relay.storedBytes(),
    log: Buffer.from(relay.process.log),
    metrics: Buffer.from(await relay.metrics()),
    upstream: Buffer.from(
      proxy.requests.map(({ head, body }) => `${head}\n${body}`).join("\n"),
    ),
  };
  return Object.entries(places).flatMap(([place, bytes]) =>
    traces(visitor)
      .filter(([, trace]) => bytes.includes(trace))
      .map(([name]) => `${name} in ${place}`),
  );
};

/**
 * @param {string[]} found
 * @param {string} who
 */
const expectNothing = (found, who) =>
  check(found.length === 0, `${who}: ${found.join(", ")}`);

/**
 * Sends an image tag.
 *
 * @param {Relay} relay
 * @param {Visitor} visitor
 * @param {import("../http.mjs").Headers} headers
 */
const getImage = async (relay, visitor, headers) => {
  const query = new URLSearchParams({
    pid: "p",
    event: "order_created",
    event_id: visitor.order,
    oppref: visitor.oppref,
    "data[type]": "contents",
  });
  const { status } = await send(relay.port, `/oaiq/v1/sdk/events?${query}`, {
    headers: {
      referer: "https://shop.example/",
      ...headersOf(visitor),
      ...headers,
    },
  });
  check(status === 200, `an image tag got ${status}`);
};

/** @type {Scenario} */
export const noConsent = {
  name: "no-consent",
  title: "visitors without consent",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all();
    // with consent, the same search finds all kinds of traces
    const consenting = newVisitor();
    await relay.postOk(batchWith(consenting), {
      headers: headersOf(consenting),
    });
    await collector.expectCountedOnce([consenting.order]);
    const found = await findTraces(relay, proxy, consenting);
    for (const expected of [
      "obref in upstream",
      "oppref in store",
      "address in store",
      "agent in upstream",
      "key of the visitor in store",
      "link by email in store",
      "key of the event in store",
    ])
      check(
        found.includes(expected),
        `the search did not find the ${expected}`,
      );
    check(
      !found.some((place) => /log|metrics/.test(place)),
      `also with consent, logs and metrics have no identifiers: ${found}`,
    );

    /** @type {[string, (visitor: Visitor) => Promise<unknown>][]} */
    const ways = [
      [
        "denied by cookie",
        (visitor) =>
          relay.postOk(batchWith(visitor), {
            headers: {
              ...headersOf(visitor),
              cookie: `__oaiq_consent=false; ${cookiesOf(visitor)}`,
            },
          }),
      ],
      [
        "Global Privacy Control",
        (visitor) =>
          relay.postOk(batchWith(visitor), {
            headers: {
              ...headersOf(visitor),
              "sec-gpc": "1",
              cookie: cookiesOf(visitor),
            },
          }),
      ],
      [
        "stripped batch",
        (visitor) =>
          relay.postOk(
            { events: [order(visitor.order)] },
            { headers: headersOf(visitor) },
          ),
      ],
      [
        "stripped batch without origin, with cookies",
        (visitor) =>
          relay.postOk(
            { events: [order(visitor.order)] },
            {
              headers: {
                ...headersOf(visitor),
                origin: "null",
                cookie: cookiesOf(visitor),
              },
            },
          ),
      ],
      [
        "image tag, denied by cookie",
        (visitor) =>
          getImage(relay, visitor, {
            cookie: `${cookiesOf(visitor)}; __oaiq_consent=false`,
          }),
      ],
      [
        "image tag, Global Privacy Control",
        (visitor) => getImage(relay, visitor, { "sec-gpc": "1" }),
      ],
    ];
    const visitors = ways.flatMap(([way, visit]) =>
      Array.from({ length: 10 }, () => ({ way, visit, visitor: newVisitor() })),
    );
    for (const { visit, visitor } of visitors) await visit(visitor);
    const last = newVisitor();
    await relay.postOk(batchWith(last));
    await collector.expectCountedOnce([last.order]);
    for (const { way, visitor } of visitors)
      expectNothing(await findTraces(relay, proxy, visitor), way);
    await relay.process.end("SIGTERM");
    const bytes = Buffer.concat([
      relay.storedBytes(),
      Buffer.from(relay.process.log),
    ]);
    for (const { way, visitor } of visitors)
      for (const [name, trace] of traces(visitor))
        check(!bytes.includes(trace), `${way}: ${name} after the stop`);
    check(collector.counted.size === 2, "more than two events were counted");
    return `${visitors.length} visitors in ${ways.length} ways: not one identifier, hash or key in store, log, metrics and requests to OpenAI`;
  },
};

/** @type {Scenario} */
export const withdrawnConsent = {
  name: "withdrawn-consent",
  title: "a visitor denies consent after a visit",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all({
      upstream: 'backoff_max = "1s"',
    });
    proxy.fail(503);
    const [leaving, staying] = [newVisitor(), newVisitor()];
    for (const visitor of [leaving, staying])
      await relay.postOk(batchWith(visitor), { headers: headersOf(visitor) });
    await until("an attempt", () => proxy.requests.length > 0);
    proxy.requests = [];
    await relay.postOk(
      { events: [] },
      { headers: { cookie: `__oaiq_consent=false; ${cookiesOf(leaving)}` } },
    );
    // the ID of the event is kept as a hash, so that a late copy of it is recognized
    const isAllowed = (/** @type {string} */ trace) =>
      trace === "key of the event in store";
    // a request that had begun before
    await until("an attempt without the visitor", () =>
      proxy.requests.some(({ body }) => !body.includes(leaving.order)),
    );
    proxy.requests = [];
    expectNothing(
      (await findTraces(relay, proxy, leaving)).filter(
        (trace) => !isAllowed(trace),
      ),
      "after the denial",
    );
    proxy.repair();
    await collector.expectCountedOnce([staying.order]);
    check(
      !collector.counted.has(leaving.order),
      "the event was forwarded after the denial",
    );
    return "clicks, links and undelivered events of this visitor are gone from all bytes, those of others are kept";
  },
};

/** @type {Scenario} */
export const rawIdentifiers = {
  name: "raw-identifiers",
  title: "raw identifiers where a hash must be",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all();
    const raw = {
      em: "jane.roe@mail.example",
      ph: "+49 171 5550123",
      eid: "customer jane roe 77",
      fn: "Janeraw",
      ln: "Roeraw",
    };
    for (const part of ["in", "fm", "js", "ht"])
      for (const [field, value] of Object.entries(raw)) {
        const { status, text } = await relay.post({
          obref: randomUUID(),
          events: [order(`raw-${part}-${field}`)],
          user: { [part]: { [field]: value } },
        });
        check(status === 400, `user.${part}.${field}: ${status} ${text}`);
        check(!text.includes(value), "the answer quotes the identifier");
      }
    const fields = {
      emails_sha256: raw.em,
      phone_numbers_sha256: raw.ph,
      external_ids_sha256: raw.eid,
      first_names_sha256: raw.fn,
      last_names_sha256: raw.ln,
    };
    for (const [field, value] of Object.entries(fields)) {
      const { status, text } = await relay.backend([
        order(`raw-${field}`, {
          action_source: "web",
          user: { [field]: [value] },
        }),
      ]);
      check(status === 400, `user.${field}: ${status} ${text}`);
      check(!text.includes(value), "the answer quotes the identifier");
    }
    const last = newVisitor();
    await relay.postOk(batchWith(last));
    await collector.expectCountedOnce([last.order]);
    const everything = Buffer.concat([
      relay.storedBytes(),
      Buffer.from(relay.process.log + (await relay.metrics())),
      Buffer.from(proxy.requests.map(({ body }) => body).join()),
    ]);
    for (const value of Object.values(raw))
      check(!everything.includes(value), `"${value}" was kept or forwarded`);
    return "20 of pages and 5 of the backend: refused with 400, never stored, logged or forwarded";
  },
};
