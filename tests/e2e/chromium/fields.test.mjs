// Tests attribution into forms (www/fields): what stands in the fields of forms, what is stored, and what a submit measures.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor, waitUntil } from "../support/browser.mjs";
import { startCollector } from "../support/collector.mjs";
import {
  CONFIG_PATH,
  EVENTS_PATH,
  html,
  INIT,
  inlineScript,
  PIXEL_ID,
  QUEUE_STUB,
  sdkTag,
  startSite,
} from "../support/site.mjs";

/**
 * @typedef {import("node:test").TestContext} TestContext
 * @typedef {import("../support/site.mjs").Site} Site
 * @typedef {import("../support/browser.mjs").Tab} Tab
 */

const UUID =
  /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TOUCHES_KEY = "oaiq_touches";

/**
 * A page with the pixel, the option `data-oaiq-fields` and this body.
 *
 * @param {string} body
 */
const page = (
  body,
  { option = "data-oaiq-fields", config = "", hostile = "" } = {},
) =>
  html(
    inlineScript(`window.oaiq = { config: {${config}} };`),
    // keeps the config, as the install snippet does
    QUEUE_STUB.replace(
      "if (window.oaiq) return;",
      "const before = window.oaiq;",
    ).replace("stub.q = [];", "stub.q = []; stub.config = before.config;"),
    inlineScript(INIT),
    hostile && inlineScript(hostile),
    sdkTag(
      `data-oaiq-endpoint="${EVENTS_PATH}" data-oaiq-settings="${CONFIG_PATH}" ${option}`,
    ),
  ).replace("<body>", `<body>${body}`);

/** @param {string} fields */
const form = (fields, attributes = "") =>
  `<form id="form" method="post" action="/thanks" ${attributes}>${fields}<button id="send">Send</button></form>`;

const hidden = (/** @type {string} */ name, value = "") =>
  `<input type="hidden" name="${name}" value="${value}">`;

/** The fields of a form by name, as text of a script. */
const FIELDS = (selector = "#form") =>
  `Object.fromEntries(new FormData(document.querySelector("${selector}")))`;

/**
 * Resolves with the fields of a form once `isMet(fields)`.
 *
 * @param {Tab} tab
 * @param {(fields: Record<string, string>) => unknown} isMet
 * @param {string} [selector]
 */
const fieldsOnce = async (tab, isMet, selector) => {
  /** @type {Record<string, string>} */
  let fields = {};
  await waitUntil("the fields", async () =>
    isMet((fields = await tab.evaluate(FIELDS(selector)))),
  );
  return fields;
};

/**
 * Resolves with the first form that was posted.
 *
 * @param {Site} site
 */
const postedForm = async (site) => {
  await site.waitFor("a form", () => site.forms.length > 0);
  return site.forms[0];
};

/**
 * Resolves with the leads that were delivered, once there are that many.
 *
 * @param {Site} site
 */
const leads = async (site, count = 1) => {
  const found = () =>
    site.measured.filter(({ type }) => type === "lead_created");
  await site.waitFor(`${count} leads`, () => found().length >= count);
  return found();
};

