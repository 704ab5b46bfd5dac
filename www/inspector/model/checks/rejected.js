/** Rejected events and calls, by what is wrong with them. */
/** @import { CheckResult, EventRecord, Rejection, Violation } from "../types.d.ts" */
/** @import { ViolationCode } from "../schema.gen.js" */
import { dataOf, displayName, isMeasured } from "../event.js";
import { plural } from "../format.js";
import {
  describeRejection,
  explainRejections,
  reportsRejections,
} from "../rejections.js";
import { toText } from "../to-text.js";
import { describeViolation, isRejected, violationsOf } from "../verdict.js";
import { evidence, NO_EVENT_YET } from "./shared.js";

/** @typedef {"amounts" | "fields" | "other"} Topic */

/** @type {ViolationCode} */
const UNKNOWN_FIELD = "unknown_field";

/**
 * @param {Violation} violation
 * @returns {Topic}
 */
const topicOfViolation = ({ code, field }) => {
  const path = toText(field);
  // `type` is the event's name
  if (code === UNKNOWN_FIELD || path === "type") return "fields";
  return /(^|\.)(amount|currency)$/.test(path) ? "amounts" : "other";
};

/**
 * What a call that the pixel rejected is about. The protocol has no code for unknown fields, empty strings and wrong
 * shapes.
 *
 * @param {Rejection} rejection
 * @returns {Topic}
 */
const topicOfRejection = ({ reason, code }) => {
  if (code === "invalid_amount" || code === "missing_currency")
    return "amounts";
  if (reason === "unsupported_event_name") return "fields";
  const isAboutFields =
    code === undefined &&
    (reason === "invalid_event_props" || reason === "invalid_event_options");
  return isAboutFields ? "fields" : "other";
};

/**
 * Whether a rejected event has to do with a topic. "Other" are those that have to do with no other one.
 *
 * @param {EventRecord} entry
 * @param {Topic} topic
 */
const isAbout = (entry, topic) => {
  const topics = violationsOf(entry).map(topicOfViolation);
  return topic === "other"
    ? topics.every((one) => one === "other")
    : topics.includes(topic);
};

/**
 * @param {EventRecord[]} entries
 * @param {Topic} topic
 */
const rejectedCalls = (entries, topic) =>
  entries
    .filter(({ event }) => reportsRejections(event))
    .flatMap((entry) =>
      explainRejections(dataOf(entry.event)).map((rejection) => ({
        entry,
        rejection,
      })),
    )
    .filter(({ rejection }) => topicOfRejection(rejection) === topic);

/**
 * How many events and calls were rejected for a topic, and why the newest was. Undefined where none was.
 *
 * @param {EventRecord[]} entries
 * @param {Topic} topic
 * @returns {Pick<CheckResult, "state" | "found" | "seqs"> | undefined}
 */
export const findRejected = (entries, topic) => {
  const events = entries.filter(
    (entry) => isRejected(entry) && isAbout(entry, topic),
  );
  const calls = rejectedCalls(entries, topic);
  if (events.length + calls.length === 0) return undefined;
  const counts = [
    events.length > 0 && `${plural(events.length, "event")} rejected`,
    calls.length > 0 &&
      `${plural(calls.length, "diagnostic")} with rejected calls`,
  ].filter(Boolean);
  const why =
    events.length > 0
      ? describeRejectedEvent(events[0], topic)
      : describeRejection(calls[0].rejection);
  return {
    state: "fail",
    found: `${counts.join(", ")}. ${why}.`,
    seqs: evidence([...events, ...calls.map(({ entry }) => entry)]),
  };
};

/**
 * @param {EventRecord} entry
 * @param {Topic} topic
 */
const describeRejectedEvent = (entry, topic) => {
  const name = displayName(entry.event);
  const violation = violationsOf(entry).find(
    (one) => topicOfViolation(one) === topic,
  );
  if (violation)
    return `${name}: ${violation.field} ${describeViolation(violation)}`;
  return `${name}: ${entry.error ?? "the collector gave no reason"}`.replace(
    /\.$/,
    "",
  );
};

/**
 * The result where nothing was rejected.
 *
 * @param {EventRecord[]} entries
 * @param {string} words
 * @returns {Pick<CheckResult, "state" | "found" | "todo">}
 */
export const allAccepted = (entries, words) => {
  const measured = entries.filter(isMeasured);
  if (measured.length === 0) return NO_EVENT_YET;
  return {
    state: "pass",
    found: `${plural(measured.length, "event")}, ${words}.`,
  };
};
