import { useEffect, useMemo, useRef } from "preact/hooks";
import { checklist, tally } from "../model/checklist.js";
import { conversionsOf } from "../model/conversions.js";
import { isServer, keyOf } from "../model/event.js";
import {
  choices,
  entryFilter,
  isFiltering,
  NO_FILTER,
} from "../model/filter.js";
import { addressOf } from "../model/route.js";
import { insightOf } from "../model/remarks.js";
import { plural } from "../model/format.js";
import { verdictOf } from "../model/verdict.js";
import { visitsOf } from "../model/timeline.js";
import { asJson } from "../model/escape-invisible.js";
import { ChecklistView, summaryWords } from "./checklist-view.jsx";
import { ConversionsView } from "./conversions-view.jsx";
import { Details } from "./details.jsx";
import { downloadJson } from "./download.js";
import { EventHead, EventRow } from "./event-row.jsx";
import {
  Insight,
  Query,
  useMedia,
  usePlace,
  useSettled,
  useStore,
} from "./hooks.js";
import { Empty, Icon } from "./components.jsx";
import { OLDER } from "./store.js";
import { TimelineView } from "./timeline-view.jsx";
import { Toolbar } from "./toolbar.jsx";
import { VirtualList } from "./virtual-list.jsx";

const VIEWS = [
  ["events", "Events"],
  ["timeline", "Timeline"],
  ["conversions", "Conversions"],
  ["checklist", "Launch check"],
];

/** How often what is worked out of all events is worked out anew, in ms. */
const SETTLED_MS = 250;

/** Below this the details cover the list. The style sheet has the same number. */
const COVERS = "(max-width: 56rem)";

export const App = ({ store }) => {
  useStore(store);
  const { view, seq, filter, query, select, setFilter } = usePlace();
  const covers = useMedia(COVERS);
  const { entries } = store;
  const settled = useSettled(entries, SETTLED_MS);

  const shown = useMemo(
    () => (isFiltering(filter) ? entries.filter(entryFilter(filter)) : entries),
    [entries, filter],
  );
  const conversions = useMemo(() => conversionsOf(settled), [settled]);
  const visits = useMemo(() => visitsOf(settled), [settled]);
  const insight = useMemo(
    () => insightOf(settled, conversions),
    [settled, conversions],
  );
  // What came before the test's start is left out here, so that the check says how the site is now.
  const tested = useMemo(
    () => settled.filter((entry) => entry.seq > filter.since),
    [settled, filter.since],
  );
  const items = useMemo(
    () =>
      checklist({
        entries: tested,
        visits: filter.since > 0 ? visitsOf(tested) : visits,
        conversions: filter.since > 0 ? conversionsOf(tested) : conversions,
        pixels: store.facts.pixels,
      }),
    [tested, visits, conversions, store.facts],
  );
  const menu = useMemo(() => choices(settled), [settled]);
  const refused = useMemo(
    () => tested.filter((entry) => verdictOf(entry).name === "refused").length,
    [tested],
  );

  const isOpen = store.loaded && seq !== undefined && view !== "checklist";
  const closing = useRef();
  const close = () => {
    closing.current = seq;
    select(undefined);
  };
  useEffect(() => {
    if (isOpen || closing.current === undefined) return;
    // The row that was open gets the focus back, if it is there.
    document.querySelector(`.row[data-seq="${closing.current}"]`)?.focus();
    closing.current = undefined;
  });
  useEffect(() => {
    const closeOnEscape = (press) => {
      if (
        press.key === "Escape" &&
        isOpen &&
        !document.querySelector("dialog[open]")
      )
        close();
    };
    document.addEventListener("keydown", closeOnEscape);
    return () => document.removeEventListener("keydown", closeOnEscape);
  });

  const save = () => {
    const stamp = new Date().toISOString().replaceAll(/[:.]/g, "-");
    downloadJson(asJson({ events: shown }), `oaiq-events-${stamp}.json`);
  };

  const entry = isOpen ? store.get(seq) : undefined;
  const halves = useMemo(
    () => (entry ? otherHalves(entry, settled) : []),
    [entry, settled],
  );
  const covered = isOpen && covers;
  return provided(
    query,
    insight,
    <div class="app" data-view={view}>
      <header class="top">
        <div class="title">
          <h1>Inspector</h1>
          <Connection state={store.connection} />
          <p class="count" inert={covered}>
            {countWords(shown.length, entries.length)}
            {refused > 0 && (
              <button
                type="button"
                class="refused-count"
                onClick={() =>
                  setFilter(({ since }) => ({
                    ...NO_FILTER,
                    since,
                    verdict: "refused",
                  }))
                }
              >
                <Icon of="refused" />
                {refused.toLocaleString()} refused
              </button>
            )}
          </p>
        </div>
        <nav aria-label="Views" inert={covered}>
          {VIEWS.map(([name, words]) => (
            <a
              key={name}
              href={addressOf(name, undefined, query)}
              aria-current={view === name ? "page" : undefined}
            >
              {words}
              {name === "checklist" && store.loaded && <Tally items={items} />}
            </a>
          ))}
        </nav>
        {view !== "checklist" && (
          <Toolbar
            filter={filter}
            setFilter={setFilter}
            choices={menu}
            store={store}
            total={entries.length}
            shown={shown.length}
            save={save}
            inert={covered}
          />
        )}
      </header>
      <div class={isOpen ? "body with-details" : "body"}>
        <main class="view">
          <div class="view-inner" inert={covered}>
            <View
              view={view}
              store={store}
              entries={entries}
              shown={shown}
              filtering={isFiltering(filter)}
              filter={filter}
              setFilter={setFilter}
              tested={tested}
              visits={visits}
              settled={settled}
              conversions={conversions}
              items={items}
              seq={seq}
              select={select}
            />
          </div>
        </main>
        {isOpen && (
          <Details
            key={seq}
            seq={seq}
            entry={entry}
            halves={halves}
            view={view}
            covers={covers}
            close={close}
          />
        )}
      </div>
    </div>,
  );
};

