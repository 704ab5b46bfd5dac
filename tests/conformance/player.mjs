// Replays a recorded visit in a real browser, with all requests intercepted, and returns what reached the network, the
// cookies and the storages.
import { extname } from "node:path";

/**
 * @typedef {import("../e2e/firefox/context.mjs").Context | import("playwright-core").BrowserContext} AnyContext
 * @typedef {import("../e2e/firefox/route.mjs").AnyRoute | import("playwright-core").Route} AnyRoute
 *
 * @typedef {object} ReplayBrowser
 * @property {(options: {ignoreHTTPSErrors: true}) => Promise<AnyContext>} newContext
 * @property {() => Promise<void>} close
 *
 * @typedef {"ok" | "fail" | "slow"} NetworkMode
 *
 * @typedef {object} ConfigResponse
 * @property {number} [status]
 * @property {unknown} [body]
 * @property {boolean} [abort]
 * @property {number} [delay] milliseconds
 *
 * @typedef {object} VisitPage
 * @property {string} [html] with {{SDK}} for the script's URL and {{SNIPPET}} for the install snippet
 * @property {unknown[][]} [queue] calls
 * @property {string} [prelude] script text
 * @property {string} [body]
 *
 * @typedef {object} Step
 * @property {number} [wait] milliseconds
 * @property {unknown[]} [call]
 * @property {string} [eval]
 * @property {NetworkMode} [network]
 * @property {string} [goto]
 * @property {boolean} [hide]
 * @property {{url?: string, eval?: string}} [otherTab]
 * @property {number} [settings] waits for so many answers of pixel configs
 * @property {[selector: string, text: string]} [fill]
 * @property {[selector: string, text: string]} [type]
 * @property {[selector: string, value: string]} [select]
 * @property {[selector: string, key: string]} [press]
 * @property {string} [blur] selector
 * @property {string} [click] selector
 *
 * @typedef {object} VisitOptions
 * @property {string} [url]
 * @property {string} [referrer]
 * @property {Record<string, VisitPage>} [pages]
 * @property {Record<string, string | {value: string, url: string}>} [cookies]
 * @property {Record<string, string>} [localStorage]
 * @property {Record<string, string>} [sessionStorage]
 * @property {ConfigResponse | ConfigResponse[]} [config]
 * @property {Record<string, ConfigResponse>} [configs] by pixel ID
 * @property {NetworkMode} [network]
 * @property {number} [sdkDelay]
 * @property {number} [settle]
 * @property {string} [nonce]
 * @property {Step[]} [steps]
 *
 * @typedef {VisitPage & VisitOptions} Visit
 *
 * @typedef {Record<string, any>} ObservedRequest
 *
 * @typedef {object} Observation
 * @property {ObservedRequest[]} requests
 * @property {Record<string, any>[]} cookies
 * @property {{local?: Record<string, string>, session?: Record<string, string>}} storage
 * @property {unknown} surface of the global `oaiq`
 * @property {{level: string, text: string}[]} console
 */

const EVENTS = "https://bzr.openai.com/v1/sdk/events";
const CDN = "https://bzrcdn.openai.com";
const SCRIPT = `${CDN}/sdk/oaiq.min.js`;
const SITE = "https://shop.example.test/checkout";
const TYPES = new Map([
  [".js", "text/javascript; charset=utf-8"],
  [".wasm", "application/wasm"],
  [".json", "application/json"],
]);

/** The text of an install snippet: the queue, and the loading script. */
const snippet = `(() => {
  if (window.oaiq) return;
  const stub = (window.oaiq = function () { stub.q.push(arguments); });
  stub.q = [];
  const s = document.createElement("script");
  s.async = true;
  s.src = ${JSON.stringify(SCRIPT)};
  s.nonce = document.currentScript.nonce;
  document.head.append(s);
})();`;

/** @param {unknown[]} args */
const asCall = (args) =>
  `oaiq(${args.map((arg) => JSON.stringify(arg)).join(",")});`;

