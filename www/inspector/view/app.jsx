/** @import { CheckResult, CheckState, ConnectionState, Conversion, EventRecord, Filter, ViewName, Visit } from "../model/types.d.ts" */
/** @import { SetFilter } from "./hooks.js" */
/** @import { Store } from "./store.js" */
import { useEffect, useMemo, useRef } from "preact/hooks";
import { countByState, runChecks } from "../model/checks/index.js";
import { groupConversions } from "../model/conversions.js";
import { toPrettyJson } from "../model/escape-invisible.js";
import { dedupKeyOf, isServer } from "../model/event.js";
import {
  createFilter,
  EMPTY_FILTER,
  filterOptions,
  isFilterActive,
} from "../model/filter.js";
import { plural } from "../model/format.js";
import { analyzeEvents } from "../model/remarks.js";
import { routeHref, VIEWS } from "../model/route.js";
import { groupVisits } from "../model/timeline.js";
import { isRejectedOrTest, isRejected } from "../model/verdict.js";
import { ChecklistView, summarize } from "./checklist-view.jsx";
import { EmptyState, Icon } from "./components.jsx";
import { ConversionsView } from "./conversions-view.jsx";
import { Details } from "./details.jsx";
import { downloadJson } from "./download.js";
import { EventTableHead, EventTableRow } from "./event-row.jsx";
import {
  AnalysisContext,
  QueryContext,
  useMediaQuery,
  useRoute,
  useStore,
  useThrottledValue,
} from "./hooks.js";
import { PAGE_SIZE } from "./store.js";
import { TimelineView } from "./timeline-view.jsx";
import { Toolbar } from "./toolbar.jsx";
import { VirtualList } from "./virtual-list.jsx";

/** The least time between two computations over all events. */
const ANALYSIS_INTERVAL_MS = 250;

/** Where details cover the list. styles/details.css has the same width. */
const COVERING = "(max-width: 56rem)";

/** @param {{ store: Store }} props */
export const App = ({ store }) => {
  useStore(store);
  const { view, seq, filter, query, select, setFilter } = useRoute();
  const isCovering = useMediaQuery(COVERING);
  const { entries } = store;
  /** The entries of a moment ago: what is computed from all of them does not follow each event. */
  const settled = useThrottledValue(entries, ANALYSIS_INTERVAL_MS);

  const shown = useMemo(
    () =>
      isFilterActive(filter) ? entries.filter(createFilter(filter)) : entries,
    [entries, filter],
  );
  const conversions = useMemo(() => groupConversions(settled), [settled]);
  const visits = useMemo(() => groupVisits(settled), [settled]);
  const analysis = useMemo(
    () => analyzeEvents(settled, conversions),
    [settled, conversions],
  );
  // Without the events from before the test's start, the checks describe the site as it is now.
  const tested = useMemo(
    () => settled.filter((entry) => entry.seq > filter.since),
    [settled, filter.since],
  );
  const results = useMemo(
    () =>
      runChecks({
        entries: tested,
        visits: filter.since > 0 ? groupVisits(tested) : visits,
        conversions: filter.since > 0 ? groupConversions(tested) : conversions,
        pixels: store.collectorInfo.pixels,
      }),
    [tested, visits, conversions, store.collectorInfo],
  );
  const options = useMemo(() => filterOptions(settled), [settled]);
  const rejected = useMemo(() => tested.filter(isRejected).length, [tested]);

  const openSeq = store.loaded && view !== "checklist" ? seq : undefined;
  const isOpen = openSeq !== undefined;
  const close = useClosingDetails(openSeq, select);

  const save = () => {
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
    downloadJson(toPrettyJson({ events: shown }), `oaiq-events-${stamp}.json`);
  };

  const entry = openSeq === undefined ? undefined : store.get(openSeq);
  const otherSide = useMemo(
    () => (entry ? findOtherSide(entry, settled) : []),
    [entry, settled],
  );
  const isCovered = isOpen && isCovering;
  return (
    <QueryContext.Provider value={query}>
      <AnalysisContext.Provider value={analysis}>
        <div class="app" data-view={view}>
          <header class="top">
            <div class="title">
              <h1>Inspector</h1>
              <Connection state={store.connection} />
              <p class="count" inert={isCovered}>
                {shown.length === entries.length
                  ? plural(entries.length, "event")
                  : `${shown.length.toLocaleString()} of ${plural(entries.length, "event")}`}
                {rejected > 0 && (
                  <button
                    type="button"
                    class="rejected-count"
                    onClick={() =>
                      setFilter(({ since }) => ({
                        ...EMPTY_FILTER,
                        since,
                        verdict: "refused",
                      }))
                    }
                  >
                    <Icon of="refused" />
                    {rejected.toLocaleString()} rejected
                  </button>
                )}
              </p>
            </div>
            <nav aria-label="Views" inert={isCovered}>
              {VIEWS.map(([name, words]) => (
                <a
                  key={name}
                  href={routeHref(name, undefined, query)}
                  aria-current={view === name ? "page" : undefined}
                >
                  {words}
                  {name === "checklist" && store.loaded && (
                    <ChecksBadge results={results} />
                  )}
                </a>
              ))}
            </nav>
            {view !== "checklist" && (
              <Toolbar
                filter={filter}
                setFilter={setFilter}
                options={options}
                store={store}
                total={entries.length}
                shown={shown.length}
                save={save}
                inert={isCovered}
              />
            )}
          </header>
          <div class={isOpen ? "body with-details" : "body"}>
            <main class="view">
              <div class="view-inner" inert={isCovered}>
                <View
                  view={view}
                  store={store}
                  entries={entries}
                  shown={shown}
                  filter={filter}
                  setFilter={setFilter}
                  tested={tested}
                  visits={visits}
                  settled={settled}
                  conversions={conversions}
                  results={results}
                  seq={seq}
                  select={select}
                />
              </div>
            </main>
            {openSeq !== undefined && (
              <Details
                key={openSeq}
                seq={openSeq}
                entry={entry}
                otherSide={otherSide}
                view={view}
                isCovering={isCovering}
                close={close}
              />
            )}
          </div>
        </div>
      </AnalysisContext.Provider>
    </QueryContext.Provider>
  );
};

