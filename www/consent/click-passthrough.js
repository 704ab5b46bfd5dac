// Passes the click ID to the site's next page while nothing may be stored: links and forms of the same origin get it as a
// parameter at the moment the visitor uses them. The page's own URL does not change.

import { on, tryOr } from "../pixel/safe-builtins.js";

const PARAMETER = "oppref";

/**
 * Returns a URL with the click ID, or undefined if the URL must not have it.
 *
 * @param {string} address
 * @param {string} clickId
 */
const withClickId = (address, clickId) => {
  const url = tryOr(() => new URL(address, document.baseURI));
  if (!url || url.origin !== location.origin || url.searchParams.has(PARAMETER))
    return;
  // a fragment of this page is not another page
  if (url.hash && url.href.split("#")[0] === location.href.split("#")[0])
    return;
  url.searchParams.set(PARAMETER, clickId);
  return url.href;
};

/** @param {Event} event */
const linkOf = (event) =>
  /** @type {Element | undefined} */ (
    event
      .composedPath()
      .find((it) => it instanceof Element && it.matches("a[href], area[href]"))
  );

/**
 * Sets an attribute until the current task is over: the browser navigates right after the event.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
const setAttributeBriefly = (element, name, value) => {
  // the elements of a form may hide these methods behind a field of the same name
  const { getAttribute, setAttribute, removeAttribute } = Element.prototype;
  const before = getAttribute.call(element, name);
  setAttribute.call(element, name, value);
  setTimeout(() => {
    if (getAttribute.call(element, name) !== value) return;
    if (before === null) removeAttribute.call(element, name);
    else setAttribute.call(element, name, before);
  });
};

/**
 * @param {Element | null} element
 * @param {string} name
 */
const attributeOf = (element, name) =>
  element && Element.prototype.getAttribute.call(element, name);

/**
 * @param {string} clickId
 * @param {() => boolean} isActive
 */
export const forwardClickId = (clickId, isActive) => {
  /** @param {Event} event */
  const onLink = (event) => {
    if (event.defaultPrevented || !isActive()) return;
    const link = linkOf(event);
    if (!link || link.hasAttribute("download")) return;
    const href = link.getAttribute("href");
    const url = typeof href === "string" && withClickId(href, clickId);
    if (url) setAttributeBriefly(link, "href", url);
  };
  /** @param {SubmitEvent} event */
  const onForm = (event) => {
    if (event.defaultPrevented || !isActive()) return;
    const form = /** @type {HTMLFormElement} */ (event.target);
    const { submitter } = event;
    const overrides =
      submitter !== null && attributeOf(submitter, "formaction") !== null;
    const owner = overrides ? submitter : form;
    const name = overrides ? "formaction" : "action";
    const url = withClickId(attributeOf(owner, name) || location.href, clickId);
    if (!url) return;
    const method =
      attributeOf(submitter, "formmethod") ||
      attributeOf(form, "method") ||
      "get";
    if (/^post$/i.test(method)) setAttributeBriefly(owner, name, url);
    else if (/^get$/i.test(method)) {
      // the fields of such a form replace the query of its URL
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: PARAMETER, value: clickId });
      Element.prototype.append.call(form, field);
      setTimeout(() => field.remove());
    }
  };
  // on the window, so after the page's own listeners, which may prevent the navigation
  for (const type of ["click", "auxclick", "contextmenu"])
    on(window, type, (event) => tryOr(() => onLink(event)));
  on(window, "submit", (event) => tryOr(() => onForm(event)));
};