/** @param {VisitPage} page */
const htmlOf = ({ html, queue = [], prelude = "", body = "" }) =>
  html
    ? html
        .replaceAll("{{SDK}}", SCRIPT)
        .replaceAll("{{SNIPPET}}", `<script>${snippet}</script>`)
    : `<!doctype html><html><head><meta charset="utf-8"><title>t</title><script>${prelude}</script>` +
      `<script>${snippet}${queue.map(asCall).join("")}</script></head><body>${body}</body></html>`;

/**
 * Replays a visit. With a `nonce`, the pages' Content-Security-Policy allows scripts that have it, and the pixel's own.
 *
 * @param {ReplayBrowser} browser
 * @param {Map<string, Buffer>} files the built pixel's files by name
 * @param {Visit} visit
 * @returns {Promise<Observation>} with what differs from run to run replaced
 */
export const replay = async (browser, files, visit) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    return withoutRandomness(await replayIn(context, files, visit));
  } finally {
    await context.close();
  }
};

/**
 * @param {AnyContext} context
 * @param {Map<string, Buffer>} files
 * @param {Visit} visit
 * @returns {Promise<Observation>}
 */
const replayIn = async (context, files, visit) => {
  const network = new Network(files, visit);
  await context.route("**/*", (/** @type {AnyRoute} */ route) =>
    network.handle(route),
  );
  const url = visit.url ?? SITE;
  await seed(context, visit, new URL(url).origin);

  const page = await context.newPage();
  const lines = recordLogs(page);
  await page.goto(url, { referer: visit.referrer, waitUntil: "load" });
  await page
    .waitForFunction(
      "window.oaiq && (oaiq.loaded || window.__sdkReady)",
      null,
      {
        timeout: 15_000,
      },
    )
    .catch(() =>
      lines.push({ level: "harness", text: "SDK never became ready" }),
    );

  let otherTab;
  // waits count from when they should have started, so that a slow machine does not spread a visit's calls
  let due = Date.now();
  for (const step of visit.steps ?? []) {
    if (step.settings) {
      await network.configsAnswered(step.settings);
      due = Date.now();
    }
    if (step.wait !== undefined) {
      due += step.wait;
      await page.waitForTimeout(Math.max(0, due - Date.now()));
    }
    if (step.call) await page.evaluate(asCall(step.call));
    if (step.eval) await page.evaluate(step.eval);
    if (step.network) network.mode = step.network;
    if (step.goto) await page.goto(step.goto, { waitUntil: "load" });
    if (step.hide) await page.evaluate(HIDE);
    if (step.otherTab) {
      otherTab ??= await context.newPage();
      await otherTab.goto(step.otherTab.url ?? url);
      if (step.otherTab.eval) await otherTab.evaluate(step.otherTab.eval);
    }
    await useForm(page, step);
    if (step.goto || step.otherTab) due = Date.now();
  }
  await page.waitForTimeout(visit.settle ?? 2500);

  return {
    requests: network.requests,
    cookies: await readCookies(context),
    storage: await page.evaluate(STORAGE).catch(() => ({})),
    surface: await page.evaluate(SURFACE).catch(() => null),
    console: lines,
  };
};

/**
 * What a visitor does with a form. Only Playwright's browsers can replay this.
 *
 * @param {any} page
 * @param {Step} step
 */
const useForm = async (page, { fill, type, select, press, blur, click }) => {
  if (fill) await page.fill(...fill);
  if (type) await page.locator(type[0]).pressSequentially(type[1]);
  if (select) await page.selectOption(...select);
  if (blur) await page.locator(blur).blur();
  if (press) await page.press(...press);
  if (click) await page.click(click);
};

/** The network that the visit describes. */
class Network {
  /** @type {ObservedRequest[]} */
  requests = [];
  #configRequests = 0;
  #configResponses = 0;

