// Plays a recorded visit in a real Chromium, every request of which is intercepted, and tells what reached the
// network, the cookies and the storages.
import { extname } from "node:path";

const EVENTS = "https://bzr.openai.com/v1/sdk/events";
const CDN = "https://bzrcdn.openai.com";
const SCRIPT = `${CDN}/sdk/oaiq.min.js`;
const SITE = "https://shop.example.test/checkout";
const TYPES = {
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/** What an install snippet leaves in a page: the waiting queue, and the script on its way. */
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

const asCall = (args) =>
  `oaiq(${args.map((arg) => JSON.stringify(arg)).join(",")});`;

const htmlOf = ({ html, queue = [], prelude = "", body = "" }) =>
  html
    ? html
        .replaceAll("{{SDK}}", SCRIPT)
        .replaceAll("{{SNIPPET}}", `<script>${snippet}</script>`)
    : `<!doctype html><html><head><meta charset="utf-8"><title>t</title><script>${prelude}</script>` +
      `<script>${snippet}${queue.map(asCall).join("")}</script></head><body>${body}</body></html>`;

/**
 * Plays `visit`, the part of that name in a recording. `files` maps the names of the built pixel's files to their
 * bytes. With a `nonce`, the pages' Content-Security-Policy lets scripts that have it run, and the pixel's own. Gives `{requests, cookies, storage, surface, console}`, what differs from run to run replaced.
 */
export const play = async (browser, files, visit) => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  try {
    return normalised(await playIn(context, files, visit));
  } finally {
    await context.close();
  }
};

const playIn = async (context, files, visit) => {
  const network = new Network(files, visit);
  await context.route("**/*", (route) => network.answer(route));
  const url = visit.url ?? SITE;
  await prepare(context, visit, new URL(url).origin);

  const page = await context.newPage();
  const lines = linesOf(page);
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
  // waits are counted from when they should have begun, so that a slow machine does not draw a visit's calls apart
  let due = Date.now();
  for (const step of visit.steps ?? []) {
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
    if (step.goto || step.otherTab) due = Date.now();
  }
  await page.waitForTimeout(visit.settle ?? 2500);

  return {
    requests: network.requests,
    cookies: await cookiesOf(context),
    storage: await page.evaluate(STORAGE).catch(() => ({})),
    surface: await page.evaluate(SURFACE).catch(() => null),
    console: lines,
  };
};

/** The internet as the visit has it. */
class Network {
  requests = [];
  #settingsAsked = 0;

  constructor(files, visit) {
    this.files = files;
    this.visit = visit;
    this.mode = visit.network ?? "ok";
  }

  async answer(route) {
    const request = route.request();
    const url = new URL(request.url());
    try {
      if (url.origin + url.pathname === EVENTS)
        return await this.#events(route, request, url);
      if (url.origin === CDN && url.pathname.startsWith("/pixel-config/"))
        return await this.#settings(route, request, url);
      if (url.origin === CDN && url.pathname.startsWith("/sdk/"))
        return await this.#file(route, url);
      if (url.hostname.endsWith(".test") || url.hostname === "localhost")
        return await this.#page(route, url);
      return await route.abort();
    } catch {
      // the page went away
    }
  }

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

  #settings(route, request, url) {
    const given = this.visit.config ?? {
      body: { automatic_advanced_matching_enabled: false },
    };
    const answers = [given].flat();
    const answer = answers[Math.min(this.#settingsAsked, answers.length - 1)];
    this.#settingsAsked += 1;
    this.requests.push({ method: request.method(), config: url.pathname });
    if (answer.abort) return route.abort("connectionfailed");
    return route.fulfill({
      status: answer.status ?? 200,
      headers: { "access-control-allow-origin": "*" },
      contentType: "application/json",
      body:
        typeof answer.body === "string"
          ? answer.body
          : JSON.stringify(answer.body ?? {}),
    });
  }

  async #file(route, url) {
    if (this.visit.sdkDelay)
      await new Promise((resolve) => setTimeout(resolve, this.visit.sdkDelay));
    const body = this.files.get(url.pathname.slice("/sdk/".length));
    if (!body) return route.fulfill({ status: 404, body: "" });
    return route.fulfill({
      body,
      headers: { "access-control-allow-origin": "*" },
      contentType: TYPES[extname(url.pathname)] ?? "application/octet-stream",
    });
  }

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

/** What earlier visits have left in the browser. */
const prepare = async (context, visit, origin) => {
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

const linesOf = (page) => {
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

const cookiesOf = async (context) => {
  const now = Date.now() / 1000;
  const days = (expires) =>
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

/** A generated id: a v4 UUID, or the vendor's fallback where the page is not a secure context. */
const GENERATED =
  /^(?:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|oaiq_\d{13}_[a-z0-9]{8,12})$/;

/** Replaces what differs from run to run: generated ids (numbered by first sight) and clocks. */
const normalised = (seen) => {
  const numbers = new Map();
  const id = (value) => {
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
