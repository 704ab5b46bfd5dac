import { tally } from "../model/checklist.js";
import { formatShortTime, plural } from "../model/format.js";
import { visible } from "../model/escape-invisible.js";
import { EventLink, Icon } from "./components.jsx";

const STATES = {
  yes: "Yes",
  open: "Not seen yet",
  look: "Have a look",
  problem: "Problem",
};

/** `tested` are those of the `entries` that arrived after the event `since`, at which somebody has started a test. */
export const ChecklistView = ({
  items,
  entries,
  tested,
  since,
  setSince,
  hasOlder,
}) => (
  <section class="page-of checklist" aria-label="Launch checklist" tabIndex={0}>
    <div class="page-head">
      <div>
        <h2>{summaryWords(items)}</h2>
        <p class="muted">{scopeWords(entries, tested, since, hasOlder)}</p>
      </div>
      <p class="page-buttons">
        <button
          type="button"
          disabled={tested.length === 0}
          title="Count only what arrives from now on. The marker is in this page's address."
          onClick={() => setSince(entries[0].seq)}
        >
          Test starts here
        </button>
        {since > 0 && (
          <button type="button" onClick={() => setSince(0)}>
            Count everything
          </button>
        )}
      </p>
    </div>
    <ol class="checks">
      {items.map(({ id, title, state, found, todo, seqs }) => (
        <li key={id} class="check-item" data-check={id} data-state={state}>
          <Icon of={state} />
          <h3>{title}</h3>
          <span class="state-word" data-of={state}>
            {STATES[state]}
          </span>
          <div class="check-words">
            <p>
              {visible(found, 800)}{" "}
              {seqs?.length > 0 && (
                <span class="evidence">
                  {state === "yes" ? "For example" : "See"}{" "}
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

/** What the check counts, and how to make it forget what was wrong before a fix. */
const scopeWords = (entries, tested, since, hasOlder) => {
  if (since > 0) {
    const marker = entries.find(({ seq }) => seq <= since);
    const when = marker
      ? `after #${since}, ${formatShortTime(marker.received_ms)}`
      : `after #${since}`;
    return tested.length === 0
      ? `The test starts here (${when}). Nothing has arrived since: use your site as a customer does.`
      : `Counts the ${plural(tested.length, "event")} that arrived since “Test starts here” (${when}).`;
  }
  if (entries.length === 0)
    return "Counts everything that arrives. Use your site as a customer does.";
  const from = formatShortTime(entries.at(-1).received_ms);
  const all = hasOlder
    ? `Counts the newest ${plural(entries.length, "event")}, from ${from} on.`
    : `Counts everything since the last clear: ${plural(entries.length, "event")}, from ${from} on.`;
  return `${all} After a fix, press “Test starts here”, so that older events no longer count.`;
};

export const summaryWords = (items) => {
  const { yes, problem, look, open } = tally(items);
  return [
    `${yes} of ${items.length} confirmed`,
    problem > 0 && `${problem} ${problem === 1 ? "problem" : "problems"}`,
    look > 0 && `${look} to look at`,
    open > 0 && `${open} not seen yet`,
  ]
    .filter(Boolean)
    .join(" · ");
};
