// node scripts/screenshot.mjs URL: sends a visit to a collector, and writes docs/inspector.png. Start an empty collector with
// `npm start -- --port 9000 --data FILE`; its URL is then http://localhost:9000.
import { join } from "node:path";
import { chromium } from "playwright-core";
import { PROTOCOL_VERSION } from "../www/pixel/protocol.gen.js";
import { root } from "./exec.mjs";
import { ensureChromium } from "./setup.mjs";

const [origin] = process.argv.slice(2);
const PIXEL = "SHOP-PIXEL";
const VIEWPORT = { width: 1280, height: 600 };
const browserId = "4e5e4050-f8cb-416c-9078-534b39100342";
const now = Date.now();

/**
 * An event as the pixel sends it.
 *
 * @param {number} secondsAgo
 * @param {string} type
 * @param {string} path
 * @param {object} data
 * @param {string} [id]
 */
const event = (secondsAgo, type, path, data, id) => ({
  type,
  timestamp_ms: now - secondsAgo * 1000,
  id: id ?? crypto.randomUUID(),
  source_url: `https://shop.example${path}`,
  data,
});

/**
 * @param {string} path
 * @param {object} body
 * @param {Record<string, string>} [headers]
 */
const send = async (path, body, headers = {}) => {
  const response = await fetch(`${origin}${path}`, {
    method: "POST",
    headers: { "content-type": "text/plain", ...headers },
    body: JSON.stringify(body),
  });
  if (response.status >= 500)
    throw new Error(`${path}: ${response.status} ${await response.text()}`);
};

/** @param {ReturnType<typeof event>[]} events */
const sendBatch = (...events) =>
  send(
    `/v1/sdk/events?pid=${PIXEL}&st=oaiq-web&sv=${PROTOCOL_VERSION}&t=${now}&ec=${events.length}`,
    { obref: browserId, events, oppref: "click-7f3a" },
  );

const contents = [
  { id: "tide-mug", name: "Tide mug", quantity: 2, amount: 2650 },
];
const value = { type: "contents", amount: 5300, currency: "EUR", contents };

await sendBatch(
  event(95, "openai::sdk_init", "/", { type: "sdk_lifecycle" }),
  event(95, "page_viewed", "/", { type: "contents" }),
);
await sendBatch(
  event(71, "contents_viewed", "/mugs/tide", { ...value, amount: 2650 }),
);
await sendBatch(event(52, "items_added", "/mugs/tide", value));
await sendBatch(event(31, "checkout_started", "/checkout", value));
await sendBatch(event(9, "order_created", "/thanks", value, "order-10482"));
await send(
  `/v1/events?pid=${PIXEL}`,
  {
    events: [
      {
        ...event(7, "order_created", "/thanks", value, "order-10482"),
        action_source: "web",
        oppref: "click-7f3a",
      },
    ],
  },
  { authorization: "Bearer test-key" },
);
await sendBatch(
  event(
    2,
    "order_created",
    "/thanks",
    { type: "contents", amount: 53.5, currency: "EUR" },
    "order-10483",
  ),
);

const browser = await chromium.launch({
  executablePath: ensureChromium(),
  args: ["--no-sandbox"],
});
const page = await browser.newPage({ viewport: VIEWPORT });
await page.goto(`${origin}/inspector`);
await page.locator(`.row[data-event-id="order-10483"]`).click();
await page.waitForTimeout(500);
await page.screenshot({ path: join(root, "docs/inspector.png") });
await browser.close();
