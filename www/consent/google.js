// Google Consent Mode v2, from the page's data layer (https://developers.google.com/tag-platform/security/guides/consent).

/** How well a region fits the visitor's, the better the higher; below 0 where it does not. */
const fit = (regions, place) => {
  if (!regions) return 0;
  // where nobody says where the visitor is, they may be anywhere
  if (!place) return 1;
  const [country] = place.split("-");
  if (regions.includes(place)) return 2;
  return regions.includes(country) ? 1 : -1;
};

/**
 * What the commands of a data layer say together. `place` is the visitor's region in ISO 3166-2, "DE" or "US-CA".
 * Nobody has been asked yet where a default denies; a default that grants holds once `wait` milliseconds are over.
 */
export const readCommands = (commands, place) => {
  const of = (type) => {
    let best;
    let updated;
    let wait = 0;
    for (const { kind, given } of commands) {
      const value = given[type];
      if (kind === "default") {
        const how = fit(given.region, place);
        if (how >= 0) wait = Math.max(wait, given.wait_for_update || 0);
        if (how < 0 || (value !== "granted" && value !== "denied")) continue;
        // among equals the later one counts; among regions that may all be the visitor's, the one that denies
        const isUnsure = !place && best && best.how + how > 0;
        const isBetter = isUnsure
          ? value === "denied"
          : !best || how >= best.how;
        if (isBetter) best = { value, how };
      } else if (value === "granted" || value === "denied") updated = value;
    }
    return { updated, standard: best?.value, wait };
  };
  const storage = of("ad_storage");
  const data = of("ad_user_data");
  return {
    measure:
      storage.updated === undefined
        ? storage.standard === "granted" || undefined
        : storage.updated === "granted",
    user: (data.updated ?? data.standard ?? "granted") === "granted",
    wait: storage.updated === undefined ? storage.wait : 0,
  };
};

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
    let command;
    try {
      command = commandOf(entry);
    } catch {
      // an entry with getters that throw is none of Google's
    }
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
      Array.from(arguments).forEach(take);
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
