/** @import { JSX } from "preact" */
/** @import { TimelineRow, Visit, VisitedPage } from "../model/types.d.ts" */
import { useContext, useMemo } from "preact/hooks";
import { escapeInvisible } from "../model/escape-invisible.js";
import { isPageView } from "../model/event.js";
import {
  formatDay,
  formatDuration,
  formatShortTime,
  isoTime,
  pathOf,
  plural,
  truncateMiddle,
} from "../model/format.js";
import {
  ANONYMOUS,
  clickIdsOf,
  duplicateInits,
  SERVER,
  timelineRows,
} from "../model/timeline.js";
import { Icon, UntrustedText } from "./components.jsx";
import { EventTableHead, EventTableRow } from "./event-row.jsx";
import { AnalysisContext } from "./hooks.js";
import { VirtualList } from "./virtual-list.jsx";

/** @typedef {JSX.HTMLAttributes<HTMLDivElement>} RowAttributes */

/**
 * @param {object} props
 * @param {Visit[]} props.visits
 * @param {number | undefined} props.selected
 * @param {(seq: number) => void} props.select
 * @param {boolean} props.keepPosition
 */
export const TimelineView = ({ visits, selected, select, keepPosition }) => {
  const rows = useMemo(() => timelineRows(visits), [visits]);
  /** @param {TimelineRow} row */
  const openEvent = (row) => row.kind === "event" && select(row.entry.seq);
  return (
    <VirtualList
      label="Events, page by page"
      head={<EventTableHead />}
      items={rows}
      keyOf={({ key }) => key}
      selected={selected}
      keepPosition={keepPosition}
      onOpen={openEvent}
      onMove={(row) => selected !== undefined && openEvent(row)}
      row={renderRow}
    />
  );
};

/**
 * @param {TimelineRow} row
 * @param {RowAttributes} attributes
 */
const renderRow = (row, attributes) => {
  switch (row.kind) {
    case "visit":
      return <VisitRow visit={row.visit} attributes={attributes} />;
    case "page":
      return <PageRow page={row.page} attributes={attributes} />;
    case "pause":
      return <PauseRow ms={row.ms} time={row.time} attributes={attributes} />;
    case "click":
      return (
        <ClickRow
          click={row.click}
          before={row.before}
          attributes={attributes}
        />
      );
    default:
      return (
        <EventTableRow
          entry={row.entry}
          view="timeline"
          attributes={attributes}
        />
      );
  }
};

/** @param {{ visit: Visit, attributes: RowAttributes }} props */
const VisitRow = ({ visit, attributes }) => {
  const { visitor, from, pages } = visit;
  const events = pages.reduce((sum, { entries }) => sum + entries.length, 0);
  const isKnown = visitor !== ANONYMOUS && visitor !== SERVER;
  return (
    <div {...attributes} class="row visit" data-visitor={visitor.slice(0, 200)}>
      <span role="gridcell" aria-colspan={8} class="full-width">
        <span class="who">
          <strong>{visitorLabel(visitor)}</strong>
          {isKnown && <ShortId id={visitor} />}
        </span>
        <span class="what muted">
          {plural(events, "event")}
          {isKnown && (
            <>
              {" · "}
              <Clicks clicks={clickIdsOf(visit)} />
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

/** A row has no room for more. */
const MAX_CLICKS = 3;

/** @param {{ clicks: string[] }} props */
const Clicks = ({ clicks }) => {
  if (clicks.length === 0) return <>no ad click</>;
  return (
    <>
      {clicks.length === 1 ? "ad click " : `${clicks.length} ad clicks: `}
      {clicks.slice(0, MAX_CLICKS).map((click, i) => (
        <span key={click}>
          {i > 0 && ", then "}
          <ShortId id={click} />
        </span>
      ))}
      {clicks.length > MAX_CLICKS && " …"}
    </>
  );
};

/** @param {{ id: string | undefined }} props */
const ShortId = ({ id = "" }) => (
  <code title={escapeInvisible(id, 300)}>
    {escapeInvisible(truncateMiddle(id))}
  </code>
);

/** @param {string} visitor */
const visitorLabel = (visitor) => {
  if (visitor === ANONYMOUS) return "Without click ID and browser ID";
  if (visitor === SERVER) return "From the server, visitor unknown";
  return "Visitor";
};

/** @param {{ ms: number, time: number, attributes: RowAttributes }} props */
const PauseRow = ({ ms, time, attributes }) => (
  <div {...attributes} class="row pause-row">
    <span role="gridcell" aria-colspan={8} class="full-width">
      <strong>
        <time dateTime={isoTime(time)}>{formatDay(time)}</time>
      </strong>
      <span class="muted">new session, {formatDuration(ms)} later</span>
    </span>
  </div>
);

/** @param {{ click: string | undefined, before: string | undefined, attributes: RowAttributes }} props */
const ClickRow = ({ click, before, attributes }) => (
  <div {...attributes} class="row click-row">
    <span role="gridcell" aria-colspan={8} class="full-width">
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

/** @param {{ page: VisitedPage, attributes: RowAttributes }} props */
const PageRow = ({ page, attributes }) => {
  const { url, entries } = page;
  const { doubleFires } = useContext(AnalysisContext);
  const hasDoubleView = entries.some(
    (entry) => doubleFires.has(entry) && isPageView(entry.event),
  );
  const problem =
    duplicateInits(page).length > 0
      ? "the pixel started more than once"
      : hasDoubleView && "page_viewed was sent twice";
  return (
    <div
      {...attributes}
      class="row page-row"
      data-page={escapeInvisible(url ?? "")}
    >
      <span role="gridcell" aria-colspan={8} class="full-width">
        {url === undefined ? (
          <span class="muted">page unknown</span>
        ) : (
          <strong title={escapeInvisible(url, 300)}>
            <UntrustedText value={pathOf(url)} />
          </strong>
        )}
        <span class="muted">{plural(entries.length, "event")}</span>
        {problem && (
          <span class="state-word" data-of="fail">
            <Icon of="fail" />
            {problem}
          </span>
        )}
      </span>
    </div>
  );
};
