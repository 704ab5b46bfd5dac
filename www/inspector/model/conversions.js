/**
 * Conversions: what OpenAI counts as one, with its half from the browser and its half from the server beside each other.
 */
import { dataOf, isServer, keyOf, nameOf, timeOf } from "./event.js";
import { formatMoney } from "./money.js";
import { verdictOf } from "./verdict.js";

/** Further apart, two equal purchases are taken for two. */
export const LOOK_ALIKE_MS = 10 * 60 * 1000;

/**
 * All conversions of these entries, in the order in which they were first seen, newest first. Each is
 * `{key, first, pixel, name, id, browser, server, counted, lookAlike?}`: `browser` and `server` are the entries of that
 * side, oldest first; `first` is the seq of the oldest; `lookAlike` is the conversion of the other side that seems to
 * be the same purchase under another id. What was refused, or only tried, is no half of anything.
 */
export const conversionsOf = (newestFirst) => {
  const byKey = new Map();
  for (let i = newestFirst.length - 1; i >= 0; i -= 1) {
    const entry = newestFirst[i];
    const verdict = verdictOf(entry).name;
    if (verdict === "refused" || verdict === "valid") continue;
    const key = keyOf(entry);
    if (key === undefined) continue;
    let conversion = byKey.get(key);
    if (!conversion) {
      conversion = {
        key,
        first: entry.seq,
        pixel: entry.pixel,
        name: nameOf(entry.event),
        id: entry.event.id,
        browser: [],
        server: [],
      };
      byKey.set(key, conversion);
    }
    (isServer(entry) ? conversion.server : conversion.browser).push(entry);
    if (verdict === "counted") conversion.counted ??= entry;
  }
  const conversions = [...byKey.values()].reverse();
  pairLookAlikes(conversions);
  return conversions;
};

/** Which sides of it were seen: "both", "browser" or "server". */
export const sidesOf = ({ browser, server }) => {
  if (browser.length > 0 && server.length > 0) return "both";
  return browser.length > 0 ? "browser" : "server";
};

/** The entry that stands for a conversion. */
export const sampleOf = ({ counted, browser, server }) =>
  counted ?? browser[0] ?? server[0];

/** Marks each one-sided conversion that has a counterpart on the other side with another id: the nearest in time. */
const pairLookAlikes = (conversions) => {
  const fromServer = new Map();
  for (const conversion of conversions) {
    if (sidesOf(conversion) !== "server") continue;
    const looks = looksOf(conversion);
    if (looks === undefined) continue;
    if (!fromServer.has(looks)) fromServer.set(looks, []);
    fromServer.get(looks).push(conversion);
  }
  if (fromServer.size === 0) return;
  for (const conversion of conversions) {
    if (sidesOf(conversion) !== "browser") continue;
    const time = timeOf(conversion.browser[0]);
    let nearest;
    let distance = LOOK_ALIKE_MS;
    for (const candidate of fromServer.get(looksOf(conversion)) ?? []) {
      const apart = Math.abs(timeOf(candidate.server[0]) - time);
      if (candidate.lookAlike || apart > distance) continue;
      nearest = candidate;
      distance = apart;
    }
    if (!nearest) continue;
    nearest.lookAlike = conversion;
    conversion.lookAlike = nearest;
  }
};

/** What two halves of one purchase share besides their id. Without an amount all page views would look alike. */
const looksOf = (conversion) => {
  const { amount, currency } = dataOf(sampleOf(conversion).event);
  if (!Number.isInteger(amount) || typeof currency !== "string")
    return undefined;
  return JSON.stringify([
    conversion.pixel,
    conversion.name,
    amount,
    currency.toUpperCase(),
  ]);
};

/** `{headline, why?}`: what is to be said of a conversion. */
export const conversionWords = (conversion) => {
  const { browser, server, lookAlike } = conversion;
  if (lookAlike) {
    const [inBrowser, atServer] =
      sidesOf(conversion) === "browser"
        ? [conversion, lookAlike]
        : [lookAlike, conversion];
    return {
      headline: "2 conversions: counted twice",
      why: [
        "Different ids: ",
        { code: inBrowser.id },
        " in the browser, ",
        { code: atServer.id },
        " from the server, so OpenAI counts both. Send the same id from both.",
      ],
    };
  }
  const again = repeats(browser, "browser") ?? repeats(server, "server");
  switch (sidesOf(conversion)) {
    case "both":
      return {
        headline: "1 conversion, two halves: counted once",
        why: differences(conversion) ?? (again && [again]),
      };
    case "browser":
      return {
        headline: "1 conversion, browser half only",
        why: again && [again],
      };
    default:
      return {
        headline: "1 conversion, server half only",
        why: again && [again],
      };
  }
};

const repeats = (entries, side) =>
  entries.length > 1
    ? `Sent ${entries.length} times by the ${side}; counted once.`
    : undefined;

/** The halves share an id, but say different things: of the second, nothing is kept. */
const differences = ({ browser, server }) => {
  const [one, other] = [dataOf(browser[0].event), dataOf(server[0].event)];
  const [here, there] = [money(one), money(other)];
  if (here === there) return undefined;
  return [
    `The amounts differ: ${here || "none"} in the browser, ${there || "none"} from the server. OpenAI keeps what came first.`,
  ];
};

const money = ({ amount, currency }) =>
  amount === undefined ? "" : formatMoney(amount, currency);
