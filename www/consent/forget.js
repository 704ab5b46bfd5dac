// Deletes everything that the pixel has stored on this origin, for oaiq("forget").

import { setTimer, tryOr, warn } from "../pixel/safe-builtins.js";

const COOKIES = [
  "__oppref",
  "__obref",
  "__oaiq_consent",
  "__oaiq_domain_probe",
];
/** Of the names of all storage keys and caches. */
const PREFIX = "oaiq_";
/** The `window.name` that earlier versions set. */
const WINDOW_NAME = "oaiq_debug=1";

/**
 * In milliseconds: the keepalive worker may leave a receipt up to 8 s later (www/keepalive/worker.js), so
 * everything is deleted once more after that.
 */
const AGAIN_MS = 10_000;

const deleteCookies = () => {
  const labels = location.hostname.split(".");
  // browsers ignore a domain that the page must not write for
  const domains = labels.map((_, i) => `; Domain=${labels.slice(i).join(".")}`);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  for (const name of COOKIES)
    for (const domain of ["", ...domains])
      document.cookie = `${name}=; Path=/; Max-Age=0; SameSite=Lax${domain}${secure}`;
};

/** @param {Storage} storage */
const keysIn = (storage) => {
  /** @type {string[]} */
  const keys = [];
  for (let i = 0; i < storage.length; i += 1)
    keys.push(/** @type {string} */ (storage.key(i)));
  return keys.filter((key) => key.startsWith(PREFIX));
};

/** @param {Storage} storage */
const clear = (storage) => {
  for (const key of keysIn(storage)) storage.removeItem(key);
};

const deleteCaches = async () => {
  for (const key of await caches.keys())
    if (key.startsWith(PREFIX)) await caches.delete(key);
};

/** The names of what could not be deleted. */
const remaining = () => [
  ...COOKIES.filter((name) =>
    tryOr(() => `; ${document.cookie}`.includes(`; ${name}=`)),
  ),
  ...tryOr(() => keysIn(localStorage), []),
  ...tryOr(() => keysIn(sessionStorage), []),
];

const deleteAll = () => {
  tryOr(deleteCookies);
  tryOr(() => clear(localStorage));
  tryOr(() => clear(sessionStorage));
  // plain http has no caches
  tryOr(() => deleteCaches().catch(() => {}));
  tryOr(() => {
    if (window.name === WINDOW_NAME) window.name = "";
  });
};

export const forget = () => {
  deleteAll();
  const names = remaining().join(", ");
  if (names)
    warn(
      `oaiq("forget") could not delete ${names}: delete them yourself, or on the server`,
    );
  setTimer(deleteAll, AGAIN_MS);
};
