import { useContext, useMemo } from "preact/hooks";
import { isPageView } from "../model/checks/twice.js";
import {
  formatDay,
  formatShortTime,
  formatSpan,
  isoTime,
  pathOf,
  plural,
  shorten,
} from "../model/format.js";
import {
  clicksOf,
  NOBODY,
  SERVER,
  startsTooMany,
  timelineRows,
} from "../model/timeline.js";
import { visible } from "../model/escape-invisible.js";
import { EventHead, EventRow } from "./event-row.jsx";
import { Insight } from "./hooks.js";
import { Icon, Sent } from "./components.jsx";
import { VirtualList } from "./virtual-list.jsx";

export const TimelineView = ({ visits, selected, select, holds }) => {
  const rows = useMemo(() => timelineRows(visits), [visits]);
  const openEvent = ({ entry }) => entry && select(entry.seq);
  return (
    <VirtualList
      label="Events, page by page"
      head={<EventHead />}
      items={rows}
      keyOf={({ key }) => key}
      selected={selected}
      holds={holds}
      onOpen={openEvent}
      onMove={(row) => selected !== undefined && openEvent(row)}
      row={(row, attributes) => {
        if (row.kind === "visit")
          return <VisitRow visit={row.visit} attributes={attributes} />;
        if (row.kind === "page")
          return <PageRow page={row.page} attributes={attributes} />;
        if (row.kind === "pause")
          return <PauseRow row={row} attributes={attributes} />;
        if (row.kind === "click")
          return <ClickRow row={row} attributes={attributes} />;
        return (
          <EventRow entry={row.entry} view="timeline" attributes={attributes} />
        );
      }}
    />
  );
};

const VisitRow = ({ visit, attributes }) => {
  const { visitor, from, pages } = visit;
  const events = pages.reduce((sum, { entries }) => sum + entries.length, 0);
  const isKnown = visitor !== NOBODY && visitor !== SERVER;
  return (
    <div {...attributes} class="row visit" data-visitor={visitor.slice(0, 200)}>
      <span role="gridcell" aria-colspan={8} class="across">
        <span class="who">
          <strong>{visitorWords(visitor)}</strong>
          {isKnown && <ShortId id={visitor} />}
        </span>
        <span class="what muted">
          {plural(events, "event")}
          {isKnown && (
            <>
              {" · "}
              <Clicks clicks={clicksOf(visit)} />
            </>
          )}
        </span>
        <time class="at-end" dateTime={isoTime(from)}>
          <span class="wide-only">from </span>
          {formatShortTime(from)}
        </time>
      </span>
    </div>
  );
};

const Clicks = ({ clicks }) => {
  if (clicks.length === 0) return "no ad click";
  return (
    <>
      {clicks.length === 1 ? "ad click " : `${clicks.length} ad clicks: `}
      {clicks.slice(0, MOST_CLICKS).map((click, i) => (
        <span key={click}>
          {i > 0 && ", then "}
          <ShortId id={click} />
        </span>
      ))}
      {clicks.length > MOST_CLICKS && " …"}
    </>
  );
};

/** A row has no room for more. */
const MOST_CLICKS = 3;

const ShortId = ({ id }) => (
  <code title={visible(id, 300)}>{visible(shorten(id))}</code>
);

const visitorWords = (visitor) => {
  if (visitor === NOBODY) return "Without click ID and browser ID";
  if (visitor === SERVER) return "From the server, visitor unknown";
  return "Visitor";
};

/** One session has ended, and the next begins. */
const PauseRow = ({ row: { ms, time }, attributes }) => (
  <div {...attributes} class="row pause-row">
    <span role="gridcell" aria-colspan={8} class="across">
      <strong>
        <time dateTime={isoTime(time)}>{formatDay(time)}</time>
      </strong>
      <span class="muted">new session, {formatSpan(ms)} later</span>
    </span>
  </div>
);

const ClickRow = ({ row: { click, before }, attributes }) => (
  <div {...attributes} class="row click-row">
    <span role="gridcell" aria-colspan={8} class="across">
      <span>
        {click === undefined ? (
          <>
            No click ID from here on, after <ShortId id={before} />
          </>
        ) : (
          <>
            Ad click <ShortId id={click} /> from here on
            {click !== before && (
              <>
                , after <ShortId id={before} />
              </>
            )}
          </>
        )}
      </span>
    </span>
  </div>
);

const PageRow = ({ page, attributes }) => {
  const { url, entries } = page;
  const { twice } = useContext(Insight);
  const fault = startsTooMany(page).length
    ? "the pixel started more than once"
    : entries.some((entry) => twice.has(entry) && isPageView(entry)) &&
      "page_viewed came twice";
  return (
    <div {...attributes} class="row page-row" data-page={visible(url ?? "")}>
      <span role="gridcell" aria-colspan={8} class="across">
        {url === undefined ? (
          <span class="muted">page unknown</span>
        ) : (
          <strong title={visible(url, 300)}>
            <Sent value={pathOf(url)} />
          </strong>
        )}
        <span class="muted">{plural(entries.length, "event")}</span>
        {fault && (
          <span class="state-word" data-of="problem">
            <Icon of="problem" />
            {fault}
          </span>
        )}
      </span>
    </div>
  );
};
