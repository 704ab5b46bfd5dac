// Reads the page's cookies, and sets and deletes them for the widest domain that the browser accepts.

import { escapeJson, unescapeJson } from "./serialize-call.js";
import { callEpoch } from "./wasm-bridge.js";
import { each, now, tryOr } from "./safe-builtins.js";

const PROBE = "__oaiq_domain_probe";
const PROBE_SECONDS = 60;
const DAY_SECONDS = 24 * 60 * 60;

/**
 * The domains that a cookie of this host may be set for, shortest first, starting with two labels; none for an IP address or
 * a host of one label. The browser may refuse some of them. "" comes last: a host-only cookie, which it never refuses.
 *
 * @param {string} host
 */
const candidateDomains = (host) => {
  /** @type {string[]} */
  const domains = [];
  let dot = /^[\d.]+$|]$/.test(host) ? -1 : host.lastIndexOf(".");
  while (dot > 0) {
    dot = host.lastIndexOf(".", dot - 1);
    domains[domains.length] = host.slice(dot + 1);
  }
  domains[domains.length] = "";
  return domains;
};

const domains = candidateDomains(location.hostname);

// Reading document.cookie is a round trip to another process, so the result is cached until someone may have written one.
/** @type {string} */
let cached;
/** @type {number | null | undefined} */
let cachedAt;
const cookies = () => {
  if (cachedAt !== callEpoch) {
    cached = `; ${document.cookie};`;
    cachedAt = callEpoch;
  }
  return cached;
};

/**
 * `Host::has_cookie` of src/host.rs.
 *
 * @param {number} _
 * @param {string} name
 * @param {string} value
 */
export const hasCookie = (_, name, value) =>
  +cookies().includes(
    `; ${name}=` + (value && encodeURIComponent(unescapeJson(value)) + ";"),
  );

/**
 * `Host::cookie`. Browsers list cookies in the order of their creation (RFC 6265, 5.4), and the newest one counts.
 *
 * @param {number} _
 * @param {string} name
 */
export const getCookie = (_, name) => {
  const start = `; ${name}=`;
  const at = cookies().lastIndexOf(start) + start.length;
  if (at < start.length) return "";
  const value = cached.slice(at, cached.indexOf(";", at));
  return escapeJson(tryOr(() => decodeURIComponent(value), value));
};

/**
 * @param {number} seconds
 * @param {string} name
 * @param {string} value
 * @param {string} domain
 */
const write = (seconds, name, value, domain) => {
  cachedAt = null;
  document.cookie =
    `${name}=${value}; Path=/; Max-Age=${seconds}; SameSite=Lax` +
    (domain && "; Domain=" + domain) +
    (location.protocol === "https:" ? "; Secure" : "");
};

/**
 * `Host::delete_cookie`.
 *
 * @param {number} _
 * @param {string} name
 */
export const deleteCookie = (_, name) => {
  if (!hasCookie(0, name, "")) return;
  each(domains, (domain) => write(0, name, "", domain));
};

/**
 * The widest domain that the browser accepts, "" for a host-only cookie. It is determined, and defined, once the page sets a
 * cookie.
 *
 * @type {string | undefined}
 */
export let cookieDomain;
/**
 * Browsers refuse public suffixes (`co.uk`) by a list that only they have, so this tests each domain with a cookie whose value
 * no other page could have set.
 */
const widestDomain = () => {
  for (let i = 0; cookieDomain == null; i += 1) {
    const domain = domains[i];
    const value = "" + now();
    write(PROBE_SECONDS, PROBE, value, domain);
    if (!domain || hasCookie(0, PROBE, value)) cookieDomain = domain;
    write(0, PROBE, value, domain);
  }
  return cookieDomain;
};

/**
 * `Host::set_cookie`.
 *
 * @param {number} days
 * @param {string} name
 * @param {string} value
 */
export const setCookie = (days, name, value) =>
  write(
    days * DAY_SECONDS,
    name,
    encodeURIComponent(unescapeJson(value)),
    widestDomain(),
  );
