/** @import { CheckResult, CheckState, EventRecord } from "../model/types.d.ts" */
import { countByState } from "../model/checks/index.js";
import { escapeInvisible } from "../model/escape-invisible.js";
import { formatShortTime, plural } from "../model/format.js";
import { EventLink, Icon } from "./components.jsx";

/** @type {Record<CheckState, string>} */
const STATE_LABELS = {
  pass: "Passed",
  pending: "Not seen yet",
  review: "Review",
  fail: "Failed",
};

/**
 * @param {object} props
 * @param {CheckResult[]} props.results
 * @param {EventRecord[]} props.entries newest first
 * @param {EventRecord[]} props.tested those that arrived after `since`
 * @param {number} props.since the event at which a test starts, or 0
 * @param {(since: number) => void} props.setSince
 * @param {boolean} props.hasOlder whether the collector has more events
 */
export const ChecklistView = ({
  results,
  entries,
  tested,
  since,
  setSince,
  hasOlder,
}) => (
  <section
    class="scroll-page checklist"
    aria-label="Launch checklist"
    tabIndex={0}
  >
    <div class="page-head">
      <div>
        <h2>{summarize(results)}</h2>
        <p class="muted">{describeScope(entries, tested, since, hasOlder)}</p>
      </div>
      <p class="page-buttons">
        <button
          type="button"
          disabled={tested.length === 0}
          title="Check only events that arrive from now on. The start is part of this page's URL."
          onClick={() => setSince(entries[0].seq)}
        >
          Test starts here
        </button>
        {since > 0 && (
          <button type="button" onClick={() => setSince(0)}>
            Check all events
          </button>
        )}
      </p>
    </div>
    <ol class="checks">
      {results.map(({ id, title, state, found, todo, seqs = [] }) => (
        <li key={id} class="check-item" data-check={id} data-state={state}>
          <Icon of={state} />
          <h3>{title}</h3>
          <span class="state-word" data-of={state}>
            {STATE_LABELS[state]}
          </span>
          <div class="check-words">
            <p>
              {escapeInvisible(found, 800)}{" "}
              {seqs.length > 0 && (
                <span class="evidence">
                  {state === "pass" ? "For example" : "See"}{" "}
                  {seqs.map((seq) => (
                    <EventLink key={seq} seq={seq} />
                  ))}
                </span>
              )}
            </p>
            {todo && <p class="todo">{todo}</p>}
          </div>
        </li>
      ))}
    </ol>
  </section>
);

/**
 * Which events are checked, and how to leave out those from before a fix.
 *
 * @param {EventRecord[]} entries
 * @param {EventRecord[]} tested
 * @param {number} since
 * @param {boolean} hasOlder
 */
const describeScope = (entries, tested, since, hasOlder) => {
  if (since > 0) {
    const marker = entries.find(({ seq }) => seq <= since);
    const when = marker
      ? `after #${since}, ${formatShortTime(marker.received_ms)}`
      : `after #${since}`;
    return tested.length === 0
      ? `The test starts here (${when}). Nothing has arrived since then. Use your site as a customer does.`
      : `Checks the ${plural(tested.length, "event")} that arrived since “Test starts here” (${when}).`;
  }
  const oldest = entries.at(-1);
  if (oldest === undefined)
    return "Checks all events that arrive. Use your site as a customer does.";
  const from = formatShortTime(oldest.received_ms);
  const scope = hasOlder
    ? `Checks the newest ${plural(entries.length, "event")}, from ${from} on.`
    : `Checks all events since the last clear: ${plural(entries.length, "event")}, from ${from} on.`;
  return `${scope} After a fix, press “Test starts here” to leave older events out.`;
};

/** @param {CheckResult[]} results */
export const summarize = (results) => {
  const { pass, fail, review, pending } = countByState(results);
  return [
    `${pass} of ${results.length} passed`,
    fail > 0 && `${fail} failed`,
    review > 0 && `${review} to review`,
    pending > 0 && `${pending} not seen yet`,
  ]
    .filter(Boolean)
    .join(" · ");
};
