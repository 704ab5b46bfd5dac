// oaiq.views.min.js: measures page_viewed when the page is loaded, and on each route of a single-page app.

import { on, setTimer, tryOr } from "../pixel/safe-builtins.js";

/** How long to wait for a route's title, in milliseconds. */
const TITLE_MS = 1000;

const { apply } = Reflect;

/** @type {import("../types/internal.js").StartIntegration} */
const start = (option) => {
  const text = `${option}`;
  /** Of two pages, the addresses differ. */
  const address = () =>
    location.pathname +
    (/query/.test(text) ? location.search : "") +
    (/fragment/.test(text) ? location.hash : "");

  /**
   * The address that was measured last.
   *
   * @type {string | undefined}
   */
  let measured;
  /** The number of the route that waits for its title; 0 if none does. */
  let pending = 0;
  let routes = 0;

  const measure = () => {
    pending = 0;
    const here = address();
    if (here === measured) return;
    measured = here;
    window.oaiq("measure", "page_viewed", { type: "contents" });
  };
  const measurePending = () => pending && tryOr(measure);

  const onRoute = () => {
    if (address() === measured) return;
    const route = (pending = routes += 1);
    const { title } = document;
    const end = () => {
      observer?.disconnect();
      if (route === pending) tryOr(measure);
    };
    const observer = tryOr(() => {
      const titles = new MutationObserver(() => {
        if (document.title !== title) end();
      });
      titles.observe(document.head, {
        characterData: true,
        childList: true,
        subtree: true,
      });
      return titles;
    });
    if (!setTimer(end, TITLE_MS)) end();
  };

  tryOr(measure);
  on(window, "pageshow", ({ persisted }) => {
    if (!persisted) return;
    measured = undefined;
    tryOr(measure);
  });
  // while capturing, so before the script's own listener, which sends what is queued
  tryOr(() => window.addEventListener("pagehide", measurePending, true));

  const { navigation } = window;
  if (navigation) {
    on(navigation, "navigate", ({ navigationType }) => {
      // a redirect within the app replaces a page that the visitor has not seen
      if (navigationType !== "replace") measurePending();
    });
    on(navigation, "currententrychange", () => tryOr(onRoute));
    return;
  }
  /** @param {"pushState" | "replaceState"} name */
  const follow = (name) => {
    const original = history[name];
    history[name] = function () {
      if (name === "pushState") measurePending();
      apply(original, this, arguments);
      tryOr(onRoute);
    };
  };
  tryOr(() => follow("pushState"));
  tryOr(() => follow("replaceState"));
  on(window, "popstate", () => tryOr(onRoute));
};

tryOr(() => window.oaiq.__views(start));
