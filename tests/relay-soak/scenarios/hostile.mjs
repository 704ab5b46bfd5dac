// Clients that forge, flood or dawdle.
import { gzipSync } from "node:zlib";
import { batchOf, order } from "../events.mjs";
import { keepAliveAgent, send, sendRaw } from "../http.mjs";
import { PAGE_HEADERS, SHOP } from "../relay.mjs";
import { check, until } from "../wait.mjs";

/**
 * @typedef {import("../run.mjs").Scenario} Scenario
 * @typedef {import("../relay.mjs").Relay} Relay
 */

const MAX_MEMORY_MB = 200;
const EVENTS_PATH = "/oaiq/v1/sdk/events?pid=p";
const VISITOR = "203.0.113.7";

/**
 * Runs tasks, some at a time.
 *
 * @template T
 * @param {number} count
 * @param {(i: number) => Promise<T>} task
 */
const inParallel = async (count, task, atOnce = 64) => {
  /** @type {T[]} */
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const i = next++;
      results[i] = await task(i);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
};

/** @param {Relay} relay */
const expectLittleMemory = (relay) => {
  const memory = Math.round(relay.process.memory.most);
  check(
    memory < MAX_MEMORY_MB,
    `memory ${memory} MB, the limit is ${MAX_MEMORY_MB} MB`,
  );
  return `memory at most ${memory} MB`;
};

/**
 * Headers by which a client claims another address. `own` is what the proxy adds, in the header that it uses.
 *
 * @param {string} forged
 * @param {string} own
 * @returns {import("../http.mjs").Headers[]}
 */
const forgeries = (forged, own) => [
  { "x-forwarded-for": `${forged}, ${own}` },
  { "x-forwarded-for": [forged, own] },
  { "x-forwarded-for": `${forged}, unknown, ,, ${own}` },
  { "x-forwarded-for": `127.0.0.1, ${forged}, ${own}` },
  { "x-forwarded-for": `[${forged}]:80, ${own}` },
  { "x-forwarded-for": own, forwarded: `for=${forged}` },
  { "x-forwarded-for": own, forwarded: `for=127.0.0.1, for=${forged}` },
  { "x-forwarded-for": undefined, forwarded: `for=${forged}, for=${own}` },
  {
    "x-forwarded-for": undefined,
    forwarded: [`for=${forged};x="`, `for=${own}`],
  },
  {
    "x-forwarded-for": undefined,
    forwarded: `for="${forged};x=\\", for=${own}`,
  },
  { "x-forwarded-for": forged, forwarded: `for=${own}` },
  ...[
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "client-ip",
    "x-cluster-client-ip",
    "fastly-client-ip",
    "x-forwarded",
    "forwarded-for",
    "via",
  ].map((name) => ({ [name]: forged, "x-forwarded-for": own })),
];

/** @type {Scenario} */
export const forgedAddresses = {
  name: "forged-addresses",
  title: "clients forge `X-Forwarded-For`, `Forwarded` and the like",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all();
    // no proxy stands before this one
    const bare = await world.relay(
      proxy.url,
      { top: "limit_per_address = 0" },
      world.path("bare"),
    );
    await bare.start();
    /** @type {string[]} */
    const ids = [];
    let number = 0;
    for (const [name, server] of /** @type {[string, Relay][]} */ ([
      ["proxied", relay],
      ["bare", bare],
    ]))
      for (const forged of [
        "198.18.77.1",
        "2001:db8:77::1",
        "::ffff:198.18.77.2",
      ])
        for (const headers of forgeries(forged, VISITOR)) {
          // a proxy is not expected to be believed where none is trusted
          const own =
            name === "bare" ? forgeries(forged, forged)[number % 5] : headers;
          const id = `${name}-${number++}`;
          ids.push(id);
          await server.postOk(batchOf(id, [order(id)]), { headers: own });
        }
    /** @type {Map<string, number>} */
    const addresses = new Map();
    collector.onEntry = ({ event }) => {
      const address = event["user"].ip_address ?? "none";
      addresses.set(address, (addresses.get(address) ?? 0) + 1);
    };
    await collector.expectCountedOnce(ids);
    const unexpected = [...addresses.keys()].filter(
      (address) => ![VISITOR, "127.0.0.1", "none"].includes(address),
    );
    check(unexpected.length === 0, `forwarded: ${unexpected}`);
    check(
      addresses.has(VISITOR),
      "the visitor's true address was never forwarded",
    );
    const upstream = proxy.requests.map(({ head, body }) => head + body).join();
    check(
      !/198\.18\.77|2001:db8:77/.test(upstream),
      "a forged address is in a request to OpenAI",
    );
    return `${ids.length} requests: the visitor's address or none, never a forged one`;
  },
};

