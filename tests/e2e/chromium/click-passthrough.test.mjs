// Tests that links and forms pass the click ID to the next page while consent is pending.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  CONFIG_PATH,
  EVENTS_PATH,
  html,
  INIT,
  inlineScript,
  orderCall,
  QUEUE_STUB,
  sdkTag,
  startSite,
} from "../support/site.mjs";

describe("a click ID while consent is pending", { concurrency: 4 }, () => {
  const browser = useBrowser();
  const PASSTHROUGH = sdkTag(
    `data-endpoint="${EVENTS_PATH}" data-settings="${CONFIG_PATH}" data-consent="pending" data-click-passthrough`,
  );
  const page = (/** @type {string} */ body) =>
    html(QUEUE_STUB, inlineScript(INIT), PASSTHROUGH).replace(
      "<body></body>",
      `<body>${body}</body>`,
    );

  /**
   * Opens a landing page with this body.
   *
   * @param {import("node:test").TestContext} t
   * @param {string} body
   */
  const openLandingPage = async (t, body) => {
    const site = await startSite(t, { "/": page(body), "/next": page("") });
    const visitor = await Visitor.create(t, browser);
    const tab = await visitor.openPage(site.url("/?oppref=click-1"));
    return { site, visitor, tab };
  };

  const NAVIGATIONS = {
    "a link": ['<a href="/next?a=1#there">go</a>', "text=go"],
    "a link that was added later": [
      `<script>setTimeout(() => document.body.insertAdjacentHTML("beforeend", '<a href="/next"><b>go</b></a>'))</script>`,
      "b",
    ],
    "a form": ['<form action="/next?a=1"><button>go</button></form>', "button"],
    "a button with formaction": [
      '<form action="/"><button formaction="/next">go</button></form>',
      "button",
    ],
  };
  for (const [way, [body = "", selector = ""]] of Object.entries(NAVIGATIONS))
    test(`is passed to the next page by ${way}`, async (t) => {
      const { site, tab } = await openLandingPage(t, body);
      assert.equal(await tab.evaluate("location.search"), "?oppref=click-1");
      await tab.page.click(selector);
      await tab.page.waitForURL((url) => url.pathname === "/next");
      await tab.evaluate(orderCall("bought"));
      await tab.evaluate("oaiq('consent', true)");
      await site.waitForOrders("bought");
      assert.equal(site.lastRequest.body.oppref, "click-1");
    });

  test("is added to the action of a form with method post", async (t) => {
    const { tab } = await openLandingPage(
      t,
      '<form action="/next" method="post"><button>go</button><input name="action"></form>',
    );
    const posted = tab.page.waitForRequest((it) => it.method() === "POST");
    await tab.page.click("button", { noWaitAfter: true });
    assert.match((await posted).url(), /\/next\?oppref=click-1$/);
  });

  test("is not added to links to other sites, downloads, fragments, prevented clicks or mail", async (t) => {
    const { tab } = await openLandingPage(
      t,
      `<a id="elsewhere" href="http://other.example.test/x">1</a>
       <a id="download" href="/file" download>2</a>
       <a id="within" href="#part">3</a>
       <a id="routed" href="/next">4</a>
       <a id="mail" href="mailto:a@b.c">5</a>
       <script>
         window.followed = [];
         routed.addEventListener("click", (event) => event.preventDefault());
         // after the pixel's listener
         addEventListener("load", () => setTimeout(() => {
           addEventListener("click", (event) => {
             const link = event.target.closest("a");
             followed.push(link.id + " " + link.getAttribute("href"));
             event.preventDefault();
           });
           window.isListening = true;
         }, 1000));
       </script>`,
    );
    await tab.waitForFunction("window.isListening");
    for (const id of ["elsewhere", "download", "within", "routed", "mail"])
      await tab.evaluate(`document.getElementById("${id}").click()`);
    assert.deepEqual(await tab.evaluate("followed"), [
      "elsewhere http://other.example.test/x",
      "download /file",
      "within #part",
      "routed /next",
      "mail mailto:a@b.c",
    ]);
  });

  test("is not added after an answer", async (t) => {
    const { tab } = await openLandingPage(t, '<a href="/next">go</a>');
    await tab.evaluate("oaiq('consent', false)");
    await tab.page.click("a");
    await tab.page.waitForURL((url) => url.pathname === "/next");
    assert.equal(await tab.evaluate("location.search"), "");
  });
});
