// Deletes what the pixel has stored on this origin, for oaiq("forget").

import { attempt, later, warn } from "../pixel/safe-builtins.js";

const COOKIES = [
  "__oppref",
  "__obref",
  "__oaiq_consent",
  "__oaiq_domain_probe",
];
/** Begins the name of each key and each cache. */
const PREFIX = "oaiq_";
/** What earlier versions wrote into the name of a tab's window. */
const WINDOW_NAME = "oaiq_debug=1";

/** A worker may still be at a request for 8 s (www/pixel/keepalive-worker.worker.js), and note that it has arrived. So what comes late is deleted too. */
const LATE = 10_000;

/** Browsers refuse a domain that the page may not write for. */
const eraseCookies = () => {
  const labels = location.hostname.split(".");
  const domains = labels.map((_, i) => `; Domain=${labels.slice(i).join(".")}`);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  for (const name of COOKIES)
    for (const domain of ["", ...domains])
      document.cookie = `${name}=; Path=/; Max-Age=0; SameSite=Lax${domain}${secure}`;
};

const keysOf = (store) => {
  const keys = [];
  for (let i = 0; i < store.length; i += 1) keys.push(store.key(i));
  return keys.filter((key) => key.startsWith(PREFIX));
};

const eraseStore = (store) => {
  for (const key of keysOf(store)) store.removeItem(key);
};

const eraseCaches = async () => {
  for (const key of await caches.keys())
    if (key.startsWith(PREFIX)) await caches.delete(key);
};

/** The names of what could not be deleted. */
const left = () => [
  ...COOKIES.filter((name) =>
    attempt(() => `; ${document.cookie}`.includes(`; ${name}=`)),
  ),
  ...attempt(() => keysOf(localStorage), []),
  ...attempt(() => keysOf(sessionStorage), []),
];

const erase = () => {
  attempt(eraseCookies);
  attempt(() => eraseStore(localStorage));
  attempt(() => eraseStore(sessionStorage));
  // there are none on plain http
  attempt(() => eraseCaches().catch(() => {}));
  attempt(() => {
    if (window.name === WINDOW_NAME) window.name = "";
  });
};

export const forget = () => {
  erase();
  const names = left().join(", ");
  if (names)
    warn(
      `oaiq("forget") could not delete ${names}: delete them yourself, or on the server`,
    );
  later(erase, LATE);
};
