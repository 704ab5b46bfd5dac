/**
 * What must hold before a launch, ticked from what was seen. Each item is `{id, title, state, found, todo?, seqs?}`:
 * `state` is "yes", "open" (not yet seen), "look" (a person has to judge) or "problem"; `found` says what was seen,
 * `todo` what to do, `seqs` in which events.
 */
import { ownIds } from "./checks/own-ids.js";
import { personal } from "./checks/personal.js";
import {
  evidence,
  isMeasured,
  measuredByBrowser,
  NO_EVENT_YET,
} from "./checks/shared.js";
import { isPageView, twice } from "./checks/twice.js";
import { warnings } from "./checks/warnings.js";
import {
  clickOf,
  browserOf,
  dataOf,
  isDiagnostic,
  isInternal,
  isStart,
  nameOf,
  timeOf,
} from "./event.js";
import { formatMoney } from "./money.js";
import { plural } from "./format.js";
import { conversionWords, sampleOf, sidesOf } from "./conversions.js";
import { isSessionMarker } from "./diagnostic-summary.js";
import {
  explainRefusals,
  refusalSentence,
  refusedCount,
} from "./rejections.js";
import { repeatsOf } from "./repeats.js";
import { textOf } from "./to-text.js";
import { faultsOf, faultSentence, verdictOf } from "./verdict.js";
import { startsTooMany } from "./timeline.js";

/**
 * `seen`: `{entries, visits, conversions, repeats?, pixels}`; `repeats` is what {@link repeatsOf} finds in the entries,
 * `pixels` are the ids that the collector was started with, if any.
 */
export const checklist = ({ repeats, ...others }) => {
  const seen = { ...others, repeats: repeats ?? repeatsOf(others.entries) };
  return CHECKS.map((check) => check(seen));
};

/** How many of the items are in each state. */
export const tally = (items) => {
  const counts = { yes: 0, open: 0, look: 0, problem: 0 };
  for (const { state } of items) counts[state] += 1;
  return counts;
};

const starts = ({ entries, visits, repeats }) => {
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
        ? "Events arrived, but no start of the pixel: it is older than the events that count here, or was not sent."
        : "No start of a pixel yet.",
      todo: "Open a page of your site that has the install snippet, and accept cookies.",
    };
  }
  const started = visits.flatMap(({ pages }) => pages.flatMap(startsTooMany));
  // A second snippet's init is the same pixel's again, so that often only its page view is sent.
  const viewed = [...repeats.twice.keys()].filter(isPageView);
  if (started.length + viewed.length > 0) {
    const found = [
      started.length > 0 &&
        `${plural(started.length, "page")} started the same pixel more than once`,
      viewed.length > 0 &&
        `${plural(viewed.length, "page")} sent page_viewed twice within a second`,
    ].filter(Boolean);
    return {
      ...item,
      state: "problem",
      found: `${found.join("; ")}.`,
      todo: "The install snippet is on the page twice, for instance in the template and in a tag manager. Remove one.",
      seqs: evidence([...started, ...viewed]),
    };
  }
  return {
    ...item,
    state: "yes",
    found: `${plural(count, "page")} with one start for each pixel, and no page view sent twice.`,
  };
};

