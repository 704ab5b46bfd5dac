import { tally } from "../model/checklist.js";
import { visible } from "../model/visible.js";
import { EventLink, Icon } from "./parts.jsx";

const STATES = {
  yes: "Yes",
  open: "Not yet seen",
  look: "Have a look",
  problem: "Problem",
};

export const ChecklistView = ({ items }) => (
  <section class="page-of checklist" aria-label="Launch checklist" tabIndex={0}>
    <div class="page-head">
      <h2>{summaryWords(items)}</h2>
      <p class="muted">
        Ticked from what has arrived here. Use the site as a customer does, and
        it fills.
      </p>
    </div>
    <ol class="checks">
      {items.map(({ id, title, state, found, todo, seqs }) => (
        <li key={id} class="check-item" data-check={id} data-state={state}>
          <Icon of={state} />
          <div>
            <h3>
              {title}
              <span class="state-word" data-of={state}>
                {STATES[state]}
              </span>
            </h3>
            <p>
              {visible(found, 600)}
              {seqs?.length > 0 && (
                <span class="evidence">
                  {" "}
                  {state === "yes" ? "For instance" : "See"}{" "}
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

export const summaryWords = (items) => {
  const { yes, problem, look } = tally(items);
  return [
    `${yes} of ${items.length} confirmed`,
    problem > 0 && `${problem} ${problem === 1 ? "problem" : "problems"}`,
    look > 0 && `${look} to look at`,
  ]
    .filter(Boolean)
    .join(" · ");
};
