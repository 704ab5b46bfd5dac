// A fake page for the consent file (www/consent/entry.js). A test moves its clock, and provides its data layer, consent managers
// and calls.

let start;
let page;

/** The modules read these once, when they load, so they delegate to the current page. */
globalThis.window = {
  Date: { now: () => page.time },
  setTimeout: (work, ms = 0) => page.setTimer(work, ms),
  addEventListener: (...args) => page.addListener(...args),
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
  addEventListener: (...args) => page.addListener(...args),
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
  /** The calls that the module has received, as their serialized arguments. */
  module = [];
  #timers = [];
  #listeners = [];
  #held = [];
  #gate = (call) => this.#held.push(call);

  constructor(config, attributes) {
    this.config = config;
    this.attributes = attributes;
  }

  /** Creates a page, which becomes the current one. */
  static async create(config, attributes = {}) {
    page = new Page(config, attributes);
    page.oaiq = {
      config,
      __consent: (entry) => {
        start = entry;
      },
    };
    await import("../../www/consent/entry.js");
    return page;
  }

  /** The consent file has loaded. */
  loadConsentFile() {
    const element = { getAttribute: (name) => this.attributes[name] ?? null };
    const setGate = (gate) => {
      this.#gate = gate;
      const calls = this.#held;
      this.#held = [];
      calls.forEach((call) => gate(call));
    };
    const forward = ({ parts }) => this.module.push(parts.join(" "));
    start(false, element, setGate, forward, "", () => {});
    this.consent = this.oaiq.consentState;
  }

  call(...parts) {
    this.#gate({ head: "[1", parts: parts.map((it) => JSON.stringify(it)) });
  }

  measure(name) {
    this.call("measure", name);
  }

  /** The names of the events that the module has received. */
  get measured() {
    return this.module
      .filter((call) => call.startsWith('"measure'))
      .map((call) => JSON.parse(call.split(" ")[1]));
  }

  setTimer(work, ms) {
    this.#timers.push({ at: this.time + ms, work });
    return this.#timers.length;
  }

  addListener(type, work) {
    this.#listeners.push({ type, work });
  }

  dispatch(type, event = {}) {
    for (const it of this.#listeners) if (it.type === type) it.work(event);
  }

  /** The HTML of the page has been parsed. */
  finishParsing() {
    this.readyState = "interactive";
    this.dispatch("readystatechange");
  }

  /** Advances the clock and runs the timers that are due. */
  advance(ms = 0) {
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
