// Tests www/views/entry.js with a fake page, with the Navigation API and without.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

/** @type {FakePage} */
let page;

/** The modules read these once, when they load, so they delegate to the current page. */
globalThis.window = /** @type {any} */ ({
  Date,
  setTimeout: (work, ms) => page.setTimer(work, ms),
  addEventListener: (...args) => page.addListener("window", ...args),
  get navigation() {
    return page.navigation;
  },
  get oaiq() {
    return page.oaiq;
  },
});
for (const name of ["document", "history", "location", "MutationObserver"])
  Object.defineProperty(globalThis, name, { get: () => page[name] });

/** A page whose clock a test moves. */
class FakePage {
  /** The paths, with query and fragment, at which a view was measured. */
  views = [];
  title = "Home";
  #url = new URL("https://shop.example.test/");
  #timers = [];
  #listeners = {};
  #titleObservers = new Set();

  constructor(hasNavigation) {
    this.navigation = hasNavigation
      ? {
          addEventListener: (...args) =>
            this.addListener("navigation", ...args),
        }
      : undefined;
    const dispatch = (...args) => this.dispatch(...args);
    const go = (type, url) => {
      const navigationType = type === "pushState" ? "push" : "replace";
      dispatch("navigation navigate", { navigationType });
      this.#url = new URL(url, this.#url);
      dispatch("navigation currententrychange", { navigationType });
    };
    this.history = {
      pushState: (_state, _title, url) => go("pushState", url),
      replaceState: (_state, _title, url) => go("replaceState", url),
    };
    const titleObservers = this.#titleObservers;
    this.MutationObserver = class {
      constructor(callback) {
        this.callback = callback;
      }
      observe() {
        titleObservers.add(this);
      }
      disconnect() {
        titleObservers.delete(this);
      }
    };
    const self = this;
    this.document = {
      head: {},
      get title() {
        return self.title;
      },
    };
  }

  get location() {
    return this.#url;
  }

  addListener(target, type, listener) {
    (this.#listeners[`${target} ${type}`] ??= []).push(listener);
  }

  dispatch(type, event) {
    for (const listener of this.#listeners[type] ?? []) listener(event);
  }

  setTimer(work, ms = 0) {
    this.#timers.push({ work, at: ms });
    return this.#timers.length;
  }

  /** Lets a second pass. */
  wait() {
    const timers = this.#timers;
    this.#timers = [];
    for (const { work } of timers) work();
  }

  setTitle(title) {
    this.title = title;
    for (const { callback } of [...this.#titleObservers]) callback();
  }

  /** The visitor goes back or forward. */
  traverse(url) {
    this.dispatch("navigation navigate", { navigationType: "traverse" });
    this.#url = new URL(url, this.#url);
    this.dispatch("navigation currententrychange", {
      navigationType: "traverse",
    });
    this.dispatch("window popstate", {});
  }

  get openObservers() {
    return this.#titleObservers.size;
  }
}

let start;
/** A page on which the file has been loaded with this option. */
const load = async (hasNavigation, option = "") => {
  page = new FakePage(hasNavigation);
  page.oaiq = Object.assign(
    (command, name, data) => {
      assert.deepEqual(
        [command, name, data],
        ["measure", "page_viewed", { type: "contents" }],
      );
      const { pathname, search, hash } = page.location;
      page.views.push(pathname + search + hash);
    },
    { __views: (entry) => (start = entry) },
  );
  await import("../../www/views/entry.js");
  start(option);
  return page;
};

for (const hasNavigation of [true, false])
  describe(`page views ${hasNavigation ? "with" : "without"} the Navigation API`, () => {
    test("the page is measured when it is loaded", async () => {
      const { views } = await load(hasNavigation);
      assert.deepEqual(views, ["/"]);
    });

    test("a route is measured once its title has changed", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/soap");
      assert.deepEqual(shop.views, ["/"]);
      shop.setTitle("Soap");
      assert.deepEqual(shop.views, ["/", "/soap"]);
      shop.wait();
      assert.deepEqual(shop.views, ["/", "/soap"]);
      assert.equal(shop.openObservers, 0);
    });

    test("a route that keeps the title is measured after a second", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/soap");
      shop.wait();
      assert.deepEqual(shop.views, ["/", "/soap"]);
      assert.equal(shop.openObservers, 0);
    });

    test("a route that is left before its title has changed is measured under its own address", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/soap");
      shop.history.pushState(null, "", "/cart");
      assert.deepEqual(shop.views, ["/", "/soap"]);
      shop.setTitle("Cart");
      shop.wait();
      assert.deepEqual(shop.views, ["/", "/soap", "/cart"]);
    });

    test("a redirect within the app is measured once, under the last address", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/account");
      shop.history.replaceState(null, "", "/login");
      shop.setTitle("Log in");
      shop.wait();
      assert.deepEqual(shop.views, ["/", "/login"]);
    });

    test("the same address is measured once, however often it is pushed", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/");
      shop.history.replaceState(null, "", "/");
      shop.history.pushState(null, "", "/soap");
      shop.history.pushState(null, "", "/soap");
      shop.wait();
      assert.deepEqual(shop.views, ["/", "/soap"]);
    });

    test("an address that the visitor comes back to is measured again", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/soap");
      shop.setTitle("Soap");
      shop.traverse("/");
      shop.setTitle("Home");
      assert.deepEqual(shop.views, ["/", "/soap", "/"]);
    });

    test("a change of query or fragment alone is not measured", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/?page=2");
      shop.history.pushState(null, "", "/?page=2#top");
      shop.wait();
      assert.deepEqual(shop.views, ["/"]);
    });

    test("a change of the query is measured with the option query", async () => {
      const shop = await load(hasNavigation, "query");
      shop.history.pushState(null, "", "/?page=2");
      shop.wait();
      shop.history.pushState(null, "", "/?page=2#top");
      shop.wait();
      assert.deepEqual(shop.views, ["/", "/?page=2"]);
    });

    test("a change of the fragment is measured with the option fragment", async () => {
      const shop = await load(hasNavigation, "query fragment");
      shop.history.pushState(null, "", "#/cart");
      shop.wait();
      shop.history.pushState(null, "", "?a=1#/cart");
      shop.wait();
      assert.deepEqual(shop.views, ["/", "/#/cart", "/?a=1#/cart"]);
    });

    test("a page that is left measures the route that waits for its title", async () => {
      const shop = await load(hasNavigation);
      shop.history.pushState(null, "", "/soap");
      shop.dispatch("window pagehide", {});
      assert.deepEqual(shop.views, ["/", "/soap"]);
    });

    test("a page that is restored from the back/forward cache is measured again", async () => {
      const shop = await load(hasNavigation);
      shop.dispatch("window pageshow", { persisted: false });
      assert.deepEqual(shop.views, ["/"]);
      shop.dispatch("window pageshow", { persisted: true });
      assert.deepEqual(shop.views, ["/", "/"]);
    });

    test("a page without timers and observers measures each route at once", async () => {
      const shop = await load(hasNavigation);
      shop.setTimer = () => {
        throw new Error("broken by the page");
      };
      shop.MutationObserver = undefined;
      shop.history.pushState(null, "", "/soap");
      assert.deepEqual(shop.views, ["/", "/soap"]);
    });
  });

test("an error of the browser's pushState reaches the page", async () => {
  page = new FakePage(false);
  const error = new Error("another origin");
  page.history.pushState = () => {
    throw error;
  };
  page.oaiq = Object.assign(() => {}, { __views: (entry) => (start = entry) });
  start("");
  assert.throws(
    () => page.history.pushState(null, "", "https://x.test"),
    error,
  );
});
