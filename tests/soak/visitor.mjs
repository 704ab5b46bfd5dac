// A visitor who measures things and leaves pages in all the ways there are, and the account of what became of them.
import { setTimeout as pause } from "node:timers/promises";
import { closed } from "../e2e/support/browser.mjs";
import { order, PIXEL } from "../e2e/support/site.mjs";
import { briefly, HEARD_END } from "./network.mjs";

/** Whoever is not done by then never will be. */
const PATIENCE_MS = 90_000;
/** What has been called so shortly before a crash may be lost; on a busy machine little is done meanwhile. */
const UNSURE_MS = 300;
/** What was answered so shortly before its page ended may have been under way. */
const UNDER_WAY_MS = 100;

/** Why no page comes where there is no network. */
const NO_PAGE = /ERR_INTERNET_DISCONNECTED|interrupted by another navigation/;

const LOADED = "window.oaiq?.loaded === true";

const CALLS = {
  order,
  view: (id) =>
    `oaiq("measure", "page_viewed", { type: "contents" }, { event_id: "${id}" });`,
  custom: (id) =>
    `oaiq("measure", "custom", { type: "custom" }, { event_id: "${id}", custom_event_name: "soak" });`,
  single: (id) =>
    `oaiq("measureSingle", "${PIXEL}", "lead_created", { type: "customer_action" }, { event_id: "${id}" });`,
};
export const KINDS = Object.keys(CALLS);

/**
 * The pages that the browser has let hear of their end, which it does not where that takes half a second, and whether it said
 * then that it was online.
 */
const HEARD = `Object.entries(localStorage).filter(([key]) => key.startsWith("${HEARD_END}")).map(([key, online]) => [+key.slice(${HEARD_END.length}), online === "true"])`;

/** Looks for what another page has left, or this one has not delivered. */
const BOXES = `Object.entries(localStorage).filter(([key]) => key.startsWith("oaiq_outbox") && key !== "oaiq_outbox.no_courier").map(([key, text]) => key + " " + text.slice(0, 2000))`;

export class Visitor {
  /** What was measured: `{id, page, at, sure}`. */
  events = [];
  #log = [];
  #begun = Date.now();
  #page;
  #kind;
  #knowsOfFailure;
  /** Pages that ended while offline, and those of them whom the browser had not told. */
  #cutOff = new Set();
  #misled = new Set();

  static async arrives(network, browser, name) {
    const context = await browser.newContext();
    context.setDefaultTimeout(PATIENCE_MS);
    return new Visitor(network, context, name);
  }

  constructor(network, context, name) {
    this.network = network;
    this.context = context;
    this.name = name;
    this.line = network.line(name, (text) => this.log(text));
  }

  log(text) {
    const seconds = ((Date.now() - this.#begun) / 1000).toFixed(3);
    this.#log.push(`${seconds.padStart(8)} ${text}`);
  }

  /** The number of the page in front of the visitor. */
  get here() {
    return this.line.pages;
  }

  /** In a tab of its own. `until`: see Playwright. */
  async opens(kind = "script", until = "load") {
    this.#page = await this.context.newPage();
    this.#hears(this.#page);
    this.#page.on("crash", () => this.log("crashed"));
    this.#page.on("pageerror", (error) => this.log(`fault: ${error}`));
    this.#page.on("console", (message) => {
      const text = message.text();
      if (text.startsWith("[oaiq]")) this.log(text);
    });
    this.log("opens a tab");
    await this.goes(kind, until);
  }

