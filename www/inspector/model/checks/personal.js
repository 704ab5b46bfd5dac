import { listed, plural } from "../format.js";
import { NAME, personalData } from "../personal.js";
import { evidence, isMeasured, NO_EVENT_YET } from "./shared.js";

/** Identifiers of a person in fields that nothing hashes. */
export const personal = ({ entries }) => {
  const item = {
    id: "personal",
    title: "No personal data outside the hashed fields",
  };
  const byField = new Map();
  const holding = entries.filter((entry) => {
    const findings = personalData(entry);
    for (const { field, kind } of findings) {
      const words = `${field} ${kind}`;
      const known = byField.get(words) ?? { field, kind, count: 0 };
      known.count += 1;
      byField.set(words, known);
    }
    return findings.length > 0;
  });
  if (holding.length > 0) {
    const all = [...byField.values()];
    const inPath = all.some(({ field }) => field.startsWith("the path"));
    return {
      ...item,
      // a name is also a city's or an article's
      state: all.every(({ kind }) => kind === NAME) ? "look" : "problem",
      found: `${listed(
        all
          .slice(0, MOST_NAMED)
          .map(
            ({ field, kind, count }) =>
              `${field} holds ${kind} (${plural(count, "event")})`,
          ),
      )}${all.length > MOST_NAMED ? `, and ${all.length - MOST_NAMED} more fields` : ""}.`,
      todo: `These fields are sent as they are, not hashed. Take the value out, and pass e-mail addresses, phone numbers and names in user, where the pixel hashes them.${inPath ? " For the path of an address, oaiq.config.redactPath takes it out." : ""}`,
      seqs: evidence(holding),
    };
  }
  const measured = entries.filter(isMeasured);
  if (measured.length === 0) return { ...item, ...NO_EVENT_YET };
  return {
    ...item,
    state: "yes",
    found: `${plural(measured.length, "event")} without an e-mail address, phone number or name in ids, items, plan, city or path, as far as a program can tell.`,
  };
};

const MOST_NAMED = 4;
