/** Events that were measured more than once: by code that runs twice on one page, or by a page that was loaded again. */
import {
  browserOf,
  HAPPENS_ONCE,
  isGeneratedId,
  isInternal,
  isServer,
  timeOf,
} from "./event.js";
import { textOf } from "./to-text.js";
import { verdictOf } from "./verdict.js";

/** Nobody does the same thing again so quickly; code does. */
const TWICE_MS = 1000;
/** Within this a confirmation page that is shown again is a reload rather than another order. */
const RELOAD_MS = 30 * 60 * 1000;

/**
 * `{twice, reloaded}`, each a Map from an entry to the earlier one that it repeats: the same event with the same data of
 * one browser on one page, under another id. `twice`: within a second. `reloaded`: an order or the like that came again
 * later, with ids that the pixel has generated.
 */
export const repeatsOf = (newestFirst) => {
  const alike = new Map();
  for (let i = newestFirst.length - 1; i >= 0; i -= 1) {
    const likeness = likenessOf(newestFirst[i]);
    if (likeness === undefined) continue;
    if (!alike.has(likeness)) alike.set(likeness, []);
    alike.get(likeness).push(newestFirst[i]);
  }
  const twice = new Map();
  const reloaded = new Map();
  for (const entries of alike.values()) {
    if (entries.length === 1) continue;
    entries.sort((one, other) => timeOf(one) - timeOf(other));
    entries.forEach((entry, i) => {
      const before = entries[i - 1];
      if (!before || before.event.id === entry.event.id) return;
      const apart = timeOf(entry) - timeOf(before);
      if (apart <= TWICE_MS) twice.set(entry, before);
      else if (apart <= RELOAD_MS && lacksOwnId(entry) && lacksOwnId(before))
        reloaded.set(entry, before);
    });
  }
  return { twice, reloaded };
};

/** Whether it is an order or the like whose call had no `event_id`, so that it cannot be told from its repetition. */
export const lacksOwnId = (entry) =>
  !isServer(entry) &&
  entry.event !== null &&
  typeof entry.event === "object" &&
  HAPPENS_ONCE.has(entry.event.type) &&
  isGeneratedId(entry.event.id);

const known = new WeakMap();

/** What two measurements of one thing share. Undefined for what is not measured by a browser. */
const likenessOf = (entry) => {
  const { event, pixel, batch } = entry;
  if (!event || isInternal(event) || isServer(entry)) return undefined;
  if (["refused", "valid"].includes(verdictOf(entry).name)) return undefined;
  let likeness = known.get(entry);
  if (likeness === undefined) {
    likeness = textOf([
      pixel,
      // without a browser ID, only the events of one request are known to be of one browser
      browserOf(entry) ?? `request ${batch}`,
      textOf(event.custom_event_name ?? event.type),
      textOf(event.source_url),
      sorted(event.data),
    ]);
    known.set(entry, likeness);
  }
  return likeness;
};

/** JSON in which the order of fields makes no difference. */
const sorted = (value) => {
  try {
    return JSON.stringify(value, (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1))
        : part,
    );
  } catch {
    return textOf(value);
  }
};
