/** @import { Check, EventRecord } from "../types.d.ts" */
import { isServer } from "../event.js";
import { joinWords, plural } from "../format.js";
import { warningsOf } from "../verdict.js";
import { evidence } from "./shared.js";

const MAX_LISTED = 6;

/**
 * Whether the collector accepts server events without a warning. Most warnings are about older field names.
 *
 * @type {Check}
 */
export const checkWarnings = ({ entries }) => {
  const check = { id: "warnings", title: "Server events raise no warning" };
  const warned = entries.filter((entry) => warningsOf(entry).length > 0);
  if (warned.length > 0) {
    const { found, hasOlderNames } = summarize(warned);
    return {
      ...check,
      state: "review",
      found: `${plural(warned.length, "server event")}. ${found}`,
      todo: hasOlderNames
        ? "Use the new names. The collector accepts both; whether OpenAI still does is not documented."
        : "Open each event: it shows what to change.",
      seqs: evidence(warned),
    };
  }
  const fromServer = entries.filter((entry) => entry.event && isServer(entry));
  if (fromServer.length === 0)
    return {
      ...check,
      state: "pending",
      found: "No server event yet.",
      todo: "Send one from your server. If only browsers send events, skip this.",
    };
  return {
    ...check,
    state: "pass",
    found: `${plural(fromServer.length, "server event")}, ${fromServer.length === 1 ? "without a warning" : "none with a warning"}.`,
  };
};

/** @param {EventRecord[]} warned */
const summarize = (warned) => {
  const all = warned.flatMap(warningsOf);
  const renamed = new Map(
    all
      .filter(({ use }) => use !== undefined)
      .map(({ field, use }) => [field, `${field} (now ${use})`]),
  );
  const other = all.find(({ use }) => use === undefined);
  const found = [
    renamed.size > 0 &&
      `Older field names: ${joinWords([...renamed.values()].slice(0, MAX_LISTED))}.`,
    other && `${other.field}: ${other.message ?? "see the event"}`,
  ].filter(Boolean);
  return { found: found.join(" "), hasOlderNames: renamed.size > 0 };
};