/**
 * Closes the details, also with Escape, and returns the focus to their row.
 *
 * @param {number | undefined} seq the open event
 * @param {(seq: number | undefined) => void} select
 */
const useClosingDetails = (seq, select) => {
  /** @type {{ current: number | undefined }} */
  const closing = useRef();
  const close = () => {
    closing.current = seq;
    select(undefined);
  };
  useEffect(() => {
    if (seq !== undefined || closing.current === undefined) return;
    const row = document.querySelector(`.row[data-seq="${closing.current}"]`);
    if (row instanceof HTMLElement) row.focus();
    closing.current = undefined;
  });
  useEffect(() => {
    /** @param {KeyboardEvent} press */
    const closeOnEscape = (press) => {
      if (
        press.key === "Escape" &&
        seq !== undefined &&
        !document.querySelector("dialog[open]")
      )
        close();
    };
    document.addEventListener("keydown", closeOnEscape);
    return () => document.removeEventListener("keydown", closeOnEscape);
  });
  return close;
};

/**
 * @param {object} props
 * @param {ViewName} props.view
 * @param {Store} props.store
 * @param {EventRecord[]} props.entries
 * @param {EventRecord[]} props.shown those that pass the filter
 * @param {Filter} props.filter
 * @param {SetFilter} props.setFilter
 * @param {EventRecord[]} props.tested
 * @param {Visit[]} props.visits
 * @param {EventRecord[]} props.settled
 * @param {Conversion[]} props.conversions
 * @param {CheckResult[]} props.results
 * @param {number | undefined} props.seq
 * @param {(seq: number) => void} props.select
 */
