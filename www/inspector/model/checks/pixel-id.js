/** @import { Check, EventRecord } from "../types.d.ts" */
import { plural } from "../format.js";
import { evidence } from "./shared.js";

/** More IDs than this come from a load test. */
const MAX_COMPARED = 50;

const MAX_LISTED = 5;

/**
 * Whether the events have the pixel ID that the collector was started with or, without one, whether IDs look mistyped.
 *
 * @type {Check}
 */
export const checkPixelId = ({ entries, pixels }) => {
  const check = { id: "pixel", title: "The pixel ID is the right one" };
  const seen = groupByPixel(entries);
  if (seen.size === 0)
    return {
      ...check,
      state: "pending",
      found: "No event yet.",
      todo: "Open a page of your site that has the install snippet.",
    };
  const found = listIds(seen);

  if (pixels.length > 0) {
    const unexpected = [...seen].filter(([id]) => !pixels.includes(id));
    if (unexpected.length === 0) return { ...check, state: "pass", found };
    return {
      ...check,
      state: "fail",
      found: `${unexpected[0][0]} is not one of the pixel IDs that the collector was started with (${pixels.join(", ")}).`,
      todo: "Copy the ID from Ads Manager into init, and into the requests of your server.",
      seqs: evidence(unexpected.map(([, { newest }]) => newest)),
    };
  }
  if (seen.size === 1)
    return {
      ...check,
      state: "review",
      found: `One pixel ID: ${found}.`,
      todo: "Compare it with the ID in Ads Manager. To have it checked here, start the collector with --pixel and that ID.",
    };
  const newestOf = [...seen].map(([id, { newest }]) => ({ id, newest }));
  const pair = findSimilarPair(newestOf);
  if (pair)
    return {
      ...check,
      state: "fail",
      found: `${pair[0].id} and ${pair[1].id} are nearly the same. One of them may be mistyped.`,
      todo: "Compare both with the ID in Ads Manager.",
      seqs: evidence(pair.map(({ newest }) => newest)),
    };
  return {
    ...check,
    state: "review",
    found,
    todo: "If you have only one pixel, the other IDs are wrong. To have them checked here, start the collector with --pixel and the ID from Ads Manager.",
    seqs: evidence(newestOf.map(({ newest }) => newest)),
  };
};

/** @typedef {{ count: number, newest: EventRecord }} PixelEvents */

/** @param {EventRecord[]} newestFirst */
const groupByPixel = (newestFirst) => {
  /** @type {Map<string, PixelEvents>} */
  const seen = new Map();
  for (const entry of newestFirst) {
    if (typeof entry.pixel !== "string" || entry.pixel === "") continue;
    const known = seen.get(entry.pixel) ?? { count: 0, newest: entry };
    known.count += 1;
    seen.set(entry.pixel, known);
  }
  return seen;
};

/** @param {Map<string, PixelEvents>} seen */
const listIds = (seen) => {
  const list = [...seen]
    .sort(([, one], [, other]) => other.count - one.count)
    .map(([id, { count }]) => `${id} (${plural(count, "event")})`);
  if (list.length === 1) return list[0];
  const more = list.length > MAX_LISTED ? ", …" : "";
  return `${list.length} IDs: ${list.slice(0, MAX_LISTED).join(", ")}${more}`;
};

/**
 * Two IDs that differ in case only, or in at most two characters.
 *
 * @template {{ id: string }} T
 * @param {T[]} all
 */
const findSimilarPair = (all) => {
  const some = all.slice(0, MAX_COMPARED);
  for (const [i, one] of some.entries())
    for (const other of some.slice(i + 1))
      if (areSimilar(one.id, other.id)) return [one, other];
  return undefined;
};

/**
 * @param {string} one
 * @param {string} other
 */
const areSimilar = (one, other) => {
  if (one.trim().toLowerCase() === other.trim().toLowerCase()) return true;
  const shorter = Math.min(one.length, other.length);
  // "A" and "B" differ by one character too
  return shorter >= 6 && shorter <= 100 && levenshteinDistance(one, other) <= 2;
};

/**
 * @param {string} one
 * @param {string} other
 */
const levenshteinDistance = (one, other) => {
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