describe("attribution into forms", () => {
  const browser = useBrowser();

  /**
   * Opens this page of a site as a new visitor.
   *
   * @param {TestContext} t
   * @param {string} text
   * @param {string} path with its query
   * @param {string} [referer]
   */
  const open = async (t, text, path = "/", referer) => {
    const site = await startSite(t, {
      "/": text,
      "/thanks": "Thanks",
      "/more": text,
    });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage("about:blank");
    await tab.page.goto(site.url(path), { referer });
    return { site, visitor, tab };
  };

  test("hidden fields with the names of the fields are filled", async (t) => {
    const names = [
      "utm_source",
      "first_utm_source",
      "utm_term",
      "landing_page",
      "referrer",
      "first_referrer",
      "ai_source",
      "conversion_page",
      "event_id",
      "other",
    ];
    const { site, tab } = await open(
      t,
      page(form(names.map((name) => hidden(name)).join(""))),
      "/?utm_source=news&email=jane%40example.test#top",
      "https://chatgpt.com/c/1?secret=2",
    );
    const fields = await fieldsOnce(tab, ({ utm_source }) => utm_source);
    const { event_id, ...rest } = fields;
    assert.match(event_id, UUID);
    assert.deepEqual(rest, {
      utm_source: "news",
      first_utm_source: "news",
      utm_term: "",
      landing_page: site.url("/"),
      referrer: "https://chatgpt.com/c/1",
      first_referrer: "https://chatgpt.com/c/1",
      ai_source: "ChatGPT",
      conversion_page: site.url("/"),
      other: "",
    });
  });

  test("a form that asks gets the fields that have a value, and its post, its event and its ID agree", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form(
          `<input name="email" value="jane@example.test">`,
          `data-oaiq-fields="lead_created"`,
        ),
      ),
      "/?utm_source=news&oppref=click-1",
    );
    await fieldsOnce(tab, ({ obref }) => obref);
    await tab.page.click("#send");
    const posted = await postedForm(site);
    const [lead] = await leads(site);
    const { event_id, obref, ...rest } = posted;
    assert.equal(lead.id, event_id);
    assert.deepEqual(lead.data, { type: "customer_action" });
    assert.match(event_id, UUID);
    assert.equal(site.requestWith(event_id).body.obref, obref);
    assert.equal(site.requestWith(event_id).body.oppref, "click-1");
    assert.deepEqual(rest, {
      email: "jane@example.test",
      oppref: "click-1",
      utm_source: "news",
      first_utm_source: "news",
      landing_page: site.url("/"),
      first_landing_page: site.url("/"),
      conversion_page: site.url("/"),
      ai_source: "OpenAI Ads",
      first_ai_source: "OpenAI Ads",
    });
    assert.deepEqual(tab.pageErrors, []);
  });

  test("a form without the attribute and without an event_id is neither filled nor measured", async (t) => {
    const { site, tab } = await open(
      t,
      page(form(`<input name="q" value="soap">`), {
        option: `data-oaiq-fields="lead_created"`,
      }),
      "/?utm_source=news",
    );
    await tab.waitForFunction(`typeof oaiq.__fields === "function"`);
    await tab.page.click("#send");
    assert.deepEqual(await postedForm(site), { q: "soap" });
    await site.waitForPixels(1);
    assert.deepEqual(site.measured, []);
  });

  test("a submit is measured by the event of the script where the form has a field for the ID", async (t) => {
    const { site, tab } = await open(
      t,
      page(form(hidden("event_id")), {
        option: `data-oaiq-fields="lead_created"`,
      }),
    );
    await fieldsOnce(tab, ({ event_id }) => event_id);
    await tab.page.click("#send");
    const [lead] = await leads(site);
    assert.deepEqual(await postedForm(site), { event_id: lead.id });
  });

  test("what the site has filled stays, and its own event_id is measured", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form(
          hidden("utm_source", "site") +
            hidden("event_id", "lead-77") +
            `<input type="text" name="utm_medium"><input type="hidden" name="utm_campaign">`,
          `data-oaiq-fields="lead_created"`,
        ),
      ),
      "/?utm_source=news&utm_medium=mail&utm_campaign=spring",
    );
    await fieldsOnce(tab, ({ utm_campaign }) => utm_campaign);
    await tab.page.click("#send");
    const posted = await postedForm(site);
    assert.equal(posted.utm_source, "site");
    assert.equal(posted.utm_medium, "");
    assert.equal(posted.utm_campaign, "spring");
    assert.equal(posted.event_id, "lead-77");
    assert.equal((await leads(site))[0].id, "lead-77");
  });

  test("a form with the attribute off is left alone", async (t) => {
    const { tab, site } = await open(
      t,
      page(
        form(
          hidden("utm_source") + hidden("event_id"),
          `data-oaiq-fields="off"`,
        ),
        { option: `data-oaiq-fields="lead_created"` },
      ),
      "/?utm_source=news",
    );
    await tab.waitForFunction(`typeof oaiq.__fields === "function"`);
    await tab.page.click("#send");
    assert.deepEqual(await postedForm(site), { utm_source: "", event_id: "" });
    assert.deepEqual(site.measured, []);
  });

  test("a form that comes later is filled", async (t) => {
    const { tab } = await open(t, page(""), "/?utm_source=news");
    await tab.waitForFunction(`typeof oaiq.__fields === "function"`);
    await tab.evaluate(
      `document.body.innerHTML = ${JSON.stringify(form(hidden("utm_source"), "data-oaiq-fields"))}`,
    );
    const fields = await fieldsOnce(
      tab,
      ({ utm_source, event_id }) => utm_source && event_id,
    );
    assert.equal(fields.utm_source, "news");
  });

  test("the steps of a form share one event_id, and only the step with the event is measured", async (t) => {
    const step = (/** @type {number} */ number, /** @type {string} */ option) =>
      form(
        `<input name="step${number}" value="x">`,
        `data-oaiq-fields="${option}" onsubmit="event.preventDefault(); steps.push(${FIELDS().replaceAll('"', "'")}.event_id); next()"`,
      );
    const { site, tab } = await open(
      t,
      page(
        step(1, "") +
          inlineScript(`
        const steps = [];
        const next = () => { if (steps.length < 3) document.querySelector("#form").outerHTML = [${JSON.stringify(step(2, ""))}, ${JSON.stringify(step(3, "lead_created"))}][steps.length - 1]; };`),
      ),
    );
    for (const count of [1, 2, 3]) {
      await tab.page.click("#send");
      await tab.waitForFunction(`steps.length === ${count}`);
    }
    const [lead] = await leads(site);
    const steps = await tab.evaluate("steps");
    assert.deepEqual(steps, [lead.id, lead.id, lead.id]);
    assert.equal((await leads(site)).length, 1);
  });

  test("two forms of a page have different IDs once the first is submitted", async (t) => {
    const ajax = (/** @type {string} */ id) =>
      `<form id="${id}" data-oaiq-fields="lead_created" onsubmit="event.preventDefault()"><button>Send</button></form>`;
    const { site, tab } = await open(t, page(ajax("one") + ajax("two")));
    const { event_id: one } = await fieldsOnce(
      tab,
      ({ event_id }) => event_id,
      "#one",
    );
    await tab.page.click("#one button");
    await leads(site);
    const { event_id: two } = await fieldsOnce(
      tab,
      ({ event_id }) => event_id !== one,
      "#two",
    );
    assert.equal((await tab.evaluate(FIELDS("#one"))).event_id, one);
    await tab.page.click("#two button");
    const ids = (await leads(site, 2)).map(({ id }) => id);
    assert.deepEqual(ids, [one, two]);
  });

  test("a form that the page sends itself is measured once, and again after it is reset", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form(
          `<input name="email" required value="a@b.test">`,
          `data-oaiq-fields="lead_created" onsubmit="event.preventDefault(); event.stopPropagation()"`,
        ),
      ),
    );
    const { event_id: first } = await fieldsOnce(
      tab,
      ({ event_id }) => event_id,
    );
    await tab.page.click("#send");
    await tab.page.click("#send");
    await leads(site);
    await tab.evaluate(`document.querySelector("#form").reset()`);
    const { event_id: second } = await fieldsOnce(
      tab,
      ({ event_id }) => event_id !== first,
    );
    await tab.page.click("#send");
    assert.deepEqual(
      (await leads(site, 2)).map(({ id }) => id),
      [first, second],
    );
  });

  test("a form that is reset while it is submitted is measured with the ID that it was sent with", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form(
          `<input name="email" required>`,
          `data-oaiq-fields="lead_created" onsubmit="event.preventDefault(); sent.push(new FormData(this).get('event_id')); this.reset()"`,
        ) + inlineScript("const sent = [];"),
      ),
    );
    for (let i = 0; i < 2; i += 1) {
      await tab.page.fill("[name=email]", "a@b.test");
      await tab.page.click("#send");
    }
    const ids = (await leads(site, 2)).map(({ id }) => id);
    assert.deepEqual(ids, await tab.evaluate("sent"));
    assert.notEqual(ids[0], ids[1]);
  });

  test("a form that the page refuses is not measured until it is accepted", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form(
          `<input name="email">`,
          `novalidate data-oaiq-fields="lead_created"`,
        ) +
          inlineScript(`
        document.querySelector("#form").addEventListener("submit", (event) => {
          event.preventDefault();
          const [email] = event.target;
          Promise.resolve().then(() => email.setAttribute("aria-invalid", String(!email.value)));
        });`),
      ),
    );
    await fieldsOnce(tab, ({ event_id }) => event_id);
    await tab.page.click("#send");
    await site.waitForPixels(1);
    assert.deepEqual(site.measured, []);
    await tab.page.fill("[name=email]", "a@b.test");
    await tab.page.click("#send");
    assert.equal((await leads(site)).length, 1);
  });

  test("an event that a form cannot measure is rejected with a warning", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form("", `data-oaiq-fields="Lead" onsubmit="event.preventDefault()"`),
      ),
    );
    await fieldsOnce(tab, ({ event_id }) => event_id);
    await tab.page.click("#send");
    await tab.waitForLog(/was not measured/);
    await tab.page.goto("about:blank");
    await site.waitFor(
      "a diagnostic",
      () => site.rejectedCalls.unsupported_event_name === 1,
    );
  });

  for (const name of [
    "submit",
    "elements",
    "getAttribute",
    "appendChild",
    "querySelectorAll",
    "shadowRoot",
    "name",
    "method",
    "closest",
    "matches",
  ])
    test(`a form with a field named ${name} is filled and measured`, async (t) => {
      const { site, tab } = await open(
        t,
        page(
          form(
            `<input name="${name}" value="x">`,
            `data-oaiq-fields="lead_created"`,
          ),
        ),
        "/?utm_source=news",
      );
      await tab.waitForFunction(`typeof oaiq.__fields === "function"`);
      // Playwright's click needs these methods itself
      await tab.evaluate(`document.querySelector("#send").click()`);
      const posted = await postedForm(site);
      assert.equal(posted[name], "x");
      assert.equal(posted.utm_source, "news");
      assert.equal((await leads(site))[0].id, posted.event_id);
      assert.deepEqual(tab.pageErrors, []);
    });

  test("a form in a shadow tree is filled and measured", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        `<lead-form></lead-form>` +
          inlineScript(`
        addEventListener("load", () => setTimeout(() => customElements.define("lead-form", class extends HTMLElement {
          connectedCallback() {
            this.attachShadow({ mode: "open" }).innerHTML = ${JSON.stringify(`<div><inner-form></inner-form></div>`)};
          }
        }), 100));
        customElements.define("inner-form", class extends HTMLElement {
          connectedCallback() {
            this.attachShadow({ mode: "open" }).innerHTML = ${JSON.stringify(form(hidden("utm_source"), `data-oaiq-fields="lead_created"`))};
          }
        });`),
      ),
      "/?utm_source=news",
    );
    await tab.page.click("#send");
    const posted = await postedForm(site);
    assert.equal(posted.utm_source, "news");
    assert.equal((await leads(site))[0].id, posted.event_id);
  });

  test("a form in a shadow tree is filled without the visitor", async (t) => {
    const { tab } = await open(
      t,
      page(
        `<div><template shadowrootmode="open">${form(hidden("utm_source"))}</template></div>`,
      ),
      "/?utm_source=news",
    );
    await tab.waitForFunction(
      `document.querySelector("div").shadowRoot.querySelector("input").value === "news"`,
    );
  });

  test("a page that removes the fields at once is not slowed down", async (t) => {
    const { tab } = await open(
      t,
      page(
        form("", "data-oaiq-fields") +
          inlineScript(`
        let removed = 0;
        new MutationObserver(() => {
          for (const input of document.querySelectorAll("#form input")) { removed += 1; input.remove(); }
        }).observe(document.body, { childList: true, subtree: true });`),
      ),
    );
    await tab.waitForFunction("removed > 100");
    await tab.page.waitForTimeout(1500);
    const before = await tab.evaluate("removed");
    await tab.page.waitForTimeout(500);
    assert.equal(await tab.evaluate("removed"), before);
  });

  test("the visitor's touches are stored and reach the next page", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form(
          [
            "utm_source",
            "first_utm_source",
            "landing_page",
            "conversion_page",
            "ai_source",
          ]
            .map((name) => hidden(name))
            .join(""),
        ),
      ),
      "/?utm_source=news",
    );
    await tab.waitForFunction(`localStorage.getItem("${TOUCHES_KEY}")`);
    await tab.goto(site.url("/more?oppref=click-2"));
    await tab.waitForFunction(
      `localStorage.getItem("${TOUCHES_KEY}").includes("OpenAI")`,
    );
    await tab.goto(site.url("/"));
    const fields = await fieldsOnce(tab, ({ ai_source }) => ai_source);
    assert.deepEqual(fields, {
      utm_source: "",
      first_utm_source: "news",
      landing_page: site.url("/more"),
      conversion_page: site.url("/"),
      ai_source: "OpenAI Ads",
    });
  });

  test("nothing is stored and no ID is filled in before consent, and both after it", async (t) => {
    const { tab, visitor } = await open(
      t,
      page(form(hidden("utm_source") + hidden("oppref") + hidden("obref")), {
        option: `data-oaiq-fields data-oaiq-consent="pending"`,
      }),
      "/?utm_source=news&oppref=click-1",
    );
    const before = await fieldsOnce(tab, ({ utm_source }) => utm_source);
    assert.deepEqual(before, { utm_source: "news", oppref: "", obref: "" });
    await tab.evaluate(`document.querySelector("#send").focus()`);
    assert.equal(await tab.evaluate("localStorage.length"), 0);
    assert.deepEqual(await visitor.cookies(), {});
    await tab.evaluate(`oaiq("consent", true)`);
    const after = await fieldsOnce(tab, ({ obref }) => obref);
    assert.equal(after.oppref, "click-1");
    assert.equal(after.obref, (await visitor.cookies()).__obref);
    assert.match(
      await tab.evaluate(`localStorage.getItem("${TOUCHES_KEY}")`),
      /utm_source=news/,
    );
  });

  test("a denial deletes the touches and the IDs in the fields", async (t) => {
    const { site, tab } = await open(
      t,
      page(
        form(
          hidden("utm_source") +
            hidden("first_utm_source") +
            hidden("oppref") +
            hidden("obref"),
          "data-oaiq-fields",
        ),
      ),
      "/?utm_source=old",
    );
    await tab.waitForFunction(`localStorage.getItem("${TOUCHES_KEY}")`);
    await tab.goto(site.url("/?utm_source=new&oppref=click-1"));
    const granted = await fieldsOnce(tab, ({ obref }) => obref);
    assert.equal(granted.first_utm_source, "old");
    await tab.evaluate(`oaiq("consent", false)`);
    const denied = await fieldsOnce(tab, ({ obref }) => !obref);
    assert.equal(denied.oppref, "");
    assert.equal(denied.first_utm_source, "new");
    assert.equal(
      await tab.evaluate(`localStorage.getItem("${TOUCHES_KEY}")`),
      null,
    );
    await tab.goto(site.url("/"));
    const next = await fieldsOnce(tab, ({ event_id }) => event_id);
    assert.deepEqual(
      [next.utm_source, next.first_utm_source, next.obref],
      ["", "", ""],
    );
    assert.equal(
      await tab.evaluate(`localStorage.getItem("${TOUCHES_KEY}")`),
      null,
    );
  });

  test("a denial on a page without the option deletes the touches too", async (t) => {
    const { site, tab } = await open(
      t,
      page(form(hidden("utm_source"))),
      "/?utm_source=old",
    );
    await tab.waitForFunction(`localStorage.getItem("${TOUCHES_KEY}")`);
    site.pages["/other"] = page("", { option: "" });
    await tab.goto(site.url("/other"));
    await tab.evaluate(`oaiq("consent", false)`);
    await tab.waitForFunction(
      `localStorage.getItem("${TOUCHES_KEY}") === null`,
    );
  });

  test("forget deletes the touches for good", async (t) => {
    const { tab } = await open(
      t,
      page(form(hidden("utm_source"))),
      "/?utm_source=news",
    );
    await tab.waitForFunction(`localStorage.getItem("${TOUCHES_KEY}")`);
    await tab.evaluate(`oaiq("forget")`);
    await tab.waitForFunction(
      `localStorage.getItem("${TOUCHES_KEY}") === null`,
    );
    await tab.evaluate(`document.querySelector("#send").focus()`);
    await tab.page.waitForTimeout(200);
    assert.equal(
      await tab.evaluate(`localStorage.getItem("${TOUCHES_KEY}")`),
      null,
    );
  });

  test("oaiq.config.fields renames fields, leaves some out and names the event", async (t) => {
    const { site, tab } = await open(
      t,
      page(form(hidden("lead[source]"), "data-oaiq-fields"), {
        option: "",
        config: `fields: { event: "lead_created", utm_source: "lead[source]", first_utm_source: false, conversion_page: false, landing_page: false, first_landing_page: false }`,
      }),
      "/?utm_source=news",
    );
    await fieldsOnce(tab, ({ obref }) => obref);
    await tab.page.click("#send");
    const { event_id, obref, ...rest } = await postedForm(site);
    assert.deepEqual(rest, { "lead[source]": "news" });
    assert.equal((await leads(site))[0].id, event_id);
    assert.match(obref, UUID);
  });

  test("redactPath applies to the pages in the fields", async (t) => {
    const { site, tab } = await open(
      t,
      page(form(hidden("landing_page")), {
        config: `redactPath: "/*"`,
      }),
      "/more",
    );
    const { landing_page } = await fieldsOnce(
      tab,
      (fields) => fields.landing_page,
    );
    assert.equal(landing_page, site.url("/*"));
  });

  test("a passage that Google quotes is recognized in the browser's own URL", async (t) => {
    const { tab } = await open(
      t,
      page(form(hidden("ai_source")) + "<p>gentle soap</p>"),
      "/#:~:text=gentle%20soap",
      "https://www.google.com/",
    );
    assert.equal(await tab.evaluate("location.hash"), "");
    const { ai_source } = await fieldsOnce(tab, (fields) => fields.ai_source);
    assert.equal(ai_source, "AI Overview");
  });

  /** What pages have done to the browser's built-ins. */
  const HOSTILE = {
    "Array.prototype's methods throw": `for (const key of Reflect.ownKeys(Array.prototype)) if (typeof Array.prototype[key] === "function" && key !== "constructor") Array.prototype[key] = fail;`,
    "arrays cannot be iterated": `delete Array.prototype[Symbol.iterator];`,
    "Function.prototype's methods throw": `for (const name of ["bind", "call", "apply"]) Function.prototype[name] = fail;`,
    "an old library defines methods on all objects": `for (const name of ["each", "extend", "referrer", "get"]) Object.prototype[name] = function () { return name; };`,
    "JSON is undefined": `window.JSON = undefined;`,
    "MutationObserver is undefined": `window.MutationObserver = undefined;`,
    "timers never fire": `window.setTimeout = () => 1;`,
    "timers are undefined": `window.setTimeout = undefined;`,
    "storage throws": `Object.defineProperty(window, "localStorage", { get: fail });`,
    "performance is undefined": `Object.defineProperty(window, "performance", { value: undefined });`,
    "the referrer throws": `Object.defineProperty(Document.prototype, "referrer", { get: fail });`,
    "cookies throw": `Object.defineProperty(Document.prototype, "cookie", { get: fail, set: fail });`,
    "a form is named like a method of the document": `addEventListener("DOMContentLoaded", () => document.body.insertAdjacentHTML("beforeend", "<form name=querySelectorAll></form><form name=readyState></form><form name=createElement></form>"));`,
  };
  for (const [name, script] of Object.entries(HOSTILE))
    test(`a form is filled and measured where ${name}`, async (t) => {
      const { site, tab } = await open(
        t,
        page(
          form(
            hidden("utm_source") + hidden("event_id"),
            `data-oaiq-fields="lead_created"`,
          ),
          {
            // such a page breaks Playwright as well, so it clicks by itself once the file has loaded
            hostile: `
              const { setInterval, clearInterval, performance } = window;
              const { getElementById } = Document.prototype;
              const { click } = HTMLElement.prototype;
              const { apply } = Reflect;
              let polls = 0;
              const timer = setInterval(() => {
                const isLoaded = performance.getEntriesByName(location.origin + "/sdk/oaiq.fields.min.js").length;
                if (!isLoaded || (polls += 1) < 5) return;
                clearInterval(timer);
                apply(click, apply(getElementById, document, ["send"]), []);
              }, 50);
              const fail = function () { throw new Error("replaced by the page"); };
              ${script}`,
          },
        ),
        "/?utm_source=news",
      );
      const posted = await postedForm(site);
      assert.equal(posted.utm_source, "news");
      assert.equal((await leads(site))[0].id, posted.event_id);
      assert.deepEqual(tab.pageErrors, []);
    });

  test("debug says what a submit has measured", async (t) => {
    const { tab } = await open(
      t,
      page(
        form(
          "",
          `data-oaiq-fields="lead_created" onsubmit="event.preventDefault()"`,
        ),
      ),
      "/?oaiq_debug=1",
    );
    await fieldsOnce(tab, ({ event_id }) => event_id);
    await tab.page.click("#send");
    await tab.waitForLog(
      /a form was submitted: lead_created is measured with the form's event_id/,
    );
    await tab.page.click("#send");
    await tab.waitForLog(
      /a form was submitted again .* lead_created is not measured again/,
    );
  });

  test("a lead is one conversion with one ID in the pixel's event, the form's post and the Conversions API", async (t) => {
    const collector = await startCollector(t);
    const site = await startSite(t, {});
    const url = site.url("/", "localhost");
    site.pages["/"] = page(form("", `data-oaiq-fields="lead_created"`)).replace(
      `data-oaiq-endpoint="${EVENTS_PATH}"`,
      `data-oaiq-endpoint="${collector.origin}/v1/sdk/events"`,
    );
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(`${url}?oppref=click-1`);
    await fieldsOnce(tab, ({ obref }) => obref);
    await tab.page.click("#send");
    const posted = await postedForm(site);
    await collector.waitFor("the pixel's lead", (entries) =>
      entries.some(({ event }) => event.type === "lead_created"),
    );
    // what a server makes of the post
    await collector.sendFromServer(
      [
        {
          id: posted.event_id,
          type: "lead_created",
          timestamp_ms: Date.now(),
          action_source: "web",
          source_url: posted.conversion_page,
          oppref: posted.oppref,
          data: { type: "customer_action" },
          user: { obref: posted.obref },
        },
      ],
      { pixel: PIXEL_ID },
    );
    const entries = await collector.waitFor(
      "both leads",
      (all) =>
        all.filter(({ event }) => event.type === "lead_created").length === 2,
    );
    const both = entries.filter(({ event }) => event.type === "lead_created");
    assert.deepEqual(
      both.map(({ event, verdict }) => [event.id, verdict]),
      [
        [posted.event_id, "duplicate"],
        [posted.event_id, "counted"],
      ],
    );
    const { page: inspector } = await visitor.openPage(
      `${collector.origin}/inspector`,
    );
    await inspector.getByRole("link", { name: "Conversions" }).click();
    await inspector
      .locator(`[data-conversion="${posted.event_id}"]`)
      .getByText("1 conversion from browser and server: counted once")
      .waitFor();
    assert.equal(await inspector.locator("[data-conversion]").count(), 1);
  });
});