/** @type {Scenario} */
export const invalidRequests = {
  name: "invalid-requests",
  title:
    "unlisted pages and pixels, wrong keys, broken and compressed bodies, long headers",
  run: async (world) => {
    const { collector, proxy, relay } = await world.all();
    const body = JSON.stringify(batchOf("bad", [order("bad")]));
    const image = `${EVENTS_PATH}&event=order_created&event_id=bad&data[type]=contents`;
    const bomb = gzipSync(Buffer.alloc(64 << 20, " "));
    /**
     * @param {import("../http.mjs").Headers} headers
     * @param {string | Uint8Array} [content]
     */
    const post = (headers, content = body, path = EVENTS_PATH) => ({
      path,
      method: "POST",
      headers: { ...PAGE_HEADERS, ...headers },
      body: content,
    });
    const foreign = "https://evil.example";
    /** @type {[expected: number, request: { path: string, method?: string, headers?: import("../http.mjs").Headers, body?: string | Uint8Array }][]} */
    const requests = [
      [403, post({ origin: foreign })],
      [403, post({ origin: foreign, host: "shop.example" })],
      [403, post({ origin: [SHOP, foreign] })],
      [403, post({ origin: `${SHOP}.evil.example` })],
      [403, post({ origin: "null", referer: foreign })],
      [
        403,
        post({
          origin: "null",
          "sec-fetch-site": "same-origin",
          host: "evil.example",
        }),
      ],
      [403, post({ origin: "null", host: "shop.example" })],
      [403, post({}, body, "/oaiq/v1/sdk/events?pid=unlisted")],
      [400, post({}, body, "/oaiq/v1/sdk/events")],
      [400, post({}, "")],
      [400, post({}, body.slice(0, -1))],
      [400, post({}, "[".repeat(100_000))],
      [400, post({}, `{"events":${"[".repeat(100_000)}`)],
      [400, post({}, Buffer.from([0xff, 0xfe, 0x00]))],
      [
        400,
        post(
          {},
          JSON.stringify({
            events: [order("bad", { timestamp_ms: 1 })],
            obref: "o",
          }),
        ),
      ],
      [415, post({ "content-encoding": "gzip" }, bomb)],
      [415, post({ "content-encoding": "br" }, bomb)],
      [415, post({ "content-encoding": "deflate, gzip" }, bomb)],
      [400, post({}, bomb)],
      [403, { path: image, headers: { referer: `${foreign}/` } }],
      [403, { path: image }],
      [405, { path: EVENTS_PATH, method: "PUT", headers: PAGE_HEADERS }],
      [405, { path: EVENTS_PATH, method: "DELETE", headers: PAGE_HEADERS }],
      [401, { path: "/oaiq/v1/events?pid=p", method: "POST", body }],
      [
        401,
        {
          path: "/oaiq/v1/events?pid=p",
          method: "POST",
          body,
          headers: { authorization: "Bearer sk-openai" },
        },
      ],
      [401, { path: "/oaiq/v1/forget", method: "POST", body: '{"obref":"o"}' }],
      [404, { path: "/metrics" }],
      [404, { path: "/oaiq/../relay.toml" }],
      [404, { path: "/oaiq/..%2fkey" }],
      [404, { path: "http://evil.example/oaiq/key" }],
      [
        431,
        { path: EVENTS_PATH, headers: { cookie: `a=${"x".repeat(200_000)}` } },
      ],
      [
        413,
        post({}, JSON.stringify({ events: [], obref: "x".repeat(1 << 20) })),
      ],
    ];
    for (const [expected, request] of requests) {
      const { status, text } = await send(relay.port, request.path, request);
      const what = `${request.method ?? "GET"} ${request.path.slice(0, 60)} ${JSON.stringify(request.headers ?? {}).slice(0, 300)}`;
      check(
        status === expected,
        `expected ${expected}, got ${status}: ${what}: ${text.slice(0, 200)}`,
      );
      // hyper answers a head that is too long itself, without a body
      check(
        text.length > 20 || status === 431,
        `${status} without a message: ${what}`,
      );
    }
    const unlisted = await inParallel(10_000, (i) =>
      send(relay.port, `/oaiq/v1/sdk/events?pid=unlisted-${i}`, post({})).then(
        ({ status }) => status,
      ),
    );
    check(
      unlisted.every((status) => status === 403),
      "an unlisted pixel was not refused",
    );
    check(
      !(await relay.metrics()).includes("unlisted"),
      "unlisted pixels are in the metrics",
    );
    // 8 KB of cookies are common on shops with many tools: they are taken, and not kept
    await relay.postOk(batchOf("good", [order("good")]), {
      headers: {
        cookie: `first=${"c".repeat(8_000)}; __oppref=${"d".repeat(8_000)}`,
      },
    });
    await collector.expectCountedOnce(["good"]);
    await collector.read();
    check(
      collector.counted.size === 1 && collector.others.length === 0,
      "something else was forwarded",
    );
    const seen = proxy.requests
      .map(({ head, body: text }) => head + text)
      .join();
    check(
      !/"bad"|unlisted|cccc|dddd/.test(seen),
      "something that was refused is in a request to OpenAI",
    );
    check(
      !/cccc|dddd/.test(relay.storedBytes().toString("latin1")),
      "the long cookies are in the store",
    );
    return `${requests.length} requests and 10,000 unlisted pixels: a 4xx with a message each; 8 KB of cookies are taken and not kept; nothing else forwarded; ${expectLittleMemory(relay)}`;
  },
};

