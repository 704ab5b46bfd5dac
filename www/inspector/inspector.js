import { downloadJson } from "./download.js";
import { EventLog, MOST_ENTRIES } from "./event-log.js";
import { EventView } from "./event-view.js";
import { clearCollector, followCollector } from "./feed.js";
import { entryFilter } from "./filter.js";
import { plural } from "./format.js";
import { asJson } from "./json-panel.js";

const STATES = {
  connecting: "connecting",
  live: "live",
  lost: "not connected, trying again",
  "clear-failed": "not cleared: the collector did not answer",
};

const page = Object.fromEntries(
  [...document.querySelectorAll("[id]")].map((found) => [found.id, found]),
);
const log = new EventLog();
const view = new EventView(page.batches);
const isRepeat = (entry) => log.isRepeat(entry);

/** How long a failure to clear is told, in ms. */
const FAILURE_SHOWN_MS = 5000;

let connection = "connecting";
let loaded = false;
// While paused the log goes on and the view stands still, at this `seq`.
let pausedAt;
let reloadedWhilePaused = false;

followCollector({
  onReload(events) {
    loaded = true;
    log.replace(events);
    if (isPaused()) reloadedWhilePaused = true;
    else view.replace(log.entries, isRepeat);
    describe();
  },
  onBatch(events) {
    const added = log.add(events);
    if (!isPaused()) showArrived(added);
    describe();
  },
  onClear() {
    log.clear();
    view.replace([], isRepeat);
    if (isPaused()) pausedAt = -Infinity;
    describe();
  },
  onState(state) {
    connection = state;
    showState(state);
  },
});

page.filter.addEventListener("input", applyFilter);
page.internal.addEventListener("change", applyFilter);
page.pause.addEventListener("click", togglePause);
page.clear.addEventListener("click", clear);
page.export.addEventListener("click", exportVisible);
page["show-all"].addEventListener("click", showAll);
document.addEventListener("keydown", focusFilter);
applyFilter();

function applyFilter() {
  view.filter(entryFilter(page.filter.value, page.internal.checked));
  describe();
}

function showAll() {
  page.filter.value = "";
  page.internal.checked = true;
  applyFilter();
  // The button that had the focus is gone.
  page.filter.focus();
}

function togglePause() {
  if (isPaused()) {
    const arrived = arrivedSincePause();
    pausedAt = undefined;
    // Rows that still stand are kept: somebody may be reading what they opened.
    if (reloadedWhilePaused) view.replace(log.entries, isRepeat);
    else showArrived(arrived);
  } else {
    pausedAt = log.entries[0]?.seq ?? -Infinity;
  }
  reloadedWhilePaused = false;
  describe();
}

function isPaused() {
  return pausedAt !== undefined;
}

function arrivedSincePause() {
  return log.entries.filter(({ seq }) => seq > pausedAt);
}

function showArrived(newestFirst) {
  view.prepend(newestFirst, isRepeat, true);
  view.trim(MOST_ENTRIES);
}

async function clear() {
  try {
    await clearCollector();
  } catch {
    showState("clear-failed");
    setTimeout(() => showState(connection), FAILURE_SHOWN_MS);
  }
}

function exportVisible() {
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
  downloadJson(
    asJson({ events: view.visibleEntries() }),
    `oaiq-events-${stamp}.json`,
  );
}

function focusFilter(press) {
  const typing = press.target.matches("input:not([type=checkbox])");
  if (press.key === "/" && !typing && !press.ctrlKey && !press.metaKey) {
    press.preventDefault();
    page.filter.select();
  }
}

function showState(state) {
  page.state.dataset.state = state;
  page.state.textContent = STATES[state];
}

/** Everything around the list that depends on what is in it. */
function describe() {
  const { all, internal, refused, visible } = view.counts();
  page.count.textContent = [
    visible < all && `${visible.toLocaleString()} shown of`,
    plural(all, "event"),
    internal > 0 && `(${internal.toLocaleString()} internal)`,
  ]
    .filter(Boolean)
    .join(" ");
  page.refused.textContent = plural(refused, "refused call");
  page.refused.hidden = refused === 0;
  page.pause.textContent = isPaused()
    ? `Resume (${arrivedSincePause().length.toLocaleString()} new)`
    : "Pause";
  page.columns.hidden = visible === 0;
  page.empty.hidden = !loaded || all > 0;
  page["no-match"].hidden = all === 0 || visible > 0;
  page["left-out"].hidden = log.leftOut === 0;
  page["left-out"].textContent =
    `Only the newest ${MOST_ENTRIES.toLocaleString()} events are kept in view; ` +
    `${plural(log.leftOut, "older one")} left out.`;
  page.export.disabled = visible === 0;
}