const provided = (query, insight, page) => (
  <Query.Provider value={query}>
    <Insight.Provider value={insight}>{page}</Insight.Provider>
  </Query.Provider>
);

const View = (props) => {
  const { view, store, entries, shown, seq, select } = props;
  const { filter, filtering, settled, visits, conversions } = props;
  const kept = useMemo(
    () => (filtering ? settled.filter(entryFilter(filter)) : settled),
    [settled, filter, filtering],
  );
  const keptVisits = useMemo(
    () => (filtering ? visitsOf(kept) : visits),
    [kept, visits, filtering],
  );
  const keptConversions = useMemo(() => {
    if (!filtering) return conversions;
    const seqs = new Set(kept.map((entry) => entry.seq));
    return conversions.filter(({ browser, server, lookAlike }) =>
      [
        ...browser,
        ...server,
        ...(lookAlike?.browser ?? []),
        ...(lookAlike?.server ?? []),
      ].some((entry) => seqs.has(entry.seq)),
    );
  }, [kept, conversions, filtering]);

  if (view === "checklist")
    return (
      <ChecklistView
        items={props.items}
        entries={settled}
        tested={props.tested}
        since={filter.since}
        setSince={(since) =>
          props.setFilter((before) => ({ ...before, since }))
        }
        hasOlder={store.hasOlder || store.leftOut > 0}
      />
    );
  if (!store.loaded) return null;
  if (entries.length === 0) return <Welcome />;
  if (shown.length === 0)
    return (
      <Empty title="No matching events">
        <p>
          The search or a filter hides {entries.length === 1 ? "the" : "all"}{" "}
          {plural(entries.length, "event")}.
        </p>
        <button type="button" onClick={() => props.setFilter(NO_FILTER)}>
          Show all events
        </button>
      </Empty>
    );
  if (view === "timeline")
    return (
      <TimelineView
        visits={keptVisits}
        selected={seq}
        select={select}
        holds={seq !== undefined}
      />
    );
  if (view === "conversions")
    return (
      <ConversionsView
        conversions={keptConversions}
        selected={seq}
        filter={filter}
        setFilter={props.setFilter}
      />
    );
  return (
    <VirtualList
      label="Events, newest first"
      head={<EventHead />}
      items={shown}
      keyOf={(entry) => entry.seq}
      selected={seq}
      holds={seq !== undefined}
      counts
      onOpen={(entry) => select(entry.seq)}
      onMove={(entry) => seq !== undefined && select(entry.seq)}
      row={(entry, attributes) => (
        <EventRow entry={entry} view="events" attributes={attributes} />
      )}
      end={<Older store={store} />}
    />
  );
};

const Older = ({ store }) => {
  if (!store.hasOlder && store.leftOut === 0) return null;
  return (
    <p class="older">
      Older events are not listed.{" "}
      <button
        type="button"
        class="small"
        disabled={store.loadingOlder}
        onClick={() => store.loadOlder()}
      >
        Load up to {OLDER.toLocaleString()} more
      </button>
    </p>
  );
};

const CONNECTIONS = {
  connecting: "connecting",
  live: "live",
  lost: "connection lost, reconnecting",
  "clear-failed": "clearing failed: is the collector running?",
};

const Connection = ({ state }) => (
  <p class="connection" role="status" data-state={state}>
    {CONNECTIONS[state]}
  </p>
);

const Tally = ({ items }) => {
  const { yes, problem, look } = tally(items);
  const done = yes === items.length ? "yes" : "open";
  const state = problem > 0 ? "problem" : look > 0 ? "look" : done;
  return (
    <span class="tally" data-of={state} title={summaryWords(items)}>
      {(problem > 0 || look > 0) && <Icon of={state} />}
      {yes}/{items.length}
    </span>
  );
};

const countWords = (shown, all) =>
  shown === all
    ? plural(all, "event")
    : `${shown.toLocaleString()} of ${plural(all, "event")}`;

/** What the other side, browser or server, has sent with the same pixel, name and id. */
const otherHalves = (entry, entries) => {
  const key = keyOf(entry);
  if (key === undefined) return [];
  return entries.filter(
    (other) =>
      isServer(other) !== isServer(entry) &&
      keyOf(other) === key &&
      !["refused", "valid"].includes(verdictOf(other).name),
  );
};

const Welcome = () => (
  <Empty title="No events yet">
    <p>Events appear here as they reach this collector.</p>
    <ol>
      <li>
        <a href="/shop/?oppref=demo-click-1" target="_blank" rel="noopener">
          Open the demo shop
        </a>{" "}
        in a new tab. The address carries <code>oppref=demo-click-1</code>, as
        if the visitor had clicked an ad.
      </li>
      <li>
        Look at a product, add it to the cart, place an order. Events are sent
        about a second after they are measured.
      </li>
      <li>Come back here: the events are listed, newest first.</li>
    </ol>
  </Empty>
);
