/** Events that were measured more than once: by code that runs twice on a page, or by a reload of the page. */
/** @import { EventRecord, Repeats } from "./types.d.ts" */
import { browserIdOf, isFromBrowser, isGeneratedId, timeOf } from "./event.js";
import { addTo } from "./multimap.js";
import { ONE_TIME_EVENTS } from "./schema.gen.js";
import { toText } from "./to-text.js";
import { isRejectedOrTest } from "./verdict.js";

/** People do not repeat an action this quickly; code does. */
const DOUBLE_FIRE_MS = 1000;
/** A confirmation page that is shown again within this time was reloaded; later, it is rather another order. */
const RELOAD_MS = 30 * 60 * 1000;

/**
 * Finds events that repeat an earlier one of the same browser on the same page, with the same data but another id.
 *
 * @param {EventRecord[]} newestFirst
 * @returns {Repeats}
 */
export const findRepeats = (newestFirst) => {
  /** @type {Map<string, EventRecord[]>} */
  const groups = new Map();
  for (const entry of [...newestFirst].reverse()) {
    const fingerprint = fingerprintOf(entry);
    if (fingerprint !== undefined) addTo(groups, fingerprint, entry);
  }
  /** @type {Repeats} */
  const repeats = { doubleFires: new Map(), reloads: new Map() };
  for (const entries of groups.values()) {
    if (entries.length === 1) continue;
    entries.sort((one, other) => timeOf(one) - timeOf(other));
    entries.forEach((entry, i) => {
      const before = entries[i - 1];
      if (!before || before.event?.id === entry.event?.id) return;
      const apart = timeOf(entry) - timeOf(before);
      if (apart <= DOUBLE_FIRE_MS) repeats.doubleFires.set(entry, before);
      else if (apart <= RELOAD_MS && lacksOwnId(entry) && lacksOwnId(before))
        repeats.reloads.set(entry, before);
    });
  }
  return repeats;
};

/**
 * Whether it is an order or another one-time event whose call has no `event_id`. Its repetition counts again.
 *
 * @param {EventRecord} entry
 */
export const lacksOwnId = (entry) =>
  isFromBrowser(entry) &&
  ONE_TIME_EVENTS.has(toText(entry.event.type)) &&
  isGeneratedId(entry.event.id);

/** @type {WeakMap<EventRecord, string>} */
const fingerprints = new WeakMap();

/**
 * What two measurements of one action have in common. Undefined for events that no browser measured.
 *
 * @param {EventRecord} entry
 */
const fingerprintOf = (entry) => {
  if (!isFromBrowser(entry) || isRejectedOrTest(entry)) return undefined;
  let fingerprint = fingerprints.get(entry);
  if (fingerprint === undefined) {
    const { event, pixel, batch } = entry;
    fingerprint = toText([
      pixel,
      // without a browser ID, only events of one request are known to be of one browser
      browserIdOf(entry) ?? `request ${batch}`,
      toText(event.custom_event_name ?? event.type),
      toText(event.source_url),
      canonicalJson(event.data),
    ]);
    fingerprints.set(entry, fingerprint);
  }
  return fingerprint;
};

/**
 * JSON that does not depend on the order of fields.
 *
 * @param {unknown} value
 */
const canonicalJson = (value) => {
  try {
    return JSON.stringify(value, (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1))
        : part,
    );
  } catch {
    return toText(value);
  }
};
