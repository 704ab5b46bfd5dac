/** @import { Check } from "../types.d.ts" */
import { allAccepted, findRejected } from "./rejected.js";

/**
 * Whether events have only names and fields that exist.
 *
 * @type {Check}
 */
export const checkKnownFields = ({ entries }) => {
  const check = { id: "fields", title: "Event names and fields are known" };
  const rejected = findRejected(entries, "fields");
  return rejected
    ? {
        ...check,
        ...rejected,
        todo: "Use only the event names and fields in docs/events.md. An event with any other name or field is rejected as a whole.",
      }
    : {
        ...check,
        ...allAccepted(entries, "all with known names and fields"),
      };
};
