/**
 * What must hold before a launch, ticked from what was seen. Each item is `{id, title, state, found, todo?, seqs?}`:
 * `state` is "yes", "open" (not yet seen), "look" (a person has to judge) or "problem"; `found` says what was seen,
 * `todo` what to do, `seqs` in which events.
 */
import {
  clickOf,
  browserOf,
  dataOf,
  isDiagnostic,
  isInternal,
  isServer,
  isStart,
  nameOf,
  timeOf,
} from "./event.js";
import { formatMoney } from "./money.js";
import { plural } from "./format.js";
import { sampleOf, sidesOf } from "./conversions.js";
import { isSessionMarker } from "./diagnostic-facts.js";
import { explainRefusals, refusedCount } from "./refusals.js";
import { faultsOf, faultSentence, verdictOf } from "./verdict.js";
import { startsTooMany } from "./timeline.js";

/** `seen`: `{entries, visits, conversions, pixels}`; `pixels` are the ids that the collector was started with, if any. */
export const checklist = (seen) => [
  starts(seen),
  pixelIds(seen),
  consent(seen),
  click(seen),
  ids(seen),
  amounts(seen),
  fields(seen),
  others(seen),
];

/** How many of the items are in each state. */
export const tally = (items) => {
  const counts = { yes: 0, open: 0, look: 0, problem: 0 };
  for (const { state } of items) counts[state] += 1;
  return counts;
};

const MOST_EVIDENCE = 5;
const evidence = (entries) =>
  entries.slice(0, MOST_EVIDENCE).map(({ seq }) => seq);

const measuredByBrowser = (entry) =>
  entry.event && !isInternal(entry.event) && !isServer(entry);

const starts = ({ entries, visits }) => {
  const item = {
    id: "starts",
    title: "The pixel starts once on each page",
  };
  const count = entries.filter(({ event }) => event && isStart(event)).length;
  if (count === 0) {
    const measured = entries.some(
      (entry) => measuredByBrowser(entry) && entry.transport !== "image",
    );
    return {
      ...item,
      state: "open",
      found: measured
        ? "Events came, but no start of the pixel: it came before what is listed here, or was left out."
        : "No start of a pixel yet.",
      todo: "Open a page of your site with the install snippet on it, and accept cookies.",
    };
  }
  const twice = visits.flatMap(({ pages }) => pages.flatMap(startsTooMany));
  if (twice.length > 0)
    return {
      ...item,
      state: "problem",
      found: `${plural(twice.length, "page")} started the same pixel more than once.`,
      todo: "The pixel is on the page twice, for instance in the template and in the tag manager. Remove one.",
      seqs: evidence(twice),
    };
  return {
    ...item,
    state: "yes",
    found: `${plural(count, "page")} with one start for each pixel.`,
  };
};

const pixelIds = ({ entries, pixels = [] }) => {
  const item = { id: "pixel", title: "The pixel id is the right one" };
  const seen = new Map();
  for (const entry of entries) {
    if (typeof entry.pixel !== "string" || entry.pixel === "") continue;
    const known = seen.get(entry.pixel) ?? { count: 0, newest: entry };
    known.count += 1;
    seen.set(entry.pixel, known);
  }
  if (seen.size === 0)
    return {
      ...item,
      state: "open",
      found: "No event yet.",
      todo: "Open a page of your site with the install snippet on it.",
    };
  const list = [...seen]
    .sort(([, one], [, other]) => other.count - one.count)
    .map(([id, { count }]) => `${id} (${plural(count, "event")})`);
  const found =
    seen.size === 1
      ? list[0]
      : `${seen.size} ids: ${list.slice(0, 5).join(", ")}${list.length > 5 ? ", …" : ""}`;

  if (pixels.length > 0) {
    const strange = [...seen].filter(([id]) => !pixels.includes(id));
    if (strange.length === 0) return { ...item, state: "yes", found };
    return {
      ...item,
      state: "problem",
      found: `${strange[0][0]} is not among the ids that the collector was started with (${pixels.join(", ")}).`,
      todo: "Copy the id from the ads manager into init, and into the server's request.",
      seqs: evidence(strange.map(([, { newest }]) => newest)),
    };
  }
  if (seen.size === 1)
    return {
      ...item,
      state: "yes",
      found: `One id only: ${found}. Whether it is yours, the ads manager tells.`,
    };
  const alike = pairOfAlike([...seen.keys()]);
  if (alike)
    return {
      ...item,
      state: "problem",
      found: `${alike[0]} and ${alike[1]} are nearly the same: one may be mistyped.`,
      todo: "Compare both with the id in the ads manager.",
      seqs: evidence(alike.map((id) => seen.get(id).newest)),
    };
  return {
    ...item,
    state: "look",
    found,
    todo: "If you have one pixel only, one of these is wrong. Start the collector with --pixel to have this checked.",
    seqs: evidence([...seen.values()].map(({ newest }) => newest)),
  };
};

