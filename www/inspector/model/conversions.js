/**
 * Conversions: what OpenAI counts as one, with its half from the browser and its half from the server beside each other.
 */
import {
  asObject,
  browserOf,
  clickOf,
  dataOf,
  isServer,
  keyOf,
  nameOf,
  timeOf,
} from "./event.js";
import { formatSpan, listed } from "./format.js";
import { formatMoney } from "./money.js";
import { lacksOwnId } from "./repeats.js";
import { textOf } from "./to-text.js";
import { verdictOf } from "./verdict.js";

/** Further apart, two equal purchases are taken for two. */
export const LOOK_ALIKE_MS = 10 * 60 * 1000;

/**
 * All conversions of these entries, in the order in which they were first seen, newest first. Each is
 * `{key, first, pixel, name, id, browser, server, counted, lookAlike?, shared?}`: `browser` and `server` are the entries of that
 * side, oldest first; `first` is the seq of the oldest; `lookAlike` is the conversion of the other side that may be
 * the same purchase under another id, and `shared` says what of their visitor is the same: "click ID", "browser ID". What was refused, or only tried, is no half of anything.
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

/** How many of the other side one conversion is compared with: in a load test all look alike. */
const MOST_COMPARED = 8;

/** Marks each one-sided conversion that has a counterpart on the other side with another id, the nearest in time first. */
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
  for (const list of fromServer.values())
    list.sort((one, other) => firstTime(one) - firstTime(other));

  const pairs = [];
  for (const conversion of conversions) {
    if (sidesOf(conversion) !== "browser") continue;
    const time = firstTime(conversion);
    const list = fromServer.get(looksOf(conversion)) ?? [];
    for (const candidate of nearestInTime(list, time)) {
      const apart = Math.abs(firstTime(candidate) - time);
      if (apart > LOOK_ALIKE_MS) break;
      if (!isOtherPerson(conversion, candidate))
        pairs.push({ conversion, candidate, apart });
    }
  }
  pairs.sort((one, other) => one.apart - other.apart);
  for (const { conversion, candidate } of pairs) {
    if (conversion.lookAlike || candidate.lookAlike) continue;
    candidate.lookAlike = conversion;
    conversion.lookAlike = candidate;
    candidate.shared = conversion.shared = sharedBy(conversion, candidate);
  }
};

const firstTime = ({ browser, server }) => timeOf(browser[0] ?? server[0]);

/** Some of a list in the order of time, the nearest to that time first. */
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
  while (nearest.length < MOST_COMPARED) {
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

/** What tells one visitor from another, each as a list of texts: the pixel's spelling, and both of the Conversions API. */
const PERSON = [
  ["click ID", (entry) => [clickOf(entry)]],
  ["browser ID", (entry) => [browserOf(entry)]],
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

function userField(...names) {
  return ({ user, event }) => {
    const fields = asObject(asObject(user).in ?? asObject(event).user);
    return names
      .flatMap((name) => fields[name] ?? [])
      .map((value) => textOf(value).toLowerCase());
  };
}

const persons = new WeakMap();

/** All that a conversion says of its visitor, each thing as {@link PERSON} has it. */
const personOf = (conversion) => {
  let person = persons.get(conversion);
  if (!person) {
    const entries = [...conversion.browser, ...conversion.server];
    person = PERSON.map(([, valuesOf]) =>
      entries.flatMap(valuesOf).filter((value) => value !== undefined),
    );
    persons.set(conversion, person);
  }
  return person;
};

/** For each thing that both say of their visitor, whether it is the same: `[{what, same}]`. */
const comparisons = (one, other) => {
  const [here, there] = [personOf(one), personOf(other)];
  const compared = [];
  for (const [i, [what]] of PERSON.entries())
    if (here[i].length > 0 && there[i].length > 0)
      compared.push({
        what,
        same: here[i].some((value) => there[i].includes(value)),
      });
  return compared;
};

/**
 * Different clicks or browsers are different people. A person may have several addresses and numbers: only where nothing is
 * the same do they say so.
 */
const isOtherPerson = (one, other) => {
  const compared = comparisons(one, other);
  return (
    compared.some(
      ({ what, same }) => !same && /^(click|browser) ID$/.test(what),
    ) ||
    (compared.length > 0 && !compared.some(({ same }) => same))
  );
};

const sharedBy = (one, other) =>
  comparisons(one, other)
    .filter(({ same }) => same)
    .map(({ what }) => what);

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
    const apart = Math.abs(
      timeOf(inBrowser.browser[0]) - timeOf(atServer.server[0]),
    );
    const same = listed(["same amount", ...conversion.shared]);
    return {
      headline: `Possibly one purchase counted twice: ${same}, ${formatSpan(apart)} apart`,
      why: [
        "The ids differ: ",
        { code: inBrowser.id },
        " in the browser, ",
        { code: atServer.id },
        " from the server, so OpenAI counts both. If it is one purchase, send the same id from both.",
      ],
    };
  }
  const again = repeats(browser, "browser") ?? repeats(server, "server");
  switch (sidesOf(conversion)) {
    case "both":
      return {
        headline: "1 conversion from browser and server: counted once",
        why: differences(conversion) ?? asList(again),
      };
    case "browser":
      return {
        headline: "1 conversion, from the browser only",
        why: asList(again ?? withoutOwnId(browser)),
      };
    default:
      return {
        headline: "1 conversion, from the server only",
        why: asList(again),
      };
  }
};

const asList = (words) => words && [words];

const repeats = (entries, side) =>
  entries.length > 1
    ? `The ${side} sent it ${entries.length} times. It counts once.`
    : undefined;

/** Where the server sends the same id, a UUID is the site's own. */
const withoutOwnId = (browser) =>
  lacksOwnId(browser[0])
    ? "The pixel generated this id, because the call has no event_id. If the page is loaded again, it counts again."
    : undefined;

/** Browser and server sent the same id with different amounts: nothing of the second is kept. */
const differences = ({ browser, server }) => {
  const [one, other] = [dataOf(browser[0].event), dataOf(server[0].event)];
  const [here, there] = [money(one), money(other)];
  if (here === there) return undefined;
  return [
    `The amounts differ: ${here || "none"} in the browser, ${there || "none"} from the server. OpenAI keeps the one that arrived first.`,
  ];
};

const money = ({ amount, currency }) =>
  amount === undefined ? "" : formatMoney(amount, currency);