/** @type {Scenario} */
export const largeBodies = {
  name: "large-bodies",
  title: "bodies of and over 1 MiB, many at once",
  run: async (world) => {
    const { collector, relay } = await world.all();
    const tooLarge = JSON.stringify({ events: [], obref: "x".repeat(8 << 20) });
    /** @param {number} i */
    const valid = (i) =>
      JSON.stringify(
        batchOf(
          `large-${i}`,
          Array.from({ length: 1800 }, (_, j) =>
            order(`large-${i}-${j}`, {
              source_url: `${SHOP}/${"x".repeat(200)}`,
            }),
          ),
        ),
      );
    check(
      valid(10).length < 1 << 20 && valid(10).length > 800_000,
      `a batch has ${valid(10).length} bytes`,
    );
    const answers = await inParallel(200, (i) =>
      send(relay.port, EVENTS_PATH, {
        method: "POST",
        headers: PAGE_HEADERS,
        body: i % 4 === 0 ? valid(i) : tooLarge,
      }).then(
        ({ status }) => ({ i, status }),
        // it may close the connection while the client still sends
        () => ({ i, status: 413 }),
      ),
    );
    const wrong = answers.filter(({ i, status }) =>
      i % 4 === 0 ? ![202, 503].includes(status) : status !== 413,
    );
    check(wrong.length === 0, `answers: ${JSON.stringify(wrong.slice(0, 5))}`);
    const accepted = answers.filter(({ status }) => status === 202);
    check(accepted.length > 0, "no large batch was accepted");
    await collector.expectCountedOnce(
      accepted.flatMap(({ i }) =>
        Array.from({ length: 1800 }, (_, j) => `large-${i}-${j}`),
      ),
    );
    return `${answers.length} at once: 413 above 1 MiB; ${accepted.length} of 50 valid ones accepted (the others 503), all their events delivered; ${expectLittleMemory(relay)}`;
  },
};

