import { batchCard } from "./batch-card.js";
import { eventRow } from "./event-row.js";
import { kindOf } from "./kind.js";

/** The list of requests on the page. Rows are made once; filtering hides them. */
export class EventView {
  #root;
  /** Newest first: `{card, rows: [{entry, element, shown}]}`; `shown` is the text of the row and of its request. */
  #batches = [];
  #isVisible = () => true;

  constructor(root) {
    this.#root = root;
  }

  /** Shows these entries and no others. */
  replace(newestFirst, isRepeat) {
    this.#root.replaceChildren();
    this.#batches = [];
    this.prepend(newestFirst, isRepeat);
  }

  /** `arrived`: they came just now, which the eye should notice. */
  prepend(newestFirst, isRepeat, arrived = false) {
    const made = groupByBatch(newestFirst).map((entries) => {
      const { card, head, list } = batchCard(entries);
      const rows = entries.map((entry) => {
        const element = eventRow(entry, isRepeat(entry));
        const shown = `${head.textContent} ${element.textContent}`;
        return { entry, element, shown };
      });
      list.append(...rows.map((row) => row.element));
      card.classList.toggle("arrived", arrived);
      return { card, rows };
    });
    made.forEach((batch) => this.#hideUnmatched(batch));
    this.#batches.unshift(...made);
    this.#root.prepend(...made.map(({ card }) => card));
  }

  /** Keeps the newest rows, `most` of them. */
  trim(most) {
    let surplus = this.#rows().length - most;
    while (surplus > 0) {
      const oldest = this.#batches.at(-1);
      const removed = oldest.rows.splice(-surplus);
      removed.forEach((row) => row.element.remove());
      surplus -= removed.length;
      if (oldest.rows.length > 0) break;
      oldest.card.remove();
      this.#batches.pop();
    }
  }

  /** `isVisible(entry, shown)`: `shown` is the text that the row and its request show. */
  filter(isVisible) {
    this.#isVisible = isVisible;
    this.#batches.forEach((batch) => this.#hideUnmatched(batch));
  }

  /** The entries that are not hidden, newest first. */
  visibleEntries() {
    return this.#rows()
      .filter((row) => !row.element.hidden)
      .map((row) => row.entry);
  }

  /** How many rows there are, and how many of each sort; `refused` counts calls. */
  counts() {
    const rows = this.#rows();
    const internal = rows.filter(
      ({ entry }) => kindOf(entry.event) === "internal",
    ).length;
    const refused = rows.reduce(
      (sum, row) => sum + Number(row.element.dataset.refused ?? 0),
      0,
    );
    const visible = rows.filter((row) => !row.element.hidden).length;
    return { all: rows.length, internal, refused, visible };
  }

  #rows() {
    return this.#batches.flatMap(({ rows }) => rows);
  }

  #hideUnmatched({ card, rows }) {
    for (const row of rows) {
      row.element.hidden = !this.#isVisible(row.entry, row.shown);
    }
    card.hidden = rows.every((row) => row.element.hidden);
  }
}

function groupByBatch(entries) {
  const groups = [];
  for (const entry of entries) {
    const group = groups.at(-1);
    if (group?.[0].batch === entry.batch) group.push(entry);
    else groups.push([entry]);
  }
  return groups;
}
