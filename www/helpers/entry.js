// oaiq.helpers.mjs: what a site's own code needs around its calls and requests. It contains no pixel, and does nothing when it is
// imported, so servers can import it too. No function throws.

import { currencyCode, toMinorUnits } from "./money.js";

/** @typedef {import("../types/helpers.js").Ids} Ids */

const UUID_V4 =
  /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/**
 * @template T
 * @param {() => T} work
 * @returns {T | undefined}
 */
const tryOr = (work) => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

/** @type {typeof import("../types/helpers.js").minorUnits} */
export const minorUnits = (amount, currency) => {
  const code = currencyCode(currency);
  const minor = code && tryOr(() => toMinorUnits(amount, code));
  return typeof minor === "number" ? minor : undefined;
};

/** @type {typeof import("../types/helpers.js").eventId} */
export const eventId = () => {
  const bytes = new Uint8Array(36);
  // `crypto.randomUUID` exists in secure contexts only
  tryOr(() => crypto.getRandomValues(bytes));
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, (_, at) =>
    // where the page has broken one source, the other one remains
    ((bytes[at] ^ ((tryOr(Math.random) ?? 0) * 16)) & 15).toString(16),
  );
};

/**
 * The cookie that was created last of those with this name, as the pixel reads it.
 *
 * @param {string} name
 */
const cookie = (name) => {
  const [, ...found] = `; ${document.cookie}`.split(`; ${name}=`);
  const [value = ""] = found.pop()?.split(";") ?? [];
  return tryOr(() => decodeURIComponent(value)) ?? value;
};

/**
 * Whether the pixel may read cookies on this page. Before the pixel has loaded it is not known whether the page waits for an
 * answer.
 */
const hasConsent = () => {
  const { oaiq } = window;
  if (!oaiq?.loaded || oaiq.config?.off) return false;
  if (oaiq.consentState) return oaiq.consentState.state === "granted";
  // the pixel has requested the file that decides, which may not have arrived yet
  if ("__consent" in oaiq) return false;
  return (
    !document.cookie.includes("__oaiq_consent=false") &&
    tryOr(() => localStorage.getItem("oaiq_consent")) !== "false"
  );
};

/** @returns {Ids} */
const readIds = () => {
  if (!hasConsent()) return {};
  const oppref =
    new URLSearchParams(location.search).get("oppref") || cookie("__oppref");
  const obref = cookie("__obref");
  return {
    ...(oppref && { oppref }),
    ...(UUID_V4.test(obref) && { obref }),
  };
};

/** @type {typeof import("../types/helpers.js").ids} */
export const ids = () => tryOr(readIds) ?? {};

/**
 * @param {RequestInit | undefined} init
 * @returns {RequestInit}
 */
const addIds = (init) => {
  const headers = new Headers(init?.headers);
  for (const [id, value] of Object.entries(ids())) {
    const name = `x-oaiq-${id}`;
    // a header takes only some characters (https://fetch.spec.whatwg.org/#concept-header-value)
    if (!headers.has(name)) headers.set(name, encodeURIComponent(value));
  }
  return { ...init, headers };
};

/** @type {typeof import("../types/helpers.js").withIds} */
export const withIds = (init) => tryOr(() => addIds(init)) ?? init ?? {};
