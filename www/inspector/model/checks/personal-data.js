/** @import { Check, EventRecord } from "../types.d.ts" */
import { isMeasured } from "../event.js";
import { joinWords, plural } from "../format.js";
import { findPersonalData, NAME } from "../personal.js";
import { evidence, NO_EVENT_YET } from "./shared.js";

const MAX_LISTED = 4;

/**
 * Whether fields that are not hashed are free of e-mail addresses, phone numbers and names.
 *
 * @type {Check}
 */
export const checkPersonalData = ({ entries }) => {
  const check = {
    id: "personal",
    title: "No personal data outside the hashed fields",
  };
  const found = entries.filter((entry) => findPersonalData(entry).length > 0);
  if (found.length > 0) {
    const counts = countFindings(found);
    const list = counts
      .slice(0, MAX_LISTED)
      .map(
        ({ field, kind, count }) =>
          `${field} holds ${kind} (${plural(count, "event")})`,
      );
    const more = counts.length - MAX_LISTED;
    const inPath = counts.some(({ field }) => field.startsWith("the path"));
    return {
      ...check,
      // what looks like a name may also be a city or an article
      state: counts.every(({ kind }) => kind === NAME) ? "review" : "fail",
      found: `${joinWords(list)}${more > 0 ? `, and ${more} more fields` : ""}.`,
      todo: `These fields are not hashed. Remove the value, and pass e-mail addresses, phone numbers and names in user, where the pixel hashes them.${inPath ? " For the path of a URL, use oaiq.config.redactPath." : ""}`,
      seqs: evidence(found),
    };
  }
  const measured = entries.filter(isMeasured);
  if (measured.length === 0) return { ...check, ...NO_EVENT_YET };
  return {
    ...check,
    state: "pass",
    found: `${plural(measured.length, "event")}. No e-mail address, phone number or name was recognized in IDs, items, plan, city or path.`,
  };
};

/**
 * How many events have each kind of personal data in each field.
 *
 * @param {EventRecord[]} entries
 */
const countFindings = (entries) => {
  /** @type {Map<string, { field: string, kind: string, count: number }>} */
  const counts = new Map();
  for (const { field, kind } of entries.flatMap(findPersonalData)) {
    const key = `${field} ${kind}`;
    const known = counts.get(key) ?? { field, kind, count: 0 };
    known.count += 1;
    counts.set(key, known);
  }
  return [...counts.values()];
};
