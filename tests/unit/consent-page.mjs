// A page for the consent file (www/consent/entry.js) without a browser: its clock is set by hand, and its data layer, consent
// managers and calls are those of the test.

let start;
let page;

/** What the files take from the page as they are loaded goes to the page of the moment. */
globalThis.window = {
  Date: { now: () => page.time },
  setTimeout: (work, ms = 0) => page.later(work, ms),
  addEventListener: (...args) => page.listen(...args),
  get dataLayer() {
    return page.dataLayer;
  },
  set dataLayer(layer) {
    page.dataLayer = layer;
  },
  get __tcfapi() {
    return page.tcf;
  },
  get __gpp() {
    return page.gpp;
  },
  get oaiq() {
    return page.oaiq;
  },
};
globalThis.document = {
  get readyState() {
    return page.readyState;
  },
  addEventListener: (...args) => page.listen(...args),
};
globalThis.location = { search: "", href: "https://shop.example.test/" };

/** An argument as `gtag` pushes it. */
export const gtag = function () {
  return arguments;
};

export class Page {
  time = 0;
  readyState = "loading";
  dataLayer = undefined;
  tcf = undefined;
  gpp = undefined;
  /** The calls that the module has been given, as the texts of their arguments. */
  module = [];
  #timers = [];
  #listeners = [];
  #held = [];
  #gate = (call) => this.#held.push(call);

  constructor(config, attributes) {
    this.config = config;
    this.attributes = attributes;
  }

  /** The page of the test from now on. */
  static async opens(config, attributes = {}) {
    page = new Page(config, attributes);
    page.oaiq = {
      config,
      __consent: (given) => {
        start = given;
      },
    };
    await import("../../www/consent/entry.js");
    return page;
  }

  /** The consent file has come. */
  loads() {
    const element = { getAttribute: (name) => this.attributes[name] ?? null };
    const use = (gate) => {
      this.#gate = gate;
      const calls = this.#held;
      this.#held = [];
      calls.forEach((call) => gate(call));
    };
    const pass = ({ parts }) => this.module.push(parts.join(" "));
    start(false, element, use, pass, "", () => {});
    this.told = this.oaiq.consentState;
  }

  calls(...parts) {
    this.#gate({ head: "[1", parts: parts.map((it) => JSON.stringify(it)) });
  }

  measures(name) {
    this.calls("measure", name);
  }

  /** The events that the module has been given. */
  get measured() {
    return this.module
      .filter((call) => call.startsWith('"measure'))
      .map((call) => JSON.parse(call.split(" ")[1]));
  }

  later(work, ms) {
    this.#timers.push({ at: this.time + ms, work });
    return this.#timers.length;
  }

  listen(type, work) {
    this.#listeners.push({ type, work });
  }

  happens(type, event = {}) {
    for (const it of this.#listeners) if (it.type === type) it.work(event);
  }

  /** The parser has come to the end of the page. */
  isParsed() {
    this.readyState = "interactive";
    this.happens("readystatechange");
  }

  /** Lets that much time go by. Without it, the tasks that are due now. */
  passes(ms = 0) {
    const end = this.time + ms;
    for (;;) {
      const next = this.#timers
        .filter(({ at }) => at <= end)
        .sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.work();
    }
    this.time = end;
  }
}
