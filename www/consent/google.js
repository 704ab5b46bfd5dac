// Google Consent Mode v2, from the page's data layer (https://developers.google.com/tag-platform/security/guides/consent).

import { attempt, later, listen } from "../pixel/safe-builtins.js";
import { readCommands } from "./interpret.js";

/** Timers take no longer pause, in milliseconds. */
const LONGEST_WAIT = 2 ** 31 - 1;

const isText = (it) => typeof it === "string";

/** The regions that a default names, in capitals as ISO 3166-2 has them. Nothing if it is for everybody. */
const regionsOf = (given) => {
  if (given === undefined || given === null) return;
  const list = Array.isArray(given) ? given : [given];
  return list.filter(isText).map((it) => it.trim().toUpperCase());
};

/** An entry of a data layer as a command about consent, or nothing. */
const commandOf = (entry) => {
  if (entry?.[0] !== "consent") return;
  const [, kind, given] = Array.from(entry);
  if (kind !== "default" && kind !== "update") return;
  if (typeof given !== "object" || given === null) return;
  const { ad_storage, ad_user_data, wait_for_update } = given;
  const region = regionsOf(given.region);
  return { kind, given: { ad_storage, ad_user_data, wait_for_update, region } };
};

/**
 * Follows the data layer of that name, which pages and tag managers may create or replace at any time. Returns what looks
 * for commands that came in another way than by the layer's `push`.
 */
export const google = ({ answer, seek, options }) => {
  const name = options.googleDataLayer || "dataLayer";
  const commands = [];
  const seen = new WeakSet();
  let followed;
  let longest = 0;
  let waiting = 0;

  const tell = () => {
    const { measure, user, byDefault, wait } = readCommands(
      commands,
      options.region,
    );
    // another inline script, even one behind a slow stylesheet, may still deny what a default has granted
    const isParsing = byDefault && document.readyState === "loading";
    if (byDefault && wait > longest) {
      longest = Math.min(wait, LONGEST_WAIT);
      waiting += 1;
      later(() => {
        waiting -= 1;
        tell();
      }, longest);
    }
    answer({
      measure: isParsing || (byDefault && waiting) ? undefined : measure,
      user,
    });
  };

  /** Whether the entry is a command. One with getters that throw is none. */
  const take = (entry) => {
    const command = attempt(() => commandOf(entry));
    if (!command) return false;
    seen.add(entry);
    commands.push(command);
    return true;
  };

  const look = () => {
    const layer = window[name];
    if (typeof layer?.push !== "function") return;
    let isNew = false;
    for (const entry of Array.from(layer))
      if (!seen.has(entry) && take(entry)) isNew = true;
    if (isNew) tell();
    if (layer === followed) return;
    followed = layer;
    const { push } = layer;
    layer.push = function () {
      const result = push.apply(layer, arguments);
      if (Array.from(arguments).filter(take).length) tell();
      return result;
    };
  };

  window[name] ??= [];
  // one that replaces it may come at any time until then
  seek(() => {
    look();
    return document.readyState === "complete";
  });
  listen(document, "readystatechange", () => {
    attempt(look);
    tell();
  });
  return look;
};
