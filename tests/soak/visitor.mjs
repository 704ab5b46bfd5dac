// A visitor who measures things and leaves pages in all the ways there are, and the account of what became of them.
import { setTimeout as pause } from "node:timers/promises";
import { order, PIXEL } from "../browser/site.mjs";
import { briefly } from "./network.mjs";

/** Whoever is not done by then never will be. */
const PATIENCE_MS = 90_000;
/** What has been called so shortly before a crash may be lost. */
const UNSURE_MS = 150;
/** What was answered so shortly before its page ended may have been under way. */
const UNDER_WAY_MS = 100;
/** A page that was answered so shortly before may not know of it yet. */
const HEARING_MS = 250;

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

/** Looks for what another page has left, or this one has not delivered. */
const BOXES = `Object.entries(localStorage).filter(([key]) => key.startsWith("oaiq_outbox")).map(([key, text]) => key + " " + text.slice(0, 2000))`;

export class Visitor {
  /** What was measured: `{id, page, at, sure}`. */
  events = [];
  #log = [];
  #begun = Date.now();
  #page;

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
    this.#page.on("crash", () => this.log("crashed"));
    this.#page.on("pageerror", (error) => this.log(`fault: ${error}`));
    this.#page.on("console", (message) => {
      const text = message.text();
      if (text.startsWith("[oaiq]")) this.log(text);
    });
    this.log("opens a tab");
    await this.goes(kind, until);
  }

  async goes(kind = "script", until = "load") {
    this.#ends("goes on");
    await this.#comes(() =>
      this.#page.goto(this.network.url(this.name, kind), { waitUntil: until }),
    );
  }

  async reloads(until = "load") {
    this.#ends("reloads");
    await this.#comes(() => this.#page.reload({ waitUntil: until }));
  }

  /** Sees the browser's own page as long as it is offline. */
  async #comes(go) {
    for (;;)
      try {
        await go();
        break;
      } catch (error) {
        if (!/ERR_INTERNET_DISCONNECTED/.test(error)) throw error;
        this.log("is shown that there is no network");
        await pause(300);
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
    if (!this.line.ended.has(this.here))
      this.line.ended.set(this.here, Date.now());
  }

  async untilScript() {
    await this.#page.waitForFunction("window.oaiq?.loaded");
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
    const text = named.map(([, call]) => call).join("\n");
    if (leaving) {
      this.#ends("goes on in the same breath");
      const before = this.here;
      const next = this.network.url(this.name, "script");
      const shown = this.#page.waitForEvent("load");
      await this.#page.evaluate(`${text} location.href = "${next}";`);
      await shown;
      // the browser was offline
      if (this.here === before) await this.goes();
    } else await this.#page.evaluate(text);
    for (const [event] of named) event.at = Date.now();
  }

  stays(ms) {
    return pause(ms);
  }

  /** Offline, as the browser itself knows it. */
  async setOffline(offline) {
    this.log(offline ? "offline" : "online");
    for (let tries = 0; ; tries += 1)
      try {
        return await this.context.setOffline(offline);
      } catch (error) {
        // a tab that is just ending cannot be told
        if (tries === 50) throw error;
        await pause(100);
      }
  }

  #missing() {
    const { arrivals } = this.line;
    return this.events.filter(({ id, sure }) => sure && !arrivals.has(id));
  }

  /** On the last page, over a line that is up: stays until the outbox is empty and all is there, or never will be. */
  async settles() {
    this.log("stays until all is there");
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
   * What became of all that was measured. Lost without anybody having been able to know is what a page gave to the
   * browser as it was left, if that never arrived and the last request that the page knows of had.
   */
  account() {
    const { arrivals, requests, ended } = this.line;
    const account = {
      measured: 0,
      delivered: 0,
      twice: 0,
      underWay: 0,
      doubted: 0,
      unexplained: [],
      unknowable: 0,
      lost: [],
      boxes: this.boxes ?? [],
    };
    for (const { id, sure } of this.events) {
      if (!sure) continue;
      account.measured += 1;
      const came = arrivals.get(id) ?? [];
      account.delivered += came.length > 0;
      if (!came.length) {
        if (wasLeftUnknowing(requests, id)) account.unknowable += 1;
        else account.lost.push(id);
      }
      if (came.length < 2) continue;
      account.twice += 1;
      const why = came
        .slice(0, -1)
        .map((request) => underWay(request, ended.get(request.page)));
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
    return this.context.close();
  }
}

/** A request that had arrived, but whose page ended before it could know: the kind of request, or nothing. */
const underWay = ({ beacon, answered }, end) => {
  // nobody hears what becomes of a beacon
  if (beacon) return "beacon";
  return end && !(answered < end - UNDER_WAY_MS) ? "fetch" : undefined;
};

/** Was a beacon with that event destroyed, while all that its page had heard of had arrived? */
const wasLeftUnknowing = (requests, id) =>
  requests.some(({ page, beacon, destroyed, carried, at }) => {
    if (!beacon || !destroyed || !carried.includes(id)) return false;
    const end = (request) => request.destroyed ?? request.answered;
    const heard = requests
      .filter((other) => other.page === page && !other.beacon)
      .filter((other) => end(other) < at - HEARING_MS)
      .sort((one, other) => end(one) - end(other));
    return !heard.at(-1)?.destroyed;
  });
