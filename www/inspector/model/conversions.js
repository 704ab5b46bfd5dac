/** Conversions: what OpenAI counts as one, with its events from browsers and from servers side by side. */
/** @import { Conversion, EventRecord, Sources } from "./types.d.ts" */
import {
  browserIdOf,
  clickIdOf,
  dataOf,
  dedupKeyOf,
  displayName,
  timeOf,
  userOf,
  userValues,
} from "./event.js";
import { formatDuration, joinWords } from "./format.js";
import { partsFromPage } from "./matching.js";
import { formatMoney } from "./money.js";
import { addTo } from "./multimap.js";
import { sendersOf } from "./relay.js";
import { lacksOwnId } from "./repeats.js";
import { toText } from "./to-text.js";
import { isRejectedOrTest, verdictOf } from "./verdict.js";

/** Two equal purchases further apart than this are two. */
export const PROBABLE_DUPLICATE_MS = 10 * 60 * 1000;

/**
 * The conversions of these entries, newest first. Rejected events and test requests belong to none.
 *
 * @param {EventRecord[]} newestFirst
 */
export const groupConversions = (newestFirst) => {
  /** @type {Map<string, Conversion>} */
  const byKey = new Map();
  for (const entry of [...newestFirst].reverse()) {
    if (isRejectedOrTest(entry)) continue;
    const key = dedupKeyOf(entry);
    if (key === undefined) continue;
    let conversion = byKey.get(key);
    if (!conversion) {
      conversion = {
        key,
        first: entry.seq,
        pixel: entry.pixel,
        name: displayName(entry.event),
        id: toText(entry.event?.id),
        browser: [],
        server: [],
      };
      byKey.set(key, conversion);
    }
    for (const sender of sendersOf(entry)) conversion[sender].push(entry);
    if (verdictOf(entry).name === "counted") conversion.counted ??= entry;
  }
  const conversions = [...byKey.values()].reverse();
  pairProbableDuplicates(conversions);
  return conversions;
};

/**
 * @param {Conversion} conversion
 * @returns {Sources}
 */
export const sourcesOf = ({ browser, server }) => {
  if (browser.length > 0 && server.length > 0) return "both";
  return browser.length > 0 ? "browser" : "server";
};

/**
 * The event that stands for a conversion: the one that counts, if it is here.
 *
 * @param {Conversion} conversion
 */
export const representativeOf = ({ counted, browser, server }) =>
  counted ?? browser[0] ?? server[0];

/**
 * Browser events whose id a server has sent too.
 *
 * @param {Conversion[]} conversions
 */
export const confirmedByServer = (conversions) =>
  new Set(
    conversions
      .filter(({ server }) => server.length > 0)
      .flatMap(({ browser }) => browser),
  );

/** How many candidates one conversion is compared with: in a load test all of them match. */
const MAX_COMPARED = 8;

/**
 * Pairs each conversion from one source with one from the other source that may be the same purchase under another id,
 * the nearest in time first.
 *
 * @param {Conversion[]} conversions
 */
const pairProbableDuplicates = (conversions) => {
  /** @type {Map<string, Conversion[]>} */
  const fromServer = new Map();
  for (const conversion of conversions) {
    if (sourcesOf(conversion) !== "server") continue;
    const key = matchKey(conversion);
    if (key !== undefined) addTo(fromServer, key, conversion);
  }
  if (fromServer.size === 0) return;
  for (const list of fromServer.values())
    list.sort((one, other) => firstTime(one) - firstTime(other));

  const pairs = [];
  for (const conversion of conversions) {
    if (sourcesOf(conversion) !== "browser") continue;
    const time = firstTime(conversion);
    const list = fromServer.get(matchKey(conversion) ?? "") ?? [];
    for (const candidate of nearestInTime(list, time)) {
      const apart = Math.abs(firstTime(candidate) - time);
      if (apart > PROBABLE_DUPLICATE_MS) break;
      if (!areDifferentPeople(conversion, candidate))
        pairs.push({ conversion, candidate, apart });
    }
  }
  pairs.sort((one, other) => one.apart - other.apart);
  for (const { conversion, candidate } of pairs) {
    if (conversion.probableDuplicate || candidate.probableDuplicate) continue;
    candidate.probableDuplicate = conversion;
    conversion.probableDuplicate = candidate;
    candidate.shared = conversion.shared = sharedIdentity(
      conversion,
      candidate,
    );
  }
};

/** @param {Conversion} conversion */
const firstTime = ({ browser, server }) => timeOf(browser[0] ?? server[0]);

/**
 * Up to {@link MAX_COMPARED} conversions, the nearest in time first.
 *
 * @param {Conversion[]} sorted by time
 * @param {number} time
 */
const nearestInTime = (sorted, time) => {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (firstTime(sorted[middle]) < time) low = middle + 1;
    else high = middle;
  }
  const nearest = [];
  let before = low - 1;
  let after = low;
  while (nearest.length < MAX_COMPARED) {
    const [earlier, later] = [sorted[before], sorted[after]];
    if (!earlier && !later) break;
    const takesEarlier =
      !later ||
      (earlier && time - firstTime(earlier) <= firstTime(later) - time);
    nearest.push(takesEarlier ? earlier : later);
    if (takesEarlier) before -= 1;
    else after += 1;
  }
  return nearest;
};

/**
 * What identifies a visitor, with a function for all its values in an entry.
 *
 * @type {[string, (entry: EventRecord) => (string | undefined)[]][]}
 */
