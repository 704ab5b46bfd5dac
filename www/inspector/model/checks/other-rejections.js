/** @import { Check } from "../types.d.ts" */
import { allAccepted, findRejected } from "./rejected.js";

/**
 * Whether events are rejected for reasons that no other check has.
 *
 * @type {Check}
 */
export const checkOtherRejections = ({ entries }) => {
  const check = {
    id: "other-rejections",
    title: "No event is rejected for another reason",
  };
  const rejected = findRejected(entries, "other");
  return rejected
    ? {
        ...check,
        ...rejected,
        todo: "Open each event: it shows what was sent and what is expected.",
      }
    : {
        ...check,
        ...allAccepted(entries, "none rejected for another reason"),
      };
};
