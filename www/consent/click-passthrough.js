// The click reference on the way to the site's next page, in the address, while nothing may be stored: links and forms of
// the same origin carry it as they are used. The page's own address is left alone.

import { attempt, listen } from "../pixel/safe-builtins.js";

const NAME = "oppref";

const isOurs = (url) =>
  url.origin === location.origin && !url.searchParams.has(NAME);

/** An address with the click reference, or nothing where it has no business. */
const carrying = (address, click) => {
  const url = attempt(() => new URL(address, document.baseURI));
  if (!url || !isOurs(url)) return;
  // a place on this page is no other page
  if (url.hash && url.href.split("#")[0] === location.href.split("#")[0])
    return;
  url.searchParams.set(NAME, click);
  return url.href;
};

const linkOf = (event) =>
  event
    .composedPath()
    .find((it) => it instanceof Element && it.matches("a[href], area[href]"));

/** The browser goes on by what it finds right after the event. */
const forThisOnce = (element, name, value) => {
  const { getAttribute, setAttribute, removeAttribute } = Element.prototype;
  const before = getAttribute.call(element, name);
  setAttribute.call(element, name, value);
  setTimeout(() => {
    if (getAttribute.call(element, name) !== value) return;
    if (before === null) removeAttribute.call(element, name);
    else setAttribute.call(element, name, before);
  });
};

/** `isWanted` says whether the click is still to be carried. */
export const passClickOn = (click, isWanted) => {
  const onLink = (event) => {
    if (event.defaultPrevented || !isWanted()) return;
    const link = linkOf(event);
    if (!link || link.hasAttribute("download")) return;
    const href = link.getAttribute("href");
    const address = typeof href === "string" && carrying(href, click);
    if (address) forThisOnce(link, "href", address);
  };
  const onForm = (event) => {
    if (event.defaultPrevented || !isWanted()) return;
    const { target: form, submitter } = event;
    // a form's field may be called as one of its methods is
    const of = (element, name) =>
      element && Element.prototype.getAttribute.call(element, name);
    const hasOwn = of(submitter, "formaction") !== null && submitter;
    const [owner, name] = hasOwn ? [submitter, "formaction"] : [form, "action"];
    const address = carrying(of(owner, name) || location.href, click);
    const method = of(submitter, "formmethod") || of(form, "method") || "get";
    if (!address) return;
    if (/^post$/i.test(method)) forThisOnce(owner, name, address);
    else if (/^get$/i.test(method)) {
      // the fields of such a form replace the query of its address
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: NAME, value: click });
      Element.prototype.append.call(form, field);
      setTimeout(() => field.remove());
    }
  };
  // after the page's own listeners, which may keep the browser from going
  for (const type of ["click", "auxclick", "contextmenu"])
    listen(window, type, (event) => attempt(() => onLink(event)));
  listen(window, "submit", (event) => attempt(() => onForm(event)));
};