  /**
   * @param {Map<string, Buffer>} files
   * @param {Visit} visit
   */
  constructor(files, visit) {
    this.files = files;
    this.visit = visit;
    /** @type {NetworkMode} */
    this.mode = visit.network ?? "ok";
  }

  /**
   * Waits until so many requests of pixel configs have been answered, but not forever.
   *
   * @param {number} count
   */
  async configsAnswered(count) {
    const end = Date.now() + 15_000;
    while (this.#configResponses < count && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 100));
  }

  /** @param {AnyRoute} route */
  async handle(route) {
    const request = route.request();
    const url = new URL(request.url());
    try {
      if (url.origin + url.pathname === EVENTS)
        return await this.#events(route, request, url);
      if (url.origin === CDN && url.pathname.startsWith("/pixel-config/"))
        return await this.#config(route, request, url);
      if (url.origin === CDN && url.pathname.startsWith("/sdk/"))
        return await this.#file(route, url);
      if (url.hostname.endsWith(".test") || url.hostname === "localhost")
        return await this.#page(route, url);
      return await route.abort();
    } catch {
      // the page was closed
    }
  }

  /**
   * @param {AnyRoute} route
   * @param {ReturnType<AnyRoute["request"]>} request
   * @param {URL} url
   */
  async #events(route, request, url) {
    const headers = await request.allHeaders();
    this.requests.push({
      method: request.method(),
      via: request.resourceType(),
      query: Object.fromEntries(url.searchParams),
      content_type: headers["content-type"] ?? null,
      referer: headers.referer ?? null,
      body: request.postData(),
      outcome: this.mode,
    });
    if (this.mode === "fail") return route.abort("connectionfailed");
    if (this.mode === "slow")
      await new Promise((resolve) => setTimeout(resolve, 3000));
    return route.fulfill({ status: 202, body: "" });
  }

