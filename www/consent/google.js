// Consent by Google Consent Mode v2, from the page's data layer
// (https://developers.google.com/tag-platform/security/guides/consent).

import { on, setTimer, tryOr } from "../pixel/safe-builtins.js";
import { interpretGoogle } from "./interpret.js";

/** @typedef {import("./interpret.js").Command} Command */

/** In milliseconds, the longest delay of a timer. */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * @param {unknown} it
 * @returns {it is string}
 */
const isString = (it) => typeof it === "string";

/**
 * The regions of a default, in upper case as in ISO 3166-2; undefined if it applies everywhere.
 *
 * @param {unknown} given
 */
const regionsOf = (given) => {
  if (given === undefined || given === null) return;
  const list = Array.isArray(given) ? given : [given];
  return list.filter(isString).map((it) => it.trim().toUpperCase());
};

/**
 * Reads an entry of a data layer, which is undefined if it is not a command about consent.
 *
 * @param {any} entry
 * @returns {Command | undefined}
 */
const commandOf = (entry) => {
  if (entry?.[0] !== "consent") return;
  const [, kind, params] = Array.from(entry);
  if (kind !== "default" && kind !== "update") return;
  if (typeof params !== "object" || params === null) return;
  const { ad_storage, ad_user_data, wait_for_update } = params;
  const region = regionsOf(params.region);
  return {
    kind,
    params: { ad_storage, ad_user_data, wait_for_update, region },
  };
};

/**
 * Follows the data layer, which pages and tag managers may create or replace at any time. Returns a function that takes the
 * commands that did not come through the layer's `push`.
 *
 * @type {import("./sources.js").Source}
 */
export const google = ({ onAnswer, poll, options }) => {
  const globals = /** @type {Record<string, any>} */ (
    /** @type {unknown} */ (window)
  );
  const name = options.googleDataLayer || "dataLayer";
  /** @type {Command[]} */
  const commands = [];
  const seen = new WeakSet();
  /** @type {unknown[] | undefined} */
  let followed;
  let longestWait = 0;
  let runningWaits = 0;

  const evaluate = () => {
    const { measure, user, byDefault, wait } = interpretGoogle(
      commands,
      options.region,
    );
    // while the HTML is parsed, another inline script may still deny what a default has granted
    const isParsing = byDefault && document.readyState === "loading";
    if (byDefault && wait > longestWait) {
      longestWait = Math.min(wait, MAX_DELAY);
      runningWaits += 1;
      setTimer(() => {
        runningWaits -= 1;
        evaluate();
      }, longestWait);
    }
    onAnswer({
      measure: isParsing || (byDefault && runningWaits) ? undefined : measure,
      user,
    });
  };

  /**
   * Takes an entry and returns whether it is a command. An entry with getters that throw is not.
   *
   * @param {any} entry
   */
  const take = (entry) => {
    const command = tryOr(() => commandOf(entry));
    if (!command) return false;
    seen.add(entry);
    commands.push(command);
    return true;
  };

  const refresh = () => {
    const layer = globals[name];
    if (typeof layer?.push !== "function") return;
    let isNew = false;
    for (const entry of Array.from(layer))
      if (!seen.has(entry) && take(entry)) isNew = true;
    if (isNew) evaluate();
    if (layer === followed) return;
    followed = layer;
    const { push } = layer;
    layer.push = function () {
      const result = push.apply(layer, arguments);
      if (Array.from(arguments).filter(take).length) evaluate();
      return result;
    };
  };

  globals[name] ??= [];
  // until the page has loaded, any script may replace the layer
  poll(() => {
    refresh();
    return document.readyState === "complete";
  });
  on(document, "readystatechange", () => {
    tryOr(refresh);
    evaluate();
  });
  return refresh;
};