/** More ids than this are a load test, and none of a launch. */
const MOST_COMPARED = 50;

/** Two ids of these that differ in case or in at most two characters. */
const pairOfAlike = (ids) => {
  const few = ids.slice(0, MOST_COMPARED);
  for (const [i, one] of few.entries())
    for (const other of few.slice(i + 1))
      if (areAlike(one, other)) return [one, other];
  return undefined;
};

const areAlike = (one, other) => {
  if (one.trim().toLowerCase() === other.trim().toLowerCase()) return true;
  const shorter = Math.min(one.length, other.length);
  // "A" and "B" differ by one character and are not alike
  return shorter >= 6 && shorter <= 100 && distance(one, other) <= 2;
};

/** How many characters have to be changed, put in or taken out (Levenshtein). */
const distance = (one, other) => {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= other.length; j += 1)
      next[j] = Math.min(
        row[j] + 1,
        next[j - 1] + 1,
        row[j - 1] + (one[i - 1] === other[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[other.length];
};

/**
 * What the wire tells of consent is little: a denial is reported once a session, without saying whose it is; and "not
 * denied" is said by a site that asked as well as by one that never asks.
 */
const consent = ({ entries }) => {
  const item = { id: "consent", title: "Consent comes before the first event" };
  const measured = entries.filter(
    (entry) => measuredByBrowser(entry) && entry.transport !== "image",
  );
  const withoutIdentity = measured.filter(({ stripped }) => stripped === true);
  if (withoutIdentity.length > 0)
    return {
      ...item,
      state: "look",
      found: `${plural(withoutIdentity.length, "event")} came without any identity. A pixel measures nothing after a denial, so either cookies are blocked in this browser or events are sent by something else.`,
      todo: "Refuse cookies in a private window and look whether events still come.",
      seqs: evidence(withoutIdentity),
    };
  const says = (state) =>
    entries.filter(
      ({ event }) =>
        event && isDiagnostic(event) && dataOf(event).consent === state,
    );
  const denied = says(false);
  if (denied.length > 0) {
    const markers = denied.filter(({ event }) =>
      isSessionMarker(dataOf(event)),
    );
    const last = Math.max(...denied.map(timeOf));
    const later = measured.filter((entry) => timeOf(entry) > last);
    return {
      ...item,
      state: "yes",
      found: `A denial was seen (${plural(denied.length, "report")}) and no event came with it${later.length > 0 ? `; ${plural(later.length, "event")} came afterwards, with identity` : ""}.`,
      todo: "What cannot be seen here: whether your banner asks everyone. Check that with a private window.",
      seqs: evidence(markers.length > 0 ? markers : denied),
    };
  }
  return {
    ...item,
    state: "open",
    found:
      measured.length > 0
        ? "Events came, and no denial was seen. A site that asked and one that never asks look the same from here."
        : "Nothing was seen of consent yet.",
    todo: "Open the site in a private window and refuse. One report without identity must come, and no event. Then accept: events come.",
  };
};

const click = ({ entries }) => {
  const item = { id: "click", title: "The ad click is captured" };
  const measured = entries.filter(measuredByBrowser);
  const carrying = measured.filter((entry) => clickOf(entry) !== undefined);
  if (carrying.length === 0)
    return {
      ...item,
      state: "open",
      found:
        measured.length > 0
          ? `${plural(measured.length, "event")}, none with a click reference.`
          : "No event yet.",
      todo: "Open your landing page with ?oppref=test-click at the end of its address, as an ad does.",
    };
  const lost = lostClicks(measured);
  if (lost.length > 0)
    return {
      ...item,
      state: "problem",
      found: `${plural(lost.length, "event")} of a visitor who came by a click no longer carried it.`,
      todo: "Something deletes the cookie __oppref between two pages, such as a cookie banner or a server that rewrites cookies.",
      seqs: evidence(lost),
    };
  return {
    ...item,
    state: "yes",
    found: `${carrying.length.toLocaleString()} of ${plural(measured.length, "event")} carry a click reference.`,
    seqs: evidence(carrying),
  };
};

/** Events of a browser that had a click before, and has none now. */
const lostClicks = (newestFirst) => {
  const clicked = new Set();
  const lost = [];
  for (const entry of [...newestFirst].sort(
    (one, other) => timeOf(one) - timeOf(other),
  )) {
    const browser = browserOf(entry);
    if (browser === undefined) continue;
    if (clickOf(entry) !== undefined) clicked.add(browser);
    else if (clicked.has(browser)) lost.push(entry);
  }
  return lost;
};

const ids = ({ conversions }) => {
  const item = {
    id: "ids",
    title: "Browser and server send the same event_id",
  };
  const twice = conversions.filter(
    (conversion) =>
      conversion.lookAlike !== undefined && sidesOf(conversion) === "browser",
  );
  if (twice.length > 0) {
    const [{ id, lookAlike }] = twice;
    return {
      ...item,
      state: "problem",
      found: `${plural(twice.length, "purchase")} ${twice.length === 1 ? "looks" : "look"} counted twice: ${id} in the browser, ${lookAlike.id} from the server.`,
      todo: "Give both the same id, such as the order's number: event_id in the browser, id at the server.",
      seqs: evidence(
        twice.flatMap((conversion) => [
          sampleOf(conversion),
          sampleOf(conversion.lookAlike),
        ]),
      ),
    };
  }
  const both = conversions.filter(
    (conversion) => sidesOf(conversion) === "both",
  );
  if (both.length > 0)
    return {
      ...item,
      state: "yes",
      found: `${plural(both.length, "conversion")} came from both sides with one id, and ${both.length === 1 ? "counts" : "count"} once.`,
      seqs: evidence(both.map(sampleOf)),
    };
  const fromServer = conversions.some(
    (conversion) => sidesOf(conversion) === "server",
  );
  return {
    ...item,
    state: "open",
    found: fromServer
      ? "Server events came, but none with the id of a browser event."
      : "No server event yet.",
    todo: "Send a purchase that the browser has sent from your server too, or open an event and copy its server half as curl. Without a server integration this item does not matter.",
  };
};

/** Faults sorted by what they are about. */
const isAmountFault = ({ field }) => /amount|currency/.test(String(field));
const isFieldFault = ({ field, expected }) =>
  /no such field/.test(String(expected)) ||
  ["type", "the event's name"].includes(field);
/** The same for a call that the pixel refused; what has no code is an unknown field, an empty text or a wrong shape. */
const topicOf = ({ reason, code }) => {
  if (code === "invalid_amount" || code === "missing_currency")
    return "amounts";
  const isAboutFields =
    reason === "unsupported_event_name" ||
    (code === undefined &&
      ["invalid_event_props", "invalid_event_options"].includes(reason));
  return isAboutFields ? "fields" : "refused";
};

const refusedEntries = (entries, pick) =>
  entries.filter(
    (entry) =>
      verdictOf(entry).name === "refused" && faultsOf(entry).some(pick),
  );

/** Calls that the pixel refused on the page, by its own count, about that topic: `[{entry, refusal}]`. */
const refusedCalls = (entries, topic) =>
  entries
    .filter(({ event }) => isDiagnostic(event) && refusedCount(event.data) > 0)
    .flatMap((entry) =>
      explainRefusals(entry.event.data).map((refusal) => ({ entry, refusal })),
    )
    .filter(({ refusal }) => topicOf(refusal) === topic);

const callWords = ({ refusal: { name, count, words } }) =>
  `${count === 1 ? "a call" : plural(count, "call")}${name && name !== "unknown" ? ` of ${name}` : ""}: ${words}`;

const firstFault = (entry, pick) => {
  const fault = faultsOf(entry).find(pick);
  return `${nameOf(entry.event)}: ${fault.field} ${faultSentence(fault)}`;
};

const amounts = ({ entries }) => {
  const item = {
    id: "amounts",
    title: "Amounts are whole numbers with a currency",
  };
  const refused = refusedEntries(entries, isAmountFault);
  const calls = refusedCalls(entries, "amounts");
  if (refused.length + calls.length > 0)
    return {
      ...item,
      state: "problem",
      found: `${plural(refused.length + calls.length, "report")} of a wrong amount; ${refused.length > 0 ? firstFault(refused[0], isAmountFault) : callWords(calls[0])}.`,
      todo: "Send the amount in the currency's smallest unit: 2599 and USD for USD 25.99, 500 and JPY for 500 yen.",
      seqs: evidence([...refused, ...calls.map(({ entry }) => entry)]),
    };
  const withAmount = entries.filter(
    ({ event }) =>
      event && !isInternal(event) && dataOf(event).amount !== undefined,
  );
  if (withAmount.length === 0)
    return {
      ...item,
      state: "open",
      found: "No event with an amount yet.",
      todo: "Make a purchase, and compare what is listed here with what the shop says.",
    };
  const { amount, currency } = dataOf(withAmount[0].event);
  return {
    ...item,
    state: "yes",
    found: `${plural(withAmount.length, "amount")}, the latest ${formatMoney(amount, currency)}. Compare it with what the shop says.`,
    seqs: evidence(withAmount),
  };
};

const fields = ({ entries }) => {
  const item = { id: "fields", title: "No unknown names and fields" };
  const refused = refusedEntries(entries, isFieldFault);
  const calls = refusedCalls(entries, "fields");
  if (refused.length + calls.length > 0)
    return {
      ...item,
      state: "problem",
      found: `${plural(refused.length + calls.length, "report")}; ${refused.length > 0 ? firstFault(refused[0], isFieldFault) : callWords(calls[0])}.`,
      todo: "Use the names and fields of the table of events only. What else you want to send is not taken.",
      seqs: evidence([...refused, ...calls.map(({ entry }) => entry)]),
    };
  return allTaken(item, entries, "all of known names and fields");
};

const others = ({ entries }) => {
  const item = { id: "refused", title: "Nothing else was refused" };
  const refused = entries.filter(
    (entry) =>
      verdictOf(entry).name === "refused" &&
      !faultsOf(entry).some(
        (fault) => isAmountFault(fault) || isFieldFault(fault),
      ),
  );
  const calls = refusedCalls(entries, "refused");
  if (refused.length + calls.length > 0)
    return {
      ...item,
      state: "problem",
      found: `${plural(refused.length + calls.length, "report")}; ${refused.length > 0 ? whyRefused(refused[0]) : callWords(calls[0])}.`,
      todo: "Open each one: it says what was given and what is expected.",
      seqs: evidence([...refused, ...calls.map(({ entry }) => entry)]),
    };
  return allTaken(item, entries, "none refused for another reason");
};

const whyRefused = (entry) => {
  const [fault] = faultsOf(entry);
  return fault
    ? firstFault(entry, () => true)
    : `${nameOf(entry.event)}: ${entry.error ?? "no reason was given"}`.replace(
        /\.$/,
        "",
      );
};

const allTaken = (item, entries, words) => {
  const measured = entries.filter(({ event }) => event && !isInternal(event));
  return measured.length === 0
    ? {
        ...item,
        state: "open",
        found: "No event yet.",
        todo: "Use your site as a customer does: look at a product, fill the basket, order.",
      }
    : {
        ...item,
        state: "yes",
        found: `${plural(measured.length, "event")}, ${words}.`,
      };
};
