import { useMemo } from "preact/hooks";
import {
  formatTime,
  isoTime,
  pathOf,
  plural,
  shorten,
} from "../model/format.js";
import { clicksOf, NOBODY, SERVER, startsTooMany } from "../model/timeline.js";
import { visible } from "../model/visible.js";
import { EventHead, EventRow } from "./event-row.jsx";
import { Code, Icon, Sent } from "./parts.jsx";
import { VirtualList } from "./virtual-list.jsx";

/** Visits, their pages and their events, as rows of one list. */
const rowsOf = (visits) =>
  visits.flatMap((visit) => [
    { kind: "visit", key: `visit ${visit.visitor} ${visit.first}`, visit },
    ...visit.pages.flatMap((page) => [
      { kind: "page", key: `page ${page.first}`, page },
      ...page.entries.map((entry) => ({
        kind: "event",
        key: entry.seq,
        entry,
      })),
    ]),
  ]);

export const TimelineView = ({ visits, selected, select, holds }) => {
  const rows = useMemo(() => rowsOf(visits), [visits]);
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
  const clicks = clicksOf(visit);
  return (
    <div {...attributes} class="row visit" data-visitor={visitor.slice(0, 200)}>
      <span role="gridcell" aria-colspan={8} class="across">
        <strong>{visitorWords(visitor)}</strong>
        {visitor !== NOBODY && visitor !== SERVER && (
          <code title={visible(visitor)}>{visible(shorten(visitor))}</code>
        )}
        {visitor !== NOBODY && visitor !== SERVER && (
          <span class="muted">
            {clicks.length > 0 ? (
              <>
                {"came by click "}
                <Code value={shorten(clicks[0])} />
                {clicks.length > 1 && ` and ${clicks.length - 1} more`}
              </>
            ) : (
              "no ad click"
            )}
          </span>
        )}
        <span class="muted">{plural(events, "event")}</span>
        <time class="at-end" dateTime={isoTime(from)}>
          from {formatTime(from)}
        </time>
      </span>
    </div>
  );
};

const visitorWords = (visitor) => {
  if (visitor === NOBODY) return "Without identity";
  if (visitor === SERVER) return "From the server, visitor not known";
  return "Visitor";
};

const PageRow = ({ page, attributes }) => {
  const { url, entries } = page;
  const twice = startsTooMany(page).length > 0;
  return (
    <div {...attributes} class="row page-row" data-page={visible(url ?? "")}>
      <span role="gridcell" aria-colspan={8} class="across">
        {url === undefined ? (
          <span class="muted">no page named</span>
        ) : (
          <strong title={visible(url, 300)}>
            <Sent value={pathOf(url)} />
          </strong>
        )}
        <span class="muted">{plural(entries.length, "event")}</span>
        {twice && (
          <span class="state-word" data-of="problem">
            <Icon of="problem" />
            the pixel started more than once
          </span>
        )}
      </span>
    </div>
  );
};
