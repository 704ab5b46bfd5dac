// Google Consent Mode v2, from the page's data layer (https://developers.google.com/tag-platform/security/guides/consent).

import { attempt } from "../guard.js";
import { readCommands } from "./reading.js";

/** An entry of a data layer as a command about consent, or nothing. */
const commandOf = (entry) => {
  if (entry?.[0] !== "consent") return;
  const [, kind, given] = Array.from(entry);
  if (kind !== "default" && kind !== "update") return;
  if (typeof given !== "object" || given === null) return;
  const region = Array.isArray(given.region) ? [...given.region] : undefined;
  const { ad_storage, ad_user_data, wait_for_update } = given;
  return { kind, given: { ad_storage, ad_user_data, wait_for_update, region } };
};

/**
 * Follows the data layer of that name, which pages and tag managers may put there or replace until the page has loaded.
 */
export const google = ({ answer, seek, options }) => {
  const name = options.googleDataLayer || "dataLayer";
  const commands = [];
  let followed;
  let waited;
  let timer;
  const tell = () => {
    const { measure, user, wait } = readCommands(commands, options.region);
    const mustWait = measure === true && wait > 0 && !waited;
    if (mustWait)
      timer ??= setTimeout(() => {
        waited = true;
        tell();
      }, wait);
    answer({ measure: mustWait ? undefined : measure, user });
  };
  const take = (entry) => {
    // an entry with getters that throw is none of Google's
    const command = attempt(() => commandOf(entry));
    if (!command) return;
    commands.push(command);
    tell();
  };
  const follow = () => {
    const layer = window[name];
    if (!layer || layer === followed || typeof layer.push !== "function")
      return;
    followed = layer;
    Array.from(layer).forEach(take);
    const { push } = layer;
    layer.push = function () {
      const result = push.apply(layer, arguments);
      for (const entry of arguments) take(entry);
      return result;
    };
  };
  window[name] ??= [];
  // one that replaces it may come at any time until then
  seek(() => {
    follow();
    return document.readyState === "complete";
  });
};