/** @type {Scenario} */
export const slowClients = {
  name: "slow-clients",
  title: "1,000 clients that send one byte a second",
  run: async (world) => {
    const { collector, relay } = await world.all();
    const head = `POST ${EVENTS_PATH} HTTP/1.1\r\nHost: shop.example\r\nOrigin: ${SHOP}\r\n`;
    const slow = Promise.all(
      Array.from({ length: 1000 }, (_, i) =>
        i % 2 === 0
          ? sendRaw(relay.port, head, "x")
          : sendRaw(relay.port, `${head}Content-Length: 1000\r\n\r\n{`, " "),
      ),
    );
    /** @type {string[]} */
    const ids = [];
    for (let i = 0; i < 100; i++) {
      ids.push(`fast-${i}`);
      await relay.postOk(batchOf(`fast-${i}`, [order(`fast-${i}`)]));
    }
    await collector.expectCountedOnce(ids);
    const ended = await slow;
    const longest = Math.max(...ended.map(({ seconds }) => seconds));
    check(longest < 50, `a slow client held its connection for ${longest} s`);
    const bodies = ended.filter((_, i) => i % 2 === 1);
    const refused = bodies.filter(({ text }) =>
      text.startsWith("HTTP/1.1 408"),
    );
    check(
      refused.length === bodies.length,
      `${refused.length} of ${bodies.length} slow bodies got a 408, another one: ${bodies.find(({ text }) => !text.startsWith("HTTP/1.1 408"))?.text}`,
    );
    return `the slow ones are disconnected after at most ${longest.toFixed(0)} s, slow bodies with a 408; meanwhile ${ids.length} others are served; ${expectLittleMemory(relay)}`;
  },
};

/** @type {Scenario} */
export const addressLimit = {
  name: "address-limit",
  title: "one address sends more than `limit_per_address`",
  run: async (world) => {
    const { relay } = await world.all({
      top: 'trusted_proxies = ["127.0.0.1"]\nlimit_per_address = 60',
    });
    /** @param {string} addresses */
    const post = (addresses) =>
      relay.post(batchOf(addresses, [order(addresses)]), {
        headers: { "x-forwarded-for": addresses },
      });
    let accepted = 0;
    for (let i = 0; i < 300; i++) {
      // it claims another address each time
      const { status, headers } = await post(`198.18.0.${i % 250}, ${VISITOR}`);
      if (status === 202) accepted++;
      else
        check(
          status === 429 && headers["retry-after"],
          `${status} without Retry-After`,
        );
    }
    // the allowance grows by one a second
    check(
      accepted >= 60 && accepted < 250,
      `${accepted} of 300 requests were accepted`,
    );
    check(
      (await post("198.51.100.20")).status === 202,
      "another address was refused",
    );
    // memory of addresses that come once
    const agent = keepAliveAgent(64);
    const count = world.isQuick ? 20_000 : 200_000;
    const statuses = await inParallel(count, (i) =>
      send(relay.port, EVENTS_PATH, {
        method: "POST",
        headers: {
          ...PAGE_HEADERS,
          origin: "https://evil.example",
          "x-forwarded-for": `2001:db8:${(i >> 12).toString(16)}:${(i & 4095).toString(16)}::1`,
        },
        body: "{}",
        agent,
      }).then(({ status }) => status),
    );
    agent.destroy();
    check(
      statuses.every((status) => status === 403),
      "a request of a new address was not counted for itself",
    );
    return `${accepted} of 300 requests accepted, the others 429 with \`Retry-After\`, whatever address is forged; ${count.toLocaleString("en")} other addresses; ${expectLittleMemory(relay)}`;
  },
};

/** @type {Scenario} */
export const manyPixels = {
  name: "many-pixels",
  title: "a relay with 10,000 pixels",
  run: async (world) => {
    const pixels = Array.from({ length: 10_000 }, (_, i) => `pixel-${i}`);
    const { collector, relay } = await world.all({ pixels });
    const agent = keepAliveAgent(64);
    const statuses = await inParallel(pixels.length, (i) =>
      send(relay.port, `/oaiq/v1/sdk/events?pid=${pixels[i]}`, {
        method: "POST",
        headers: PAGE_HEADERS,
        body: JSON.stringify(batchOf(`many-${i}`, [order(`many-${i}`)])),
        agent,
      }).then(({ status }) => status),
    );
    agent.destroy();
    check(
      statuses.every((status) => status === 202),
      "an event was not accepted",
    );
    await collector.expectCountedOnce(pixels.map((_, i) => `many-${i}`));
    await until(
      "an empty outbox",
      async () =>
        !/^oaiq_relay_outbox_events\{.*\} [1-9]/m.test(await relay.metrics()),
    );
    return `an event of each is delivered; ${expectLittleMemory(relay)}`;
  },
};