const View = ({
  view,
  store,
  entries,
  shown,
  filter,
  setFilter,
  tested,
  visits,
  settled,
  conversions,
  results,
  seq,
  select,
}) => {
  const isActive = isFilterActive(filter);
  const matching = useMemo(
    () => (isActive ? settled.filter(createFilter(filter)) : settled),
    [settled, filter, isActive],
  );
  const matchingVisits = useMemo(
    () => (isActive ? groupVisits(matching) : visits),
    [matching, visits, isActive],
  );
  const matchingConversions = useMemo(
    () => (isActive ? conversionsWith(matching, conversions) : conversions),
    [matching, conversions, isActive],
  );

  if (view === "checklist")
    return (
      <ChecklistView
        results={results}
        entries={settled}
        tested={tested}
        since={filter.since}
        setSince={(since) => setFilter((before) => ({ ...before, since }))}
        hasOlder={store.hasOlder || store.omitted > 0}
      />
    );
  if (!store.loaded) return null;
  if (entries.length === 0) return <EmptyLog />;
  if (shown.length === 0)
    return (
      <EmptyState title="No matching events">
        <p>
          The search or a filter hides {entries.length === 1 ? "the" : "all"}{" "}
          {plural(entries.length, "event")}.
        </p>
        <button type="button" onClick={() => setFilter(EMPTY_FILTER)}>
          Show all events
        </button>
      </EmptyState>
    );
  if (view === "timeline")
    return (
      <TimelineView
        visits={matchingVisits}
        selected={seq}
        select={select}
        keepPosition={seq !== undefined}
      />
    );
  if (view === "conversions")
    return (
      <ConversionsView
        conversions={matchingConversions}
        selected={seq}
        filter={filter}
        setFilter={setFilter}
      />
    );
  return (
    <VirtualList
      label="Events, newest first"
      head={<EventTableHead />}
      items={shown}
      keyOf={(entry) => entry.seq}
      selected={seq}
      keepPosition={seq !== undefined}
      showNewCount
      onOpen={(entry) => select(entry.seq)}
      onMove={(entry) => seq !== undefined && select(entry.seq)}
      row={(entry, attributes) => (
        <EventTableRow entry={entry} view="events" attributes={attributes} />
      )}
      footer={<LoadOlder store={store} />}
    />
  );
};

/**
 * The conversions that have one of these entries, on the side of their probable duplicate too.
 *
 * @param {EventRecord[]} entries
 * @param {Conversion[]} conversions
 */
const conversionsWith = (entries, conversions) => {
  const wanted = new Set(entries);
  return conversions.filter(({ browser, server, probableDuplicate }) =>
    [
      ...browser,
      ...server,
      ...(probableDuplicate?.browser ?? []),
      ...(probableDuplicate?.server ?? []),
    ].some((entry) => wanted.has(entry)),
  );
};

/** @param {{ store: Store }} props */
const LoadOlder = ({ store }) => {
  if (!store.hasOlder && store.omitted === 0) return null;
  return (
    <p class="older">
      Older events are not listed.{" "}
      <button
        type="button"
        class="small"
        disabled={store.loadingOlder}
        onClick={() => store.loadOlder()}
      >
        Load up to {PAGE_SIZE.toLocaleString()} more
      </button>
    </p>
  );
};

/** @type {Record<ConnectionState, string>} */
const CONNECTIONS = {
  connecting: "connecting",
  live: "live",
  lost: "connection lost, reconnecting",
  "clear-failed": "clearing failed: is the collector running?",
};

/** @param {{ state: ConnectionState }} props */
const Connection = ({ state }) => (
  <p class="connection" role="status" data-state={state}>
    {CONNECTIONS[state]}
  </p>
);

/** @param {{ results: CheckResult[] }} props */
const ChecksBadge = ({ results }) => {
  const { pass, fail, review } = countByState(results);
  /** @type {CheckState} */
  let state = pass === results.length ? "pass" : "pending";
  if (review > 0) state = "review";
  if (fail > 0) state = "fail";
  return (
    <span class="counts" data-of={state} title={summarize(results)}>
      {(fail > 0 || review > 0) && <Icon of={state} />}
      {pass}/{results.length}
    </span>
  );
};

/**
 * What the other side, browser or server, sent with the same pixel, name and id.
 *
 * @param {EventRecord} entry
 * @param {EventRecord[]} entries
 */
const findOtherSide = (entry, entries) => {
  const key = dedupKeyOf(entry);
  if (key === undefined) return [];
  return entries.filter(
    (other) =>
      isServer(other) !== isServer(entry) &&
      dedupKeyOf(other) === key &&
      !isRejectedOrTest(other),
  );
};

const EmptyLog = () => (
  <EmptyState title="No events yet">
    <p>Events appear here as they reach this collector.</p>
    <ol>
      <li>
        <a href="/shop/?oppref=demo-click-1" target="_blank" rel="noopener">
          Open the demo shop
        </a>{" "}
        in a new tab. The URL has <code>oppref=demo-click-1</code>, as if the
        visitor had clicked an ad.
      </li>
      <li>
        View a product, add it to the cart, place an order. Events are sent
        about a second after they are measured.
      </li>
      <li>Come back here: the events are listed, newest first.</li>
    </ol>
  </EmptyState>
);
