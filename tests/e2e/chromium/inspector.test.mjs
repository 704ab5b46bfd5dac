// The inspector in a browser, with a running collector.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { useBrowser, Visitor } from "../support/browser.mjs";
import {
  orderEvent,
  checkout,
  rejectionDiagnostic,
  serverOrderEvent,
  startCollector,
  assertAccepted,
} from "../support/collector.mjs";

/**
 * @typedef {import("node:test").TestContext} TestContext
 * @typedef {import("playwright-core").Locator} Locator
 * @typedef {import("playwright-core").Page} Page
 * @typedef {import("playwright-core").ViewportSize} ViewportSize
 * @typedef {Awaited<ReturnType<typeof startCollector>>} Collector
 */

describe("the inspector", () => {
  const browser = useBrowser();

  /**
   * Opens the inspector of a collector. The test fails if the page has an error or a warning.
   *
   * @param {TestContext} t
   * @param {Collector} collector
   * @param {string} [place] the hash of the URL
   * @param {ViewportSize} [viewport]
   */
  const openInspector = async (t, collector, place = "", viewport) => {
    const visitor = await Visitor.create(t, browser);
    const { page, pageErrors, console } = await visitor.openPage("about:blank");
    await visitor.context.grantPermissions(
      ["clipboard-read", "clipboard-write"],
      { origin: collector.origin },
    );
    if (viewport) await page.setViewportSize(viewport);
    await page.goto(`${collector.origin}/inspector${place}`);
    await page.locator('[data-state="live"]').waitFor();
    const assertNoErrors = () => {
      assert.deepEqual(pageErrors, []);
      assert.deepEqual(
        console.filter(
          ({ type, text }) =>
            (type === "error" || type === "warning") &&
            // at the end of a test the collector stops before the page
            !text.includes("ERR_CONNECTION_REFUSED"),
        ),
        [],
      );
    };
    t.after(assertNoErrors);
    return { page, visitor, assertNoErrors };
  };

  /**
   * @param {Page} page
   * @param {string} id of the event
   */
  const rowOf = (page, id) => page.locator(`.row[data-event-id="${id}"]`);

  /**
   * @param {Page} page
   * @param {string} name
   */
  const openView = (page, name) =>
    page.getByRole("navigation").getByRole("link", { name }).click();

  /** @param {Page} page */
  const clipboard = (page) =>
    page.evaluate(() => navigator.clipboard.readText());

  /** @param {Locator} element */
  const textOf = async (element) => (await element.textContent()) ?? "";

  /**
   * The ID of the event whose row has the focus, or null.
   *
   * @param {Page} page
   */
  const focusedId = (page) =>
    page.evaluate(
      () => document.activeElement?.getAttribute("data-event-id") ?? null,
    );

  /**
   * Resolves once the row of the event has the focus.
   *
   * @param {Page} page
   * @param {string} id
   */
  const waitForFocus = (page, id) =>
    page.waitForFunction(
      (expected) =>
        document.activeElement?.getAttribute("data-event-id") === expected,
      id,
    );

  /**
   * The `seq` of the first visible row, and its distance from the top of the list.
   *
   * @param {Page} page
   */
  const firstVisible = (page) =>
    page.evaluate(() => {
      const scroller = document.querySelector(".scroller");
      if (!scroller) throw new Error("the page has no list");
      const { top } = scroller.getBoundingClientRect();
      const rows = [...document.querySelectorAll(".spacer .row")]
        .map((row) => ({
          seq: Number(row.getAttribute("data-seq")),
          from: row.getBoundingClientRect().top - top,
        }))
        .filter(({ from }) => from > -1)
        .sort((one, other) => one.from - other.from);
      return rows[0];
    });

  test("events appear as they arrive, with their verdicts", async (t) => {
    const collector = await startCollector(t);
    const { page } = await openInspector(t, collector);
    await page.getByText("No events yet").waitFor();

    await assertAccepted(
      collector.sendBatch([orderEvent("first")], { oppref: "click-1" }),
    );
    const first = page.locator('.row[data-verdict="counted"]');
    await first.getByText("Counted").waitFor();
    assert.match(await textOf(first), /order_created\$25\.99/);
    assert.match(await textOf(first), /\/thanksfirstclick click-1browserfetch/);

    await assertAccepted(collector.sendBatch([orderEvent("first")]));
    await page
      .locator('.row[data-verdict="duplicate"]', { hasText: /Duplicate of #1/ })
      .waitFor();
    await collector.sendBatch([
      orderEvent("float", {
        data: { type: "contents", amount: 25.99, currency: "USD" },
      }),
    ]);
    const rejected = page.locator('.row[data-verdict="refused"]');
    await rejected.waitFor();
    assert.match(
      await textOf(rejected),
      /Rejected.*data\.amount is 25\.99; it must be a whole number/,
    );
    await assertAccepted(
      collector.sendFromServer([serverOrderEvent("trial")], {
        validate_only: true,
      }),
    );
    await page
      .locator('.row[data-verdict="valid"][data-transport="server"]')
      .waitFor();
    await assertAccepted(
      collector.sendBatch([
        {
          type: "oai::diagnostic",
          timestamp_ms: Date.now(),
          id: "d-1",
          data: {
            type: "diagnostic",
            schema_version: 1,
            dropped_event_count: 0,
            dropped_event_reason_counts: {},
            dropped_event_name_counts: {},
            dropped_event_phase_counts: {},
            consent: false,
          },
        },
      ]),
    );
    const internal = page.locator('.row[data-verdict="internal"]');
    await internal.waitFor();
    assert.match(await textOf(internal), /consent denied/);
    assert.equal(await page.locator(".row.event").count(), 5);

    // newest first
    assert.equal((await firstVisible(page)).seq, 5);
  });

  test("amounts are shown in the currency's unit", async (t) => {
    const collector = await startCollector(t);
    /**
     * @param {string} currency
     * @param {number} amount
     */
    const priced = (currency, amount) =>
      orderEvent(currency, { data: { type: "contents", amount, currency } });
    await assertAccepted(
      collector.sendBatch([
        priced("USD", 2599),
        priced("JPY", 500),
        priced("KWD", 25990),
      ]),
    );
    const { page } = await openInspector(t, collector);
    for (const [currency, shown] of Object.entries({
      USD: /\$25\.99/,
      JPY: /¥500(?!\.)/,
      KWD: /KWD\s25\.990/,
    })) {
      const row = rowOf(page, currency);
      await row.waitFor();
      assert.match(await textOf(row), shown);
    }
  });

  test("a duplicate links to the event that counts, whose details are complete", async (t) => {
    const collector = await startCollector(t);
    const contents = [
      { id: "mug", name: "Tide mug", quantity: 2, amount: 1299 },
    ];
    await assertAccepted(
      collector.sendBatch(
        [
          orderEvent("A", {
            data: { type: "contents", amount: 2598, currency: "EUR", contents },
          }),
        ],
        { oppref: "click-1", user: { in: { em: "a".repeat(64) } } },
      ),
    );
    await assertAccepted(collector.sendBatch([orderEvent("A")]));
    const { page } = await openInspector(t, collector);
    await page.locator('[data-verdict="duplicate"] a').click();
    const details = page.getByRole("complementary", { name: "Event #1" });
    await details.waitFor();
    const text = await textOf(details);
    for (const part of [
      /Counted/,
      /€25\.98 sent as 2598 \(100 = 1 EUR\)/,
      /Data typecontents/,
      /Tide mug mug2€12\.99/,
      /Click IDclick-1/,
      /Browser ID11111111-1111/,
      /User dataemail \(hashed\)/,
      /Consentnot denied/,
      /Sent byfetch, answered 202/,
      /Request#1, 1 event, \d/,
    ])
      assert.match(text, part);
    assert.equal(
      await page.locator('.row[aria-selected="true"]').getAttribute("data-seq"),
      "1",
    );
  });

  test("a rejected event shows each field, what was sent and what is expected", async (t) => {
    const collector = await startCollector(t);
    await collector.sendBatch([
      orderEvent("bad", { data: { type: "contents", amount: "25", sku: 1 } }),
    ]);
    const { page } = await openInspector(t, collector);
    await rowOf(page, "bad").click();
    const violations = page.getByRole("list", { name: "Violations" });
    await violations.waitFor();
    const text = await textOf(violations);
    assert.match(text, /data\.amountsent"25"expecteda whole number/);
    assert.match(text, /data\.skusent1expectedomitted/);
  });

  /**
   * Buys a mug in the demo shop. Resolves with the order number.
   *
   * @param {Visitor} visitor
   * @param {string} origin
   */
  const buy = async (visitor, origin) => {
    const { page } = await visitor.openPage(
      `${origin}/shop/product.html?id=tide-mug&oppref=demo-click-1`,
    );
    await page.click("#add-to-cart");
    await page.click("#added a");
    await page.click("#to-checkout");
    return checkout(page);
  };

  /**
   * Sends the request that a shell would send when this line is pasted into it.
   *
   * @param {string} line
   * @param {(body: string) => string} [change] changes the body
   */
  const paste = async (line, change = (body) => body) => {
    const { stdout } = spawnSync(
      "sh",
      ["-c", `curl() { printf '%s\\0' "$@"; }\n${line}`],
      { encoding: "utf8" },
    );
    const [url, ...args] = stdout.split("\0");
    const headers = new Headers();
    for (const [i, arg] of args.entries())
      if (args[i - 1] === "-H") {
        const [name = "", value = ""] = arg.split(": ");
        headers.append(name, value);
      }
    return fetch(url, {
      method: "POST",
      headers,
      body: change(args[args.indexOf("--data-raw") + 1]),
    });
  };

  /**
   * Buys a mug, and copies the order as a server request.
   *
   * @param {TestContext} t
   */
  const buyAndCopy = async (t) => {
    const collector = await startCollector(t);
    const { page, visitor } = await openInspector(t, collector);
    const number = await buy(visitor, collector.origin);
    const row = page.locator(
      `.row[data-event-type="order_created"][data-event-id="${number}"]`,
    );
    await row.click();
    await page.getByRole("button", { name: "Copy as server request" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    return { page, number, line: await clipboard(page) };
  };

  test("a purchase that the server sends with the same ID is one conversion", async (t) => {
    const { page, number, line } = await buyAndCopy(t);
    await assertAccepted(paste(line));
    await openView(page, "Conversions");
    const card = page.locator(`[data-conversion="${number}"]`);
    await card
      .getByText("1 conversion from browser and server: counted once")
      .waitFor();
    assert.match(await textOf(card), /order_created€26\.50/);
    for (const side of ["browser", "server"])
      await card.locator(`[data-side="${side}"] .event-link`).waitFor();
    assert.match(
      await textOf(card.locator('[data-side="server"]')),
      /Duplicate.*server/,
    );
    await openView(page, "Launch check");
    await page
      .locator('[data-check="ids"][data-state="pass"]')
      .getByText(
        "1 conversion arrived from browser and server with the same ID, and counts once.",
      )
      .waitFor();
  });

  test("a purchase that the server sends with another ID is two conversions", async (t) => {
    const { page, number, line } = await buyAndCopy(t);
    await assertAccepted(
      paste(line, (body) => body.replace(`"id":"${number}"`, '"id":"other"')),
    );
    await openView(page, "Conversions");
    const card = page.locator('[data-conversion][data-kind="apart"]');
    await card
      .getByText("Possibly one purchase counted twice: same amount")
      .waitFor();
    assert.match(
      await textOf(card),
      new RegExp(
        `The IDs differ: ${number} in the browser, other from the server, so OpenAI counts both\\. If this is one purchase, send the same ID`,
      ),
    );
    for (const side of ["browser", "server"])
      assert.match(
        await textOf(card.locator(`[data-side="${side}"]`)),
        /Counted/,
      );
    await openView(page, "Launch check");
    await page.locator('[data-check="ids"][data-state="fail"]').waitFor();
  });

  test("a visit appears page by page and passes checks", async (t) => {
    const collector = await startCollector(t);
    const { page, visitor } = await openInspector(t, collector, "#/checklist");
    const state = (/** @type {string} */ id) =>
      page.locator(`[data-check="${id}"]`).getAttribute("data-state");
    for (const id of ["starts", "pixel", "click", "amounts"])
      assert.equal(await state(id), "pending");
    await buy(visitor, collector.origin);
    for (const id of ["starts", "own-ids", "click", "amounts", "fields"])
      await page.locator(`[data-check="${id}"][data-state="pass"]`).waitFor();
    // a single ID may be the wrong one
    assert.equal(await state("pixel"), "review");
    // no visitor has denied consent
    assert.equal(await state("consent"), "pending");

    await openView(page, "Timeline");
    const pages = page.locator("[data-page]");
    await pages.nth(3).waitFor();
    assert.deepEqual(
      await pages.evaluateAll((all) =>
        all.map((it) => new URL(it.getAttribute("data-page") ?? "").pathname),
      ),
      ["product", "cart", "checkout", "thanks"].map(
        (name) => `/shop/${name}.html`,
      ),
    );
    assert.match(
      await textOf(page.locator("[data-visitor]").first()),
      /ad click demo-click-1/,
    );
  });

  test("everything that a page sends is shown as text", async (t) => {
    const collector = await startCollector(t);
    const payloads = [
      `<script>window.owned=1</script>`,
      `<img src=x onerror="window.owned=1">`,
      `"><svg onload=window.owned=1>`,
      `javascript:window.owned=1`,
      `{{constructor.constructor('window.owned=1')()}}`,
      `\u202etxt.exe\u0000\u200b`,
      `' onfocus=window.owned=1 autofocus tabindex=0 x='`,
    ];
    for (const [i, text] of payloads.entries()) {
      const data = {
        type: text,
        amount: text,
        currency: text,
        plan_id: text,
        [text]: text,
        contents: [{ name: text, id: text, quantity: text, currency: text }],
      };
      const event = {
        type: text,
        id: `${i} ${text}`,
        custom_event_name: text,
        timestamp_ms: Date.now(),
        source_url: text,
        referrer_url: text,
        opt_out: true,
        data,
      };
      const identity = {
        pixel: text,
        obref: text,
        oppref: text,
        user: { in: { em: text, [text]: text } },
      };
      await collector.sendBatch([event], identity);
      await collector.sendFromServer([{ ...event, action_source: text }]);
      // accepted, so that it is a conversion too
      await assertAccepted(
        collector.sendBatch(
          [
            orderEvent(`${i} ${text}`, {
              source_url: `https://x.test/${text}`,
              data: {
                type: "contents",
                amount: 100 + i,
                currency: "EUR",
                contents: [{ name: text, id: text, content_type: text }],
              },
            }),
          ],
          identity,
        ),
      );
    }
    const strange = JSON.parse(
      `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"a":${"[".repeat(60)}${"]".repeat(60)}}`,
    );
    await collector.sendBatch([orderEvent("strange", { data: strange })]);
    await collector.sendBatch([orderEvent("x".repeat(100_000))]);
    await collector.sendBatch([null, 1, "text", [], {}]);

    const { page, assertNoErrors } = await openInspector(t, collector);
    const noMarkup = async () => {
      assert.equal(
        await page
          .locator("#inspector")
          .locator(
            "script, img, iframe, [onload], [onerror], [onfocus], a:not([href^='#/']):not([href^='/shop/'])",
          )
          .count(),
        0,
      );
      assert.deepEqual(
        await page.evaluate(() => [
          "owned" in window,
          "polluted" in {},
          document.documentElement.scrollWidth <= innerWidth,
        ]),
        [false, false, true],
      );
    };
    // only visible rows are rendered; the menus have the same texts
    for (const text of ["window.owned=1", "\\u{202e}txt.exe\\u{0}\\u{200b}"])
      await page.locator(".row", { hasText: text }).first().waitFor();
    await noMarkup();
    const seqs = (await collector.entries()).map(({ seq }) => seq);
    for (const name of ["timeline", "conversions", "checklist"]) {
      await page.goto(`${collector.origin}/inspector#/${name}`);
      await page.locator(`[data-view="${name}"] .view > *`).waitFor();
      await noMarkup();
    }
    for (const seq of seqs) {
      await page.goto(`${collector.origin}/inspector#/events/${seq}`);
      await page
        .getByRole("complementary", { name: `Event #${seq}`, exact: true })
        .waitFor();
      await noMarkup();
      const copy = page.getByRole("button", { name: /curl/ });
      if ((await copy.count()) === 0) continue;
      await copy.click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      // one command, in ASCII
      assert.match(await clipboard(page), /^curl '[\x20-\x7e\n]*'$/);
    }
    assertNoErrors();
  });

  /**
   * Sends `count` orders, `o-1` first.
   *
   * @param {Collector} collector
   * @param {number} count
   */
  const many = async (collector, count, from = 1) => {
    for (let first = from; first < from + count; first += 500) {
      const length = Math.min(500, from + count - first);
      const orders = Array.from({ length }, (_, i) =>
        orderEvent(`o-${first + i}`),
      );
      await assertAccepted(collector.sendBatch(orders));
    }
  };

  test("only visible rows of 10,000 events are rendered, and each can be reached", async (t) => {
    const collector = await startCollector(t);
    await many(collector, 10_000);
    const { page } = await openInspector(t, collector);
    await rowOf(page, "o-10000").waitFor();
    const rows = () => page.locator(".row.event").count();
    assert.ok((await rows()) < 100, `${await rows()} rows`);

    await page.locator(".scroller").evaluate((scroller) => {
      scroller.scrollTop = scroller.scrollHeight;
    });
    await rowOf(page, "o-1").waitFor();
    assert.ok((await rows()) < 100, `${await rows()} rows`);
    assert.equal(await rowOf(page, "o-10000").count(), 0);
    // assistive technology knows the size of the table
    assert.equal(
      await rowOf(page, "o-1").getAttribute("aria-rowindex"),
      "10001",
    );

    await rowOf(page, "o-1").focus();
    // the focus outlives a row that is scrolled away
    await page.locator(".scroller").evaluate((scroller) => {
      scroller.scrollTop = 0;
    });
    await rowOf(page, "o-10000").waitFor();
    assert.equal(await focusedId(page), "o-1");
    await page.keyboard.press("Home");
    await rowOf(page, "o-10000").waitFor();
    await page.keyboard.press("End");
    await waitForFocus(page, "o-1");
    await page.fill("[type=search]", "o-4711");
    await rowOf(page, "o-4711").waitFor();
    assert.equal(await rows(), 1);
  });

  test("events beyond the newest 10,000 are loaded on demand", async (t) => {
    const collector = await startCollector(t);
    await many(collector, 10_020);
    const { page } = await openInspector(t, collector);
    await rowOf(page, "o-10020").waitFor();
    await rowOf(page, "o-10020").focus();
    await page.keyboard.press("End");
    await rowOf(page, "o-21").waitFor();
    await page.getByRole("button", { name: /Load up to/ }).click();
    await page.getByText("Older events are not listed").waitFor({
      state: "detached",
    });
    // the visible rows stay, and the older ones follow
    await rowOf(page, "o-21").focus();
    await page.keyboard.press("End");
    await rowOf(page, "o-1").waitFor();
    assert.equal(await rowOf(page, "o-1").count(), 1);
  });

  test("new events do not move what is being read", async (t) => {
    const collector = await startCollector(t);
    await many(collector, 200);
    const { page } = await openInspector(t, collector);
    await rowOf(page, "o-200").waitFor();
    await page.locator(".scroller").evaluate((scroller) => {
      scroller.scrollTop = 1500;
    });
    await page.waitForFunction(
      () => document.querySelectorAll('[data-event-id="o-200"]').length === 0,
    );
    const before = await firstVisible(page);
    await many(collector, 30, 201);
    const button = page.getByRole("button", { name: /30 new/ });
    await button.waitFor();
    assert.deepEqual(await firstVisible(page), before);
    await button.click();
    await rowOf(page, "o-230").waitFor();
    assert.equal((await firstVisible(page)).seq, 230);

    // at the very top the list follows the newest event, until one is open
    await many(collector, 1, 231);
    await page.waitForFunction(
      () => document.querySelector('[data-event-id="o-231"]') !== null,
    );
    assert.equal((await firstVisible(page)).seq, 231);
    await rowOf(page, "o-231").click();
    await page.getByRole("complementary").waitFor();
    await many(collector, 5, 232);
    await page.getByRole("button", { name: /5 new/ }).waitFor();
    assert.equal((await firstVisible(page)).seq, 231);
  });

  test("search, list and details work with the keyboard alone", async (t) => {
    const collector = await startCollector(t);
    await many(collector, 50);
    const { page } = await openInspector(t, collector);
    await rowOf(page, "o-50").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("order_created");
    assert.equal(await page.inputValue("[type=search]"), "order_created");
    // from the search to the first row
    for (let i = 0; i < 30 && !(await focusedId(page)); i += 1)
      await page.keyboard.press("Tab");
    assert.equal(await focusedId(page), "o-50");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    assert.equal(await focusedId(page), "o-48");
    assert.notEqual(
      await page.evaluate(
        () =>
          document.activeElement &&
          getComputedStyle(document.activeElement).outlineStyle,
      ),
      "none",
    );
    await page.keyboard.press("Enter");
    await page.getByRole("complementary", { name: "Event #48" }).waitFor();
    await page.keyboard.press("ArrowUp");
    await page.getByRole("complementary", { name: "Event #49" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("complementary").waitFor({ state: "detached" });
    await waitForFocus(page, "o-49");
    await page.keyboard.press("PageDown");
    await page.keyboard.press("End");
    await waitForFocus(page, "o-1");
  });

  test("filters combine, and an export has the events that are shown", async (t) => {
    const collector = await startCollector(t);
    await assertAccepted(
      collector.sendBatch([orderEvent("A")], { pixel: "ONE" }),
    );
    await assertAccepted(
      collector.sendBatch([orderEvent("B")], { pixel: "TWO" }),
    );
    await assertAccepted(
      collector.sendBatch([orderEvent("B")], { pixel: "TWO" }),
    );
    await assertAccepted(
      collector.sendFromServer([serverOrderEvent("C")], { pixel: "TWO" }),
    );
    const { page } = await openInspector(t, collector);
    await rowOf(page, "C").waitFor();
    const ids = () =>
      page
        .locator(".row.event")
        .evaluateAll((rows) =>
          rows.map((row) => row.getAttribute("data-event-id")),
        );
    /**
     * @param {string} label of a filter
     * @param {string} value
     */
    const after = async (label, value) => {
      await page.getByLabel(label, { exact: true }).selectOption(value);
      return ids();
    };
    assert.deepEqual(await after("Pixel", "TWO"), ["C", "B", "B"]);
    assert.deepEqual(await after("Verdict", "counted"), ["C", "B"]);
    assert.deepEqual(await after("Sent by", "server"), ["C"]);

    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export 1 event" }).click();
    const saved = JSON.parse(
      await readFile(await (await download).path(), "utf8"),
    );
    const [newest] = await collector.entries();
    assert.deepEqual(saved, { events: [newest] });

    await page.fill("[type=search]", "nothing has this");
    await page.getByRole("button", { name: "Show all events" }).click();
    assert.equal((await ids()).length, 4);
  });

  test("the URL keeps search and filters", async (t) => {
    const collector = await startCollector(t);
    /**
     * @param {string} id
     * @param {number} amount
     */
    const priced = (id, amount) =>
      orderEvent(id, { data: { type: "contents", amount, currency: "EUR" } });
    await assertAccepted(
      collector.sendBatch([priced("A", 1498), priced("B", 1499)]),
    );
    await assertAccepted(collector.sendBatch([priced("A", 1498)]));
    const { page } = await openInspector(t, collector);
    await rowOf(page, "B").waitFor();
    await page.fill("[type=search]", "14,98");
    await page.getByLabel("Verdict", { exact: true }).selectOption("duplicate");
    await page.getByRole("button", { name: "Export 1 event" }).waitFor();
    await page.waitForURL(/#\/events\?search=14%2C98&verdict=duplicate$/);

    const { page: colleague } = await openInspector(
      t,
      collector,
      new URL(page.url()).hash,
    );
    await rowOf(colleague, "A").waitFor();
    assert.equal(await colleague.locator(".row.event").count(), 1);
    assert.equal(await colleague.inputValue("[type=search]"), "14,98");
    // other views and events keep them
    await openView(colleague, "Timeline");
    await colleague.waitForURL(/#\/timeline\?search=14%2C98/);
    await rowOf(colleague, "A").getByRole("link", { name: "#1" }).click();
    await colleague.getByRole("complementary", { name: "Event #1" }).waitFor();
    await colleague.waitForURL(/#\/timeline\/1\?search=14%2C98/);
    await colleague.getByRole("button", { name: "Close details" }).click();
    await colleague.goBack();
    await colleague.waitForURL(/#\/timeline\?|#\/events\?/);
    assert.equal(await colleague.inputValue("[type=search]"), "14,98");
  });

  test("a test that starts now leaves earlier events out", async (t) => {
    const collector = await startCollector(t);
    await collector.sendBatch([
      orderEvent("bad", {
        data: { type: "contents", amount: 14.98, currency: "EUR" },
      }),
    ]);
    const { page } = await openInspector(t, collector, "#/checklist");
    const amounts = (/** @type {string} */ state) =>
      page.locator(`[data-check="amounts"][data-state="${state}"]`).waitFor();
    await amounts("fail");
    await page
      .getByText("Checks all events since the last clear: 1 event")
      .waitFor();
    await page.getByRole("button", { name: "Test starts here" }).click();
    await amounts("pending");
    await assertAccepted(collector.sendBatch([orderEvent("good")]));
    await amounts("pass");
    await page
      .getByText("Checks the 1 event that arrived since “Test starts here”")
      .waitFor();
    // it survives a reload, and applies to the other views
    await page.waitForURL(/since=1/);
    await page.reload();
    await amounts("pass");
    await openView(page, "Events");
    await rowOf(page, "good").waitFor();
    assert.equal(await rowOf(page, "bad").count(), 0);
    await openView(page, "Launch check");
    await page.getByRole("button", { name: "Check all events" }).click();
    await amounts("fail");
  });

  test("the details of a rejected call show its page and how to see its value", async (t) => {
    const collector = await startCollector(t);
    await assertAccepted(
      collector.sendBatch([orderEvent("A"), rejectionDiagnostic()]),
    );
    const { page } = await openInspector(t, collector);
    const row = page.locator('.row[data-event-type="oai::diagnostic"]');
    await row.getByText("1 call rejected on /thanks after init").waitFor();
    await row.click();
    const details = page.getByRole("complementary");
    await details.waitFor();
    const text = await textOf(details);
    for (const part of [
      /1 call of order_created was rejected: data\.amount must be a whole number/,
      /Pagehttps:\/\/shop\.example\.test\/thanks/,
      /A diagnostic reports how many calls were rejected.*neither the value/,
      /open https:\/\/shop\.example\.test\/thanks\?oaiq_debug=1/,
    ])
      assert.match(text, part);
    await page.getByRole("button", { name: "Copy this URL" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(
      await clipboard(page),
      "https://shop.example.test/thanks?oaiq_debug=1",
    );
  });

  test("two snippets on one page are shown at the page and at the event", async (t) => {
    const collector = await startCollector(t);
    const viewed = (/** @type {string} */ id) =>
      orderEvent(id, { type: "page_viewed", data: { type: "contents" } });
    await assertAccepted(collector.sendBatch([viewed("1"), viewed("2")]));
    const { page } = await openInspector(t, collector, "#/timeline");
    await page
      .locator("[data-page]")
      .getByText("page_viewed was sent twice")
      .waitFor();
    await rowOf(page, "2").getByText("measured twice").click();
    await page.locator('[data-remark="twice"]').getByText("#1").waitFor();
    assert.equal(await page.locator('[data-remark="twice"]').count(), 1);
  });

  test("a second session and a second ad click are rows of the timeline", async (t) => {
    const collector = await startCollector(t);
    const earlier = orderEvent("A", {
      timestamp_ms: Date.now() - 3 * 86_400_000,
    });
    await assertAccepted(collector.sendBatch([earlier], { oppref: "click-1" }));
    await assertAccepted(
      collector.sendBatch([orderEvent("B")], { oppref: "click-2" }),
    );
    const { page } = await openInspector(t, collector, "#/timeline");
    const texts = async (/** @type {string} */ kind) => {
      await page.locator(`.row.${kind}`).first().waitFor();
      return page.locator(`.row.${kind}`).allTextContents();
    };
    assert.match(
      (await texts("pause-row")).join(),
      /^\w+, .*20\d\dnew session, 3 days later$/,
    );
    assert.deepEqual(await texts("click-row"), [
      "Ad click click-2 from here on, after click-1",
    ]);
    assert.match(
      (await texts("visit")).join(),
      /2 ad clicks: click-1, then click-2/,
    );
    assert.match(await textOf(rowOf(page, "A")), /click click-1/);
    assert.match(await textOf(rowOf(page, "B")), /click click-2/);
  });

  test("dates, timeline heads and check states are not cut", async (t) => {
    const collector = await startCollector(t);
    await assertAccepted(
      collector.sendBatch(
        [
          orderEvent("A", { timestamp_ms: Date.now() - 3 * 86_400_000 }),
          orderEvent("jane@example.com"),
        ],
        { oppref: "click-1" },
      ),
    );
    const { page } = await openInspector(t, collector, "#/timeline", {
      width: 1440,
      height: 900,
    });
    await rowOf(page, "A").waitFor();
    const isWhole = async (/** @type {string} */ selector) => {
      const element = page.locator(selector).first();
      const { scrollWidth, clientWidth, text } = await element.evaluate(
        (node) => ({
          scrollWidth: node.scrollWidth,
          clientWidth: node.clientWidth,
          text: node.textContent,
        }),
      );
      assert.ok(
        clientWidth > 0 && scrollWidth <= clientWidth,
        `${text} is cut: ${scrollWidth} > ${clientWidth}`,
      );
    };
    await isWhole('[data-event-id="A"] .time');
    await page.setViewportSize({ width: 390, height: 844 });
    await page.locator(".list.narrow").waitFor();
    for (const part of ["who", "what"]) await isWhole(`.row.visit .${part}`);
    await isWhole('[data-event-id="A"] .time');
    // they do not overlap
    const [who, time] = await Promise.all(
      [".row.visit .who strong", ".row.visit time"].map((selector) =>
        page.locator(selector).first().boundingBox(),
      ),
    );
    assert.ok(who && time);
    assert.ok(who.x + who.width < time.x);

    await openView(page, "Launch check");
    await page.locator('[data-check="personal"]').waitFor();
    const edges = await page
      .locator(".check-item .state-word")
      .evaluateAll((words) =>
        words.map((word) => {
          const item = word.closest("li");
          if (!item) throw new Error("the word is in no list item");
          const { right, top } = word.getBoundingClientRect();
          const below = top - item.getBoundingClientRect().top;
          return [Math.round(right), Math.round(below)].join();
        }),
      );
    assert.equal(edges.length, 12);
    // the first item has no line above it
    assert.ok(new Set(edges).size <= 2, edges.join(" "));
  });

  test("a pause keeps what is shown, and clearing asks first", async (t) => {
    const collector = await startCollector(t);
    await assertAccepted(collector.sendBatch([orderEvent("A")]));
    const { page } = await openInspector(t, collector);
    await rowOf(page, "A").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await assertAccepted(collector.sendBatch([orderEvent("B")]));
    const resume = page.getByRole("button", { name: "Resume (1 new)" });
    await resume.waitFor();
    assert.equal(await rowOf(page, "B").count(), 0);
    await resume.click();
    await rowOf(page, "B").waitFor();

    await page.getByRole("button", { name: "Clear…" }).click();
    await page.getByRole("button", { name: "Keep them" }).click();
    assert.equal((await collector.entries()).length, 2);
    await page.getByRole("button", { name: "Clear…" }).click();
    await page.getByRole("button", { name: "Clear", exact: true }).click();
    await page.getByText("No events yet").waitFor();
    assert.deepEqual(await collector.entries(), []);
  });

  test("on a phone nothing is cut off, and details cover the screen", async (t) => {
    const collector = await startCollector(t);
    await assertAccepted(
      collector.sendBatch([
        orderEvent("A"),
        orderEvent("a-very-long-id-".repeat(9)),
      ]),
    );
    await assertAccepted(collector.sendFromServer([serverOrderEvent("B")]));
    const { page } = await openInspector(t, collector, "", {
      width: 390,
      height: 844,
    });
    // on a busy machine the layout follows later
    const fits = () =>
      page.waitForFunction(
        () => document.documentElement.scrollWidth <= innerWidth,
      );
    await rowOf(page, "A").click();
    const details = page.getByRole("complementary");
    await details.waitFor();
    await page.waitForFunction(() => {
      const box = document
        .querySelector("[role=complementary], aside")
        ?.getBoundingClientRect();
      return box?.x === 0 && box.width === 390 && box.height === 844;
    });
    await page.getByRole("button", { name: "Close details" }).click();
    await details.waitFor({ state: "detached" });
    for (const name of ["Timeline", "Conversions", "Launch check", "Events"]) {
      await openView(page, name);
      await page
        .locator(
          `[data-view="${name.split(" ")[0].toLowerCase()}"], [data-view="checklist"]`,
        )
        .first()
        .waitFor();
      await fits();
    }
  });
});
