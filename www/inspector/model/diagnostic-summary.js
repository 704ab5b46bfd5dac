import { textOf } from "./to-text.js";

/** What a diagnostic says besides refused calls, as `{fact, words}`; `fact` is a short, stable name. */
export function diagnosticFacts(data) {
  const facts = [];
  const say = (fact, words) => facts.push({ fact, words });

  if (data.is_first_visit_in_session === true) {
    say("first-visit", "first visit in this session");
  }
  if (data.is_first_consent_grant_in_session === true) {
    say("first-grant", "first time consent was given in this session");
  }
  if (data.consent === true) say("consent-granted", "consent granted");
  if (data.consent === false) say("consent-denied", "consent denied");
  if (data.config) say("settings", settingsInWords(data.config));
  return facts;
}

/** A session marker goes without identity even when consent is granted. */
export function isSessionMarker(data) {
  return (
    data.is_first_visit_in_session === true ||
    data.is_first_consent_grant_in_session === true
  );
}

const MATCHING = new Map([
  ["enabled", "automatic advanced matching on"],
  ["disabled", "automatic advanced matching off"],
  ["not_found", "not found for this pixel (404)"],
  ["invalid", "the response is not valid JSON"],
  ["request_failed", "the request failed"],
]);

function settingsInWords(config) {
  const state = config.automatic_advanced_matching;
  const words = `pixel config: ${MATCHING.get(state) ?? textOf(state ?? "not reported")}`;
  if (config.retry_attempted !== true) return words;
  return config.retry_succeeded === true
    ? `${words}, after one retry`
    : `${words}, and so did the retry`;
}
