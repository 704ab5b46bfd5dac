import { isServer } from "../event.js";
import { listed, plural } from "../format.js";
import { warningsOf } from "../verdict.js";
import { evidence } from "./shared.js";

/** What the collector warns of in server events that it takes: above all names of the older Conversions API. */
export const warnings = ({ entries }) => {
  const item = {
    id: "warnings",
    title: "Server events raise no warning",
  };
  const warned = entries.filter((entry) => warningsOf(entry).length > 0);
  if (warned.length > 0) {
    const all = warned.flatMap(warningsOf);
    const renamed = new Map(
      all
        .filter(({ use }) => use !== undefined)
        .map(({ field, use }) => [field, `${field} (now ${use})`]),
    );
    const other = all.find(({ use }) => use === undefined);
    const found = [
      renamed.size > 0 &&
        `Names of an older Conversions API: ${listed([...renamed.values()].slice(0, MOST_NAMED))}.`,
      other && `${other.field}: ${other.message ?? "see the event"}`,
    ].filter(Boolean);
    return {
      ...item,
      state: "look",
      found: `${plural(warned.length, "server event")}. ${found.join(" ")}`,
      todo:
        renamed.size > 0
          ? "Use the new names. The collector takes both; it is not documented whether OpenAI still does."
          : "Open each event: it says what to do.",
      seqs: evidence(warned),
    };
  }
  const fromServer = entries.filter((entry) => entry.event && isServer(entry));
  if (fromServer.length === 0)
    return {
      ...item,
      state: "open",
      found: "No server event yet.",
      todo: "Send one from your server. If only browsers send events, this does not matter.",
    };
  return {
    ...item,
    state: "yes",
    found: `${plural(fromServer.length, "server event")}, ${fromServer.length === 1 ? "without a warning" : "none with a warning"}.`,
  };
};

const MOST_NAMED = 6;