  /** Follows what the pages of a tab hear of their requests to the endpoint. */
  #hears(page) {
    const open = new Set();
    let failed = false;
    const isFetch = (request) =>
      request.method() === "POST" && request.resourceType() !== "ping";
    page.on("request", (request) => {
      // a page begins with the best of hopes
      if (request.isNavigationRequest()) {
        open.clear();
        failed = false;
      }
      if (isFetch(request)) open.add(request);
    });
    // with its head a request is answered; for a body that nobody reads the browser may report a failure
    page.on("response", (response) => {
      if (open.delete(response.request())) failed = false;
    });
    page.on("requestfailed", (request) => {
      if (open.delete(request)) failed = true;
    });
    // one that failed is tried again at once, and only then is it clear
    this.#knowsOfFailure = () => failed && open.size === 0;
  }

  async goes(kind = "script", until = "load") {
    this.#ends("goes on");
    this.#kind = kind;
    await this.#comes(until);
  }

  async reloads(until = "load") {
    this.#ends("reloads");
    await this.#comes(until, () => this.#page.reload({ waitUntil: until }));
  }

  /** Sees the browser's own page as long as it is offline. */
  async #comes(
    until,
    go = () =>
      this.#page.goto(this.network.url(this.name, this.#kind), {
        waitUntil: until,
      }),
  ) {
    try {
      await go();
    } catch (error) {
      if (!NO_PAGE.test(error)) throw error;
      // the page that was asked for may have come for a moment
      this.#ends("is shown that there is no network");
      // the browser's page would try again by itself, at some time
      await this.#page.goto("about:blank").catch(() => {});
      do await pause(300);
      while (this.offline);
      await this.#comes(until);
    }
  }

  /** Tries to go on and sees the browser's own page, for want of a network. */
  async goesNowhere() {
    this.#ends("goes on, in vain");
    await this.#page
      .goto(this.network.url(this.name, "script"))
      .catch(() => {});
  }

  /** As a person closes it: the page is asked first. */
  async closes() {
    this.#ends("closes the tab");
    const closed = this.#page.waitForEvent("close");
    await this.#page.close({ runBeforeUnload: true });
    await closed;
  }

  async crashes() {
    const crashed = this.#page.waitForEvent("crash");
    const session = await this.context.newCDPSession(this.#page);
    this.#ends("lets it crash");
    const at = Date.now();
    for (const event of this.events)
      if (event.page === this.here && at - event.at < UNSURE_MS)
        event.sure = false;
    // it never answers
    session.send("Page.crash").catch(() => {});
    await crashed;
    await this.#page.close();
  }

  #ends(how) {
    this.log(how);
    // one that ends in vain has ended all the same
    if (this.line.ended.has(this.here)) return;
    this.line.ended.set(this.here, Date.now());
    if (this.#knowsOfFailure()) this.line.failing.add(this.here);
    if (this.offline) this.#cutOff.add(this.here);
  }

  /** Whether the pixel's script arrives. One that was asked for while offline does not. */
  async hasScript() {
    const loaded = await this.#page
      .waitForFunction(LOADED, null, { timeout: 5_000 })
      .then(Boolean, () => false);
    if (loaded)
      for (const event of this.events)
        if (event.page === this.here && !event.loaded)
          Object.assign(event, { at: Date.now(), loaded });
    return loaded;
  }

  #named(kind) {
    const id = `${this.name}.${this.events.length + 1}`;
    const event = { id, page: this.here, at: Date.now(), sure: true };
    this.events.push(event);
    return [event, CALLS[kind](id)];
  }

  /** So many calls in one go. `leaving`: the page's own script goes on right behind them. */
  async measures(kinds, leaving) {
    const named = kinds.map((kind) => this.#named(kind));
    this.log(`measures ${briefly(named.map(([{ id }]) => id))}`);
    const calls = named.map(([, call]) => call).join("\n");
    const kind = this.#kind;
    let loaded;
    if (leaving) {
      this.#ends("goes on in the same breath");
      this.#kind = "script";
      const next = `${this.network.url(this.name, "script")}?${this.here}`;
      loaded = await this.#page.evaluate(
        `${calls} location.href = "${next}"; ${LOADED}`,
      );
      const shown = await this.#page.waitForURL(next).then(
        () => true,
        (error) => {
          if (NO_PAGE.test(error)) return false;
          throw error;
        },
      );
      if (!shown) await this.goes();
    } else loaded = await this.#page.evaluate(`${calls} ${LOADED}`);
    // the script was asked for while offline, and only the snippet saves what waits for it
    const sure = loaded || kind === "snippet";
    if (!loaded) this.log("there is no script");
    for (const [event] of named)
      Object.assign(event, { at: Date.now(), sure, loaded });
  }

  stays(ms) {
    return pause(ms);
  }

  /** The same by the page's own clock: on a busy machine a page may get no turn for seconds. */
  livesOn(ms) {
    return this.#page.evaluate(`new Promise((go) => setTimeout(go, ${ms}))`);
  }

  /** Until the last event is in a request. */
  async untilSent() {
    const { id } = this.events.at(-1);
    const isSent = () =>
      this.line.requests.some(({ carried }) => carried.includes(id));
    const end = Date.now() + PATIENCE_MS;
    while (!isSent() && Date.now() < end) await pause(50);
  }

  /** Offline, as the browser itself knows it. */
  async setOffline(offline) {
    this.log(offline ? "offline" : "online");
    this.offline = offline;
    for (let tries = 0; ; tries += 1)
      try {
        return await this.context.setOffline(offline);
      } catch (error) {
        // a tab that is just ending cannot be told
        if (tries === 50) throw error;
        await pause(100);
      }
  }

  /** Until the page has been told so. */
  async knowsItIsOffline() {
    await this.#page.waitForFunction("!navigator.onLine");
  }

  #missing() {
    const { arrivals } = this.line;
    return this.events.filter(({ id, sure }) => sure && !arrivals.has(id));
  }

  /** On the last page, over a line that is up: stays until the outbox is empty and all is there, or never will be. */
  async settles() {
    this.log("stays until all is there");
    // the snippet keeps nothing before its page hears of its end
    const heard = new Map(await this.#page.evaluate(HEARD));
    for (const event of this.events)
      if (!event.loaded && !heard.has(event.page)) event.sure = false;
    for (const [page, online] of heard)
      if (online && this.#cutOff.has(page) && !this.line.failing.has(page))
        this.#misled.add(page);
    const end = Date.now() + PATIENCE_MS;
    let emptySince;
    while (Date.now() < end) {
      this.boxes = await this.#page.evaluate(BOXES);
      emptySince = this.boxes.length ? undefined : (emptySince ?? Date.now());
      // what has not come with an empty outbox was sent by a page that is gone, and is on its way or lost
      const enough = this.#missing().length ? 5_000 : 500;
      if (emptySince && Date.now() - emptySince > enough) break;
      await pause(100);
    }
    this.log(
      this.boxes.length ? "the outbox is never empty" : "the outbox is empty",
    );
  }

  /**
   * What became of all that was measured. `unknowable` is what a page gave to the browser as it was left, if that never
   * arrived and the page knew of no failure.
   */
  account() {
    const { arrivals, ended } = this.line;
    const account = {
      measured: 0,
      delivered: 0,
      twice: 0,
      underWay: 0,
      doubted: 0,
      held: 0,
      unexplained: [],
      unknowable: 0,
      lost: [],
      boxes: this.boxes ?? [],
    };
    for (const { id, page, sure } of this.events) {
      if (!sure) continue;
      account.measured += 1;
      const came = arrivals.get(id) ?? [];
      account.delivered += came.length > 0;
      if (!came.length) {
        if (this.#misled.has(page) || wasLeftUnknowing(this.line, id))
          account.unknowable += 1;
        else account.lost.push(id);
      }
      if (came.length < 2) continue;
      account.twice += 1;
      // a request of an earlier page may come later than the next page's
      const earlier = came
        .sort((one, it) => one.page - it.page || one.at - it.at)
        .slice(0, -1);
      if (earlier.every(({ held }) => held)) account.held += 1;
      const why = earlier.map((it) => underWay(it, ended.get(it.page)));
      if (why.every((it) => it === "fetch")) account.underWay += 1;
      else if (why.every(Boolean)) account.doubted += 1;
      else account.unexplained.push(id);
    }
    return account;
  }

  /** All that has happened, with times in seconds. */
  get story() {
    return this.#log.join("\n");
  }

  leaves() {
    return closed(this.context);
  }
}

/** A request that had arrived, but whose page ended before it could know: the kind of request, or nothing. */
const underWay = ({ beacon, answered }, end) => {
  // nobody hears what becomes of a beacon
  if (beacon) return "beacon";
  return end && !(answered < end - UNDER_WAY_MS) ? "fetch" : undefined;
};

/** Was a beacon with that event destroyed, while its page knew of no failure? */
const wasLeftUnknowing = ({ requests, failing }, id) =>
  requests.some(
    ({ page, beacon, destroyed, carried }) =>
      beacon && destroyed && carried.includes(id) && !failing.has(page),
  );
