// oaiq.consent.min.js. The script loads this file for pages that wait for an answer about consent, for pages that redact paths,
// and when a page calls oaiq("forget") (www/pixel/consent-gate.js).

import { isInit, isPending } from "./call-text.js";
import { forget } from "./forget.js";
import { consentState, openGate } from "./gate.js";
import { each } from "./lists.js";
import { readOptions } from "./options.js";
import { createRedactor } from "./redact.js";
import { warn } from "../pixel/safe-builtins.js";

/** @typedef {import("../pixel/consent-gate.js").Gate} Gate */
/** @typedef {typeof start} Start */

/**
 * What www/pixel/consent-gate.js passes to this file.
 *
 * @param {boolean} isForgotten
 * @param {Element | null | undefined} scriptElement
 * @param {(gate: Gate) => void} setGate
 * @param {Gate} forwardUnredacted
 * @param {string} landingClickId
 * @param {typeof import("../pixel/trace.js").trace} trace
 */
const start = (
  isForgotten,
  scriptElement,
  setGate,
  forwardUnredacted,
  landingClickId,
  trace,
) => {
  if (isForgotten) {
    Object.assign(consentState(), { state: "denied", source: "forget" });
    // tells the script that this file has arrived
    setGate(() => {});
    forget();
    return;
  }
  const { config } = window.oaiq;
  const options = readOptions(
    (name) => scriptElement?.getAttribute(name),
    config,
  );
  const redact =
    options.redactPath !== false && createRedactor(options.redactPath, warn);
  /** @type {Gate} */
  const forward = (call) => forwardUnredacted(redact ? redact(call) : call);
  const open = () =>
    openGate({ options, config, setGate, forward, landingClickId, trace });
  if (options.mustAsk) return open();

  each(options.warnings, warn);
  let hasStarted = false;
  /** @type {Gate | undefined} */
  let gate;
  setGate((call) => {
    // the first init says whether the visitor must be asked
    if (!hasStarted && isPending(call)) gate = open();
    hasStarted ||= isInit(call) || call.parts[0] === '"consent"';
    (gate ?? forward)(call);
  });
};

try {
  window.oaiq.__consent(start);
} catch (error) {
  warn(
    `nothing is measured before oaiq("consent", true): an internal error, please report it: ${error}`,
  );
}