const IDENTITY = [
  ["click ID", (entry) => [clickIdOf(entry)]],
  ["browser ID", (entry) => [browserIdOf(entry)]],
  ["e-mail address", userField("em", "email_sha256", "emails_sha256")],
  [
    "phone number",
    userField("ph", "phone_number_sha256", "phone_numbers_sha256"),
  ],
  [
    "external ID",
    userField("eid", "external_id_sha256", "external_ids_sha256"),
  ],
];

/**
 * @param {...string} names the field's name in the pixel and in both generations of the Conversions API
 * @returns {(entry: EventRecord) => string[]}
 */
function userField(...names) {
  return (entry) =>
    [userOf(entry), ...partsFromPage(entry)].flatMap((user) =>
      userValues(user, names),
    );
}

/** @type {WeakMap<Conversion, (string | undefined)[][]>} */
const identities = new WeakMap();

/**
 * All that a conversion says about its visitor, as a list per {@link IDENTITY}.
 *
 * @param {Conversion} conversion
 */
const identityOf = (conversion) => {
  let identity = identities.get(conversion);
  if (!identity) {
    const entries = [...conversion.browser, ...conversion.server];
    identity = IDENTITY.map(([, valuesOf]) =>
      entries.flatMap(valuesOf).filter((value) => value !== undefined),
    );
    identities.set(conversion, identity);
  }
  return identity;
};

/**
 * For each identifier that both conversions have, whether it is the same.
 *
 * @param {Conversion} one
 * @param {Conversion} other
 */
const compareIdentity = (one, other) => {
  const [here, there] = [identityOf(one), identityOf(other)];
  const compared = [];
  for (const [i, [what]] of IDENTITY.entries())
    if (here[i].length > 0 && there[i].length > 0)
      compared.push({
        what,
        same: here[i].some((value) => there[i].includes(value)),
      });
  return compared;
};

/**
 * Different clicks or browsers are different people. One person may have several e-mail addresses and phone numbers, so
 * these tell people apart only where nothing is the same.
 *
 * @param {Conversion} one
 * @param {Conversion} other
 */
const areDifferentPeople = (one, other) => {
  const compared = compareIdentity(one, other);
  return (
    compared.some(
      ({ what, same }) => !same && /^(click|browser) ID$/.test(what),
    ) ||
    (compared.length > 0 && !compared.some(({ same }) => same))
  );
};

/**
 * @param {Conversion} one
 * @param {Conversion} other
 */
const sharedIdentity = (one, other) =>
  compareIdentity(one, other)
    .filter(({ same }) => same)
    .map(({ what }) => what);

/**
 * What the two reports of one purchase have in common besides an id. Undefined without an amount: all page views would
 * match.
 *
 * @param {Conversion} conversion
 */
const matchKey = (conversion) => {
  const { amount, currency } = dataOf(representativeOf(conversion).event);
  if (!Number.isInteger(amount) || typeof currency !== "string")
    return undefined;
  return JSON.stringify([
    conversion.pixel,
    conversion.name,
    amount,
    currency.toUpperCase(),
  ]);
};

/**
 * A headline and, where there is more to say, an explanation in parts. A part that is an object is shown as code.
 *
 * @param {Conversion} conversion
 * @returns {{ headline: string, why?: (string | { code: string })[] }}
 */
export const describeConversion = (conversion) => {
  const { browser, server, probableDuplicate } = conversion;
  if (probableDuplicate) {
    const [inBrowser, atServer] =
      sourcesOf(conversion) === "browser"
        ? [conversion, probableDuplicate]
        : [probableDuplicate, conversion];
    const apart = Math.abs(firstTime(inBrowser) - firstTime(atServer));
    const same = joinWords(["same amount", ...(conversion.shared ?? [])]);
    return {
      headline: `Possibly one purchase counted twice: ${same}, ${formatDuration(apart)} apart`,
      why: [
        "The IDs differ: ",
        { code: inBrowser.id },
        " in the browser, ",
        { code: atServer.id },
        " from the server, so OpenAI counts both. If this is one purchase, send the same ID from both.",
      ],
    };
  }
  const again =
    describeRepeats(browser, "browser") ?? describeRepeats(server, "server");
  switch (sourcesOf(conversion)) {
    case "both":
      return {
        headline: "1 conversion from browser and server: counted once",
        why: asParts(describeDifference(conversion) ?? again),
      };
    case "browser":
      return {
        headline: "1 conversion, from the browser only",
        why: asParts(again ?? describeGeneratedId(browser[0])),
      };
    default:
      return {
        headline: "1 conversion, from the server only",
        why: asParts(again),
      };
  }
};

/** @param {string | undefined} words */
const asParts = (words) => (words === undefined ? undefined : [words]);

/**
 * @param {EventRecord[]} entries
 * @param {string} side
 */
const describeRepeats = (entries, side) =>
  entries.length > 1
    ? `The ${side} sent it ${entries.length} times. It counts once.`
    : undefined;

/** @param {EventRecord} entry */
const describeGeneratedId = (entry) =>
  lacksOwnId(entry)
    ? "The pixel generated this ID, because the call has no event_id. If the visitor reloads the page, the event counts again."
    : undefined;

/**
 * Browser and server sent different amounts with one id: OpenAI ignores the second.
 *
 * @param {Conversion} conversion
 */
const describeDifference = ({ browser, server }) => {
  const [here, there] = [amountOf(browser[0]), amountOf(server[0])];
  if (here === there) return undefined;
  return `The amounts differ: ${here || "none"} in the browser, ${there || "none"} from the server. OpenAI uses the one that arrived first.`;
};

/** @param {EventRecord} entry */
const amountOf = ({ event }) => {
  const { amount, currency } = dataOf(event);
  return amount === undefined ? "" : formatMoney(amount, currency);
};
