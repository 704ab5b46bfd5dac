/** @import { Check } from "../types.d.ts" */
import {
  describeConversion,
  representativeOf,
  sourcesOf,
} from "../conversions.js";
import { plural } from "../format.js";
import { evidence } from "./shared.js";

/**
 * Whether browser and server send one id for one purchase.
 *
 * @type {Check}
 */
export const checkMatchingIds = ({ conversions }) => {
  const check = {
    id: "ids",
    title: "Browser and server send the same event ID",
  };
  const pairs = conversions.flatMap((conversion) =>
    conversion.probableDuplicate && sourcesOf(conversion) === "browser"
      ? [{ conversion, other: conversion.probableDuplicate }]
      : [],
  );
  if (pairs.length > 0) {
    const [{ conversion, other }] = pairs;
    const { headline } = describeConversion(conversion);
    // the same amount alone may be a coincidence
    const isSure = pairs.some(
      (pair) => (pair.conversion.shared ?? []).length > 0,
    );
    return {
      ...check,
      state: isSure ? "fail" : "review",
      found: `${headline}: ${conversion.id} in the browser, ${other.id} from the server${pairs.length > 1 ? `; and ${plural(pairs.length - 1, "more pair")}` : ""}.`,
      todo: "If this is one purchase, send the same ID from both, such as the order number: event_id in the browser, id on the server.",
      seqs: evidence(
        pairs.flatMap((pair) => [
          representativeOf(pair.conversion),
          representativeOf(pair.other),
        ]),
      ),
    };
  }
  const both = conversions.filter(
    (conversion) => sourcesOf(conversion) === "both",
  );
  if (both.length > 0)
    return {
      ...check,
      state: "pass",
      found: `${plural(both.length, "conversion")} arrived from browser and server with the same ID, and ${both.length === 1 ? "counts" : "count"} once.`,
      seqs: evidence(both.map(representativeOf)),
    };
  const fromServer = conversions.some(
    (conversion) => sourcesOf(conversion) === "server",
  );
  return {
    ...check,
    state: "pending",
    found: fromServer
      ? "Server events have arrived, but none with the ID of a browser event."
      : "No server event yet.",
    todo: "Send an order from the browser and from your server. For a quick test, open the browser's event here and copy it as curl. If only browsers send events, skip this.",
  };
};