const pixelIds = ({ entries, pixels = [] }) => {
  const item = { id: "pixel", title: "The pixel ID is the right one" };
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
      todo: "Open a page of your site that has the install snippet.",
    };
  const list = [...seen]
    .sort(([, one], [, other]) => other.count - one.count)
    .map(([id, { count }]) => `${id} (${plural(count, "event")})`);
  const found =
    seen.size === 1
      ? list[0]
      : `${seen.size} IDs: ${list.slice(0, 5).join(", ")}${list.length > 5 ? ", …" : ""}`;

  if (pixels.length > 0) {
    const strange = [...seen].filter(([id]) => !pixels.includes(id));
    if (strange.length === 0) return { ...item, state: "yes", found };
    return {
      ...item,
      state: "problem",
      found: `${strange[0][0]} is not one of the pixel IDs that the collector was started with (${pixels.join(", ")}).`,
      todo: "Copy the ID from Ads Manager into init, and into your server's request.",
      seqs: evidence(strange.map(([, { newest }]) => newest)),
    };
  }
  if (seen.size === 1)
    return {
      ...item,
      state: "look",
      found: `One pixel ID in use: ${found}.`,
      todo: `Check it in Ads Manager. To have it checked here, start the collector with --pixel and the ID from there.`,
    };
  const alike = pairOfAlike([...seen.keys()]);
  if (alike)
    return {
      ...item,
      state: "problem",
      found: `${alike[0]} and ${alike[1]} are nearly the same: one may be mistyped.`,
      todo: "Compare both with the ID in Ads Manager.",
      seqs: evidence(alike.map((id) => seen.get(id).newest)),
    };
  return {
    ...item,
    state: "look",
    found,
    todo: "If you have only one pixel, all but one of these are wrong. To have this checked here, start the collector with --pixel and the ID from Ads Manager.",
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
      found: `${plural(withoutIdentity.length, "event")} came without a click ID, a browser ID and user data. The pixel measures nothing after a denial, so either this browser blocks cookies or something else sends events.`,
      todo: "Refuse cookies in a private window. No event must arrive after that.",
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
      found: `A visitor denied consent (${plural(denied.length, "report")}), and no event came with ${denied.length === 1 ? "that report" : "those reports"}.${later.length > 0 ? ` ${plural(later.length, "event")} arrived later, from ${later.length === 1 ? "a visitor" : "visitors"} who had not denied.` : ""}`,
      todo: "Whether your banner asks every visitor cannot be seen here. Check that in a private window.",
      seqs: evidence(markers.length > 0 ? markers : denied),
    };
  }
  return {
    ...item,
    state: "open",
    found:
      measured.length > 0
        ? "Events arrived, and no denial. From here, a site that asks and a site that never asks look the same."
        : "Nothing about consent has arrived yet.",
    todo: "Open the site in a private window and refuse cookies: one pixel status report that says “consent denied” may arrive, and no event. Then accept: events arrive.",
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
          ? `${plural(measured.length, "event")}, none with a click ID.`
          : "No event yet.",
      todo: "Open your landing page with ?oppref=test-click at the end of its address, as an ad does.",
    };
  const lost = lostClicks(measured);
  if (lost.length > 0)
    return {
      ...item,
      state: "problem",
      found: `${plural(lost.length, "event")} came without a click ID from a browser that had one before.`,
      todo: "Something deletes the cookie __oppref between two pages, for instance a consent banner or a server that rewrites cookies.",
      seqs: evidence(lost),
    };
  return {
    ...item,
    state: "yes",
    found: `${carrying.length.toLocaleString()} of ${plural(measured.length, "event")} ${carrying.length === 1 ? "carries" : "carry"} a click ID.`,
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
  const pairs = conversions.filter(
    (conversion) =>
      conversion.lookAlike !== undefined && sidesOf(conversion) === "browser",
  );
  if (pairs.length > 0) {
    const [first] = pairs;
    const { headline } = conversionWords(first);
    return {
      ...item,
      // the same amount alone may be chance
      state: pairs.some(({ shared }) => shared.length > 0) ? "problem" : "look",
      found: `${headline}: ${first.id} in the browser, ${first.lookAlike.id} from the server${pairs.length > 1 ? `; and ${plural(pairs.length - 1, "more pair")}` : ""}.`,
      todo: "If it is one purchase, send the same id from both, such as the order number: event_id in the browser, id on the server.",
      seqs: evidence(
        pairs.flatMap((conversion) => [
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
      found: `${plural(both.length, "conversion")} came from browser and server with the same id, and ${both.length === 1 ? "counts" : "count"} once.`,
      seqs: evidence(both.map(sampleOf)),
    };
  const fromServer = conversions.some(
    (conversion) => sidesOf(conversion) === "server",
  );
  return {
    ...item,
    state: "open",
    found: fromServer
      ? "Server events arrived, but none with the id of a browser event."
      : "No server event yet.",
    todo: "Send an order of the browser from your server too, or open the event here and copy it as curl. If only browsers send events, this does not matter.",
  };
};

/** Faults sorted by what they are about. */
const isAmountFault = ({ field }) => /amount|currency/.test(textOf(field));
const isFieldFault = ({ field, kind, expected }) =>
  kind === "unknown_field" ||
  /no such field/.test(textOf(expected)) ||
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

const callWords = ({ refusal }) => refusalSentence(refusal);

/** How many events and calls were refused, and why the newest one was. */
const foundFaults = (refused, calls, whyOf) => {
  const counts = [
    refused.length > 0 && `${plural(refused.length, "event")} refused`,
    calls.length > 0 &&
      `${plural(calls.length, "diagnostic")} with refused calls`,
  ].filter(Boolean);
  const why = refused.length > 0 ? whyOf(refused[0]) : callWords(calls[0]);
  return `${counts.join(", ")}. ${why}.`;
};

const firstFault = (entry, pick) => {
  const fault = faultsOf(entry).find(pick);
  return `${nameOf(entry.event)}: ${fault.field} ${faultSentence(fault)}`;
};

const amounts = ({ entries }) => {
  const item = {
    id: "amounts",
    title: "Amounts are integers with a currency",
  };
  const refused = refusedEntries(entries, isAmountFault);
  const calls = refusedCalls(entries, "amounts");
  if (refused.length + calls.length > 0)
    return {
      ...item,
      state: "problem",
      found: foundFaults(refused, calls, (entry) =>
        firstFault(entry, isAmountFault),
      ),
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
      todo: "Place an order, and compare its amount here with the one in your shop.",
    };
  const { amount, currency } = dataOf(withAmount[0].event);
  return {
    ...item,
    state: "yes",
    found: `${plural(withAmount.length, "amount")}, the latest ${formatMoney(amount, currency)}. Compare it with the one in your shop.`,
    seqs: evidence(withAmount),
  };
};

const fields = ({ entries }) => {
  const item = { id: "fields", title: "Event names and fields are known" };
  const refused = refusedEntries(entries, isFieldFault);
  const calls = refusedCalls(entries, "fields");
  if (refused.length + calls.length > 0)
    return {
      ...item,
      state: "problem",
      found: foundFaults(refused, calls, (entry) =>
        firstFault(entry, isFieldFault),
      ),
      todo: "Use only the event names and fields that docs/events.md lists. An event with any other is refused whole.",
      seqs: evidence([...refused, ...calls.map(({ entry }) => entry)]),
    };
  return allTaken(item, entries, "all with known names and fields");
};

const others = ({ entries }) => {
  const item = {
    id: "refused",
    title: "Nothing was refused for another reason",
  };
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
      found: foundFaults(refused, calls, whyRefused),
      todo: "Open each event: it says what was given and what is expected.",
      seqs: evidence([...refused, ...calls.map(({ entry }) => entry)]),
    };
  return allTaken(item, entries, "none refused for another reason");
};

const whyRefused = (entry) => {
  const [fault] = faultsOf(entry);
  return fault
    ? firstFault(entry, () => true)
    : `${nameOf(entry.event)}: ${entry.error ?? "the collector gave no reason"}`.replace(
        /\.$/,
        "",
      );
};

const allTaken = (item, entries, words) => {
  const measured = entries.filter(isMeasured);
  return measured.length === 0
    ? { ...item, ...NO_EVENT_YET }
    : {
        ...item,
        state: "yes",
        found: `${plural(measured.length, "event")}, ${words}.`,
      };
};

const CHECKS = [
  starts,
  pixelIds,
  consent,
  click,
  ownIds,
  ids,
  twice,
  amounts,
  fields,
  others,
  personal,
  warnings,
];