  /**
   * @param {AnyRoute} route
   * @param {ReturnType<AnyRoute["request"]>} request
   * @param {URL} url
   */
  async #config(route, request, url) {
    const { config, configs } = this.visit;
    const [id = ""] = url.pathname.split("/").at(-1)?.split(".json") ?? [];
    const responses = [
      configs?.[decodeURIComponent(id)] ??
        config ?? { body: { automatic_advanced_matching_enabled: false } },
    ].flat();
    const {
      abort,
      status = 200,
      body = {},
      delay = 0,
    } = responses[Math.min(this.#configRequests, responses.length - 1)];
    this.#configRequests += 1;
    this.requests.push({ method: request.method(), config: url.pathname });
    if (delay) await new Promise((resolve) => setTimeout(resolve, delay));
    this.#configResponses += 1;
    if (abort) return route.abort("connectionfailed");
    return route.fulfill({
      status,
      headers: { "access-control-allow-origin": "*" },
      contentType: "application/json",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  /**
   * @param {AnyRoute} route
   * @param {URL} url
   */
  async #file(route, url) {
    if (this.visit.sdkDelay)
      await new Promise((resolve) => setTimeout(resolve, this.visit.sdkDelay));
    const body = this.files.get(url.pathname.slice("/sdk/".length));
    if (!body) return route.fulfill({ status: 404, body: "" });
    return route.fulfill({
      body,
      headers: { "access-control-allow-origin": "*" },
      contentType:
        TYPES.get(extname(url.pathname)) ?? "application/octet-stream",
    });
  }

  /**
   * @param {AnyRoute} route
   * @param {URL} url
   */
  #page(route, url) {
    const html = htmlOf(this.visit.pages?.[url.pathname] ?? this.visit);
    const { nonce } = this.visit;
    return route.fulfill({
      contentType: "text/html; charset=utf-8",
      headers: nonce
        ? { "content-security-policy": `script-src 'nonce-${nonce}' ${SCRIPT}` }
        : {},
      body: nonce
        ? html.replaceAll("<script", `<script nonce="${nonce}"`)
        : html,
    });
  }
}

/**
 * Stores what earlier visits have left in the browser.
 *
 * @param {AnyContext} context
 * @param {Visit} visit
 * @param {string} origin
 */
const seed = async (context, visit, origin) => {
  const { cookies, localStorage, sessionStorage } = visit;
  if (cookies)
    await context.addCookies(
      Object.entries(cookies).map(([name, cookie]) =>
        typeof cookie === "string"
          ? { name, value: cookie, url: origin }
          : { name, ...cookie },
      ),
    );
  if (localStorage || sessionStorage)
    await context.addInitScript(`(() => {
      try {
        if (window.top !== window || sessionStorage.getItem("__seeded")) return;
        Object.assign(localStorage, ${JSON.stringify(localStorage ?? {})});
        Object.assign(sessionStorage, ${JSON.stringify(sessionStorage ?? {})}, { __seeded: "1" });
      } catch { /* an opaque origin */ }
    })()`);
};

/** @param {{on: (event: any, listener: (message: any) => void) => unknown}} page */
const recordLogs = (page) => {
  /** @type {Observation["console"]} */
  const lines = [];
  page.on("console", (message) => {
    if (message.text().includes("oaiq"))
      lines.push({ level: message.type(), text: message.text() });
  });
  page.on("pageerror", (error) =>
    lines.push({ level: "pageerror", text: String(error) }),
  );
  return lines;
};

const HIDE = `
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
`;

const STORAGE = `(() => {
  const session = { ...sessionStorage };
  delete session.__seeded;
  return { local: { ...localStorage }, session };
})()`;

const SURFACE = `window.oaiq && {
  type: typeof oaiq,
  loaded: oaiq.loaded,
  keys: Object.keys(oaiq).sort(),
  q: Array.isArray(oaiq.q) ? oaiq.q.length : null,
}`;

/** @param {AnyContext} context */
const readCookies = async (context) => {
  const now = Date.now() / 1000;
  const days = (/** @type {number} */ expires) =>
    expires < 0 ? "session" : `${Math.round((expires - now) / 86_400)}d`;
  return (await context.cookies()).map((cookie) => ({
    name: cookie.name,
    value: cookie.value,
    domain: cookie.domain,
    path: cookie.path,
    max_age: days(cookie.expires),
    secure: cookie.secure,
    same_site: cookie.sameSite,
    http_only: cookie.httpOnly,
  }));
};

/** A generated ID: a v4 UUID, or the vendor's fallback outside of secure contexts. */
const GENERATED =
  /^(?:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|oaiq_\d{13}_[a-z0-9]{8,12})$/;

/**
 * Replaces what differs from run to run: generated IDs, by numbers in order of appearance, and times.
 *
 * @param {Observation} seen
 */
const withoutRandomness = (seen) => {
  const numbers = new Map();
  const id = (/** @type {string} */ value) => {
    if (!GENERATED.test(value)) return value;
    if (!numbers.has(value)) numbers.set(value, `<uuid:${numbers.size + 1}>`);
    return numbers.get(value);
  };
  for (const request of seen.requests) {
    if (request.body === undefined) continue;
    let body;
    try {
      body = JSON.parse(request.body);
    } catch {
      request.body = { unparsed: request.body };
      continue;
    }
    request.body = body;
    if (/^\d{13}$/.test(request.query.t)) request.query.t = "<ms>";
    if (body?.obref) body.obref = id(body.obref);
    for (const event of body?.events ?? []) {
      const isDiagnostic = event.type === "oai::diagnostic";
      event.id =
        isDiagnostic && GENERATED.test(event.id) ? "<uuid>" : id(event.id);
      if (Number.isInteger(event.timestamp_ms)) event.timestamp_ms = "<ms>";
    }
  }
  for (const cookie of seen.cookies) cookie.value = id(cookie.value);
  return seen;
};
