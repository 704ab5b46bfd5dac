// The page's cookies: reading, and writing and deleting them for the widest domain that the browser takes.

import { escape, unescape } from "./serialize-call.js";
import { attempt, now } from "./safe-builtins.js";
import { entries } from "./wasm-bridge.js";

const PROBE = "__oaiq_domain_probe";
const DAY = 24 * 60 * 60;

/**
 * The domains that a cookie of this host may be set for, from the last two labels upwards; none for an IP address or a
 * host of one label. Which of them the browser takes is for it to say.
 */
const cookieDomains = (host) => {
  const domains = [];
  let dot = /^[\d.]+$|]$/.test(host) ? -1 : host.lastIndexOf(".");
  while (dot > 0) {
    dot = host.lastIndexOf(".", dot - 1);
    domains[domains.length] = host.slice(dot + 1);
  }
  return domains;
};

const domains = cookieDomains(location.hostname);

// One look at the cookies is a round trip to another process, so it serves until somebody may have written.
let jar;
let jarOf;
const cookies = () => {
  if (jarOf !== entries) {
    jar = `; ${document.cookie};`;
    jarOf = entries;
  }
  return jar;
};

/** As `Host::has_cookie` in src/host.rs says. */
export const hasCookie = (_, name, value) =>
  +cookies().includes(
    `; ${name}=` + (value && encodeURIComponent(unescape(value)) + ";"),
  );

/** As `Host::cookie` says: browsers list cookies in the order of their making (RFC 6265, 5.4). */
export const cookie = (_, name) => {
  const start = `; ${name}=`;
  const at = cookies().lastIndexOf(start) + start.length;
  if (at < start.length) return "";
  const value = jar.slice(at, jar.indexOf(";", at));
  return escape(attempt(() => decodeURIComponent(value), value));
};

const set = (seconds, name, value, domain) => {
  jarOf = null;
  document.cookie =
    `${name}=${value}; Path=/; Max-Age=${seconds}; SameSite=Lax` +
    (domain && "; Domain=" + domain) +
    (location.protocol === "https:" ? "; Secure" : "");
};

/** As `Host::delete_cookie` says. */
export const deleteCookie = (_, name) => {
  if (!hasCookie(0, name, "")) return;
  for (let i = 0; i <= domains.length; i += 1)
    set(0, name, "", domains[i] ?? "");
};

/** The widest domain that the browser takes, on a page that has written a cookie; empty means host-only. */
export let widest;
/**
 * Which ones it refuses (`co.uk`) is in a list that it alone has, so it is asked, once, by a cookie that no other page could
 * have set.
 */
const widestDomain = () => {
  for (let i = 0; widest == null; i += 1) {
    const domain = domains[i] ?? "";
    const value = "" + now();
    set(60, PROBE, value, domain);
    if (!domain || hasCookie(0, PROBE, value)) widest = domain;
    set(0, PROBE, value, domain);
  }
  return widest;
};

/** As `Host::set_cookie` says. */
export const writeCookie = (days, name, value) =>
  set(days * DAY, name, encodeURIComponent(unescape(value)), widestDomain());
