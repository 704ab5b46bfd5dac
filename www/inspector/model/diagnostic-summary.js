import { asObject } from "./event.js";
import { toText } from "./to-text.js";

/**
 * What a diagnostic reports besides rejected calls. `fact` is a short, stable name.
 *
 * @param {Record<string, unknown>} data the diagnostic's data
 */
export function summarizeDiagnostic(data) {
  /** @type {{ fact: string, words: string }[]} */
  const facts = [];
  /**
   * @param {string} fact
   * @param {string} words
   */
  const add = (fact, words) => facts.push({ fact, words });

  if (data.is_first_visit_in_session === true)
    add("first-visit", "first visit in this session");
  if (data.is_first_consent_grant_in_session === true)
    add("first-grant", "first consent in this session");
  if (data.consent === true) add("consent-granted", "consent granted");
  if (data.consent === false) add("consent-denied", "consent denied");
  if (data.config) add("settings", describeConfig(asObject(data.config)));
  return facts;
}

/**
 * Whether it marks a session's first visit or first consent. Such a diagnostic has no identity even where consent is
 * granted.
 *
 * @param {Record<string, unknown>} data the diagnostic's data
 */
export function isSessionMarker(data) {
  return (
    data.is_first_visit_in_session === true ||
    data.is_first_consent_grant_in_session === true
  );
}

/** The states of `automatic_advanced_matching`. @type {Map<unknown, string>} */
const MATCHING = new Map([
  ["enabled", "automatic advanced matching on"],
  ["disabled", "automatic advanced matching off"],
  ["not_found", "not found for this pixel (404)"],
  ["invalid", "the response is not valid JSON"],
  ["request_failed", "the request failed"],
]);

/** @param {Record<string, unknown>} config */
function describeConfig(config) {
  const state = config.automatic_advanced_matching;
  const words = `pixel config: ${MATCHING.get(state) ?? toText(state ?? "not reported")}`;
  if (config.retry_attempted !== true) return words;
  return config.retry_succeeded === true
    ? `${words}, after one retry`
    : `${words}, and the retry failed too`;
}
