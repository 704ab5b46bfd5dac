/** @import { JSX } from "preact" */
/** @import { Analysis, EventRecord } from "../model/types.d.ts" */
import { useContext } from "preact/hooks";
import { summarizeDiagnostic } from "../model/diagnostic-summary.js";
import { escapeInvisible } from "../model/escape-invisible.js";
import {
  browserIdOf,
  clickIdOf,
  dataOf,
  displayName,
  isDiagnostic,
  kindOf,
} from "../model/event.js";
import {
  formatShortTime,
  isoTime,
  pathOf,
  plural,
  truncateMiddle,
} from "../model/format.js";
import { formatMoney } from "../model/money.js";
import { rejectedCount, rejectedPhases } from "../model/rejections.js";
import { remarksOf } from "../model/remarks.js";
import { toText } from "../model/to-text.js";
import {
  describeViolation,
  verdictOf,
  violationsOf,
} from "../model/verdict.js";
import { EventLink, Icon, UntrustedText, VerdictBadge } from "./components.jsx";
import { AnalysisContext } from "./hooks.js";

/** @type {Map<string, string>} */
const TRANSPORTS = new Map([
  ["fetch", "fetch"],
  ["beacon", "beacon"],
  ["image", "image tag"],
  ["server", "server"],
]);

/** @param {string} transport */
export const transportLabel = (transport) =>
  TRANSPORTS.get(transport) ?? toText(transport);

export const EventTableHead = () => (
  <div role="row" class="row head" aria-rowindex={1}>
    <span role="columnheader">Verdict</span>
    <span role="columnheader">Event</span>
    <span role="columnheader" class="number">
      Amount
    </span>
    <span role="columnheader">Page</span>
    <span role="columnheader">Event ID</span>
    <span role="columnheader">Identity</span>
    <span role="columnheader">Sent by</span>
    <span role="columnheader" class="number">
      Measured
    </span>
  </div>
);

/** @param {{ entry: EventRecord, view: string, attributes: JSX.HTMLAttributes<HTMLDivElement> }} props */
export const EventTableRow = ({ entry, view, attributes }) => {
  const { event } = entry;
  const data = dataOf(event);
  const name = displayName(event);
  const { name: verdict } = verdictOf(entry);
  const analysis = useContext(AnalysisContext);
  const note = noteOf(entry, verdict, analysis);
  const remarks = remarksOf(entry, analysis)
    .map(({ short }) => short)
    .filter(Boolean)
    .join(", ");
  const time = event?.timestamp_ms ?? entry.received_ms;
  return (
    <div
      {...attributes}
      class="row event"
      data-seq={entry.seq}
      data-verdict={verdict}
      data-kind={kindOf(event)}
      data-transport={entry.transport}
      data-event-type={attributeOf(event?.type)}
      data-event-name={attributeOf(name)}
      data-event-id={attributeOf(event?.id)}
    >
      <span role="gridcell" class="verdict">
        <VerdictBadge entry={entry} />
        {verdict === "duplicate" && entry.duplicate_of !== undefined && (
          <>
            {" of "}
            <EventLink
              seq={entry.duplicate_of}
              view={view}
              tabIndex={attributes.tabIndex}
            />
          </>
        )}
      </span>
      <span role="gridcell" class="name">
        <strong>
          <UntrustedText value={name} />
        </strong>
        {event?.custom_event_name !== undefined && (
          <span class="type"> custom</span>
        )}
        {data.plan_id !== undefined && (
          <span class="type">
            {" plan "}
            <UntrustedText value={data.plan_id} />
          </span>
        )}
        {Array.isArray(data.contents) && data.contents.length > 0 && (
          <span class="type"> {plural(data.contents.length, "item")}</span>
        )}
        {event?.opt_out === true && <span class="type"> opt out</span>}
        {remarks !== "" && (
          <span class="remark" data-of="review" title={remarks}>
            <Icon of="review" />
            {remarks}
          </span>
        )}
      </span>
      {note === undefined ? (
        <ValueCells entry={entry} />
      ) : (
        <span role="gridcell" class="note" aria-colspan={4}>
          {note}
        </span>
      )}
      <span role="gridcell" class="via">
        {transportLabel(entry.transport)}
      </span>
      <span role="gridcell" class="time number">
        <time dateTime={isoTime(time)}>{formatShortTime(time)}</time>
      </span>
    </div>
  );
};

/** @param {{ entry: EventRecord }} props */
const ValueCells = ({ entry }) => {
  const { event } = entry;
  const { amount, currency } = dataOf(event);
  const page = event?.source_url;
  return (
    <>
      <span role="gridcell" class="money number">
        {amount !== undefined && (
          <UntrustedText value={formatMoney(amount, currency)} />
        )}
      </span>
      <span role="gridcell" class="page" title={titleOf(page)}>
        {page !== undefined && <UntrustedText value={pathOf(page)} />}
      </span>
      <span role="gridcell" class="id" title={titleOf(event?.id)}>
        {event?.id !== undefined && <UntrustedText value={event.id} />}
      </span>
      <span role="gridcell" class="references">
        <Identifier name="click" id={clickIdOf(entry)} isShown />
        <Identifier name="browser" id={browserIdOf(entry)} />
      </span>
    </>
  );
};

/**
 * A tooltip with what a cell has no room for.
 *
 * @param {unknown} value
 */
const titleOf = (value) =>
  value === undefined ? undefined : escapeInvisible(value, 300);

/**
 * The value of an attribute by which tests and tools find a row.
 *
 * @param {unknown} value
 */
const attributeOf = (value) =>
  value === undefined ? undefined : toText(value).slice(0, 200);

/** @param {{ name: string, id: string | undefined, isShown?: boolean }} props */
const Identifier = ({ name, id, isShown }) => (
  <span
    class="reference"
    data-there={id !== undefined}
    title={titleOf(id && `${name} ID ${id}`)}
  >
    {id === undefined ? (
      `no ${name}`
    ) : isShown ? (
      <>
        <span class="visually-hidden">{name} </span>
        <code>{escapeInvisible(truncateMiddle(id, 12))}</code>
      </>
    ) : (
      name
    )}
  </span>
);

/**
 * What a row shows in place of amount, page and ID: why the event was rejected, or what a diagnostic reports.
 *
 * @param {EventRecord} entry
 * @param {string} verdict
 * @param {Analysis} analysis
 */
const noteOf = (entry, verdict, { pages }) => {
  if (verdict === "refused") {
    const [violation, ...others] = violationsOf(entry);
    if (!violation)
      return (
        <UntrustedText value={entry.error ?? "the collector gave no reason"} />
      );
    return (
      <>
        {others.length > 0 && (
          <strong>{plural(others.length + 1, "violation")}, first: </strong>
        )}
        <code>
          <UntrustedText value={violation.field} />
        </code>{" "}
        <UntrustedText value={describeViolation(violation)} />
      </>
    );
  }
  if (!isDiagnostic(entry.event)) return undefined;
  const data = dataOf(entry.event);
  const rejected = rejectedCount(data);
  const words = summarizeDiagnostic(data).map((fact) => fact.words);
  const page = pages.get(entry);
  return (
    <>
      {rejected > 0 && (
        <strong class="rejected-calls">
          {plural(rejected, "call")} rejected on{" "}
          {page ? <UntrustedText value={pathOf(page.url)} /> : "the page"}{" "}
          {rejectedPhases(data)}
          {words.length > 0 && " · "}
        </strong>
      )}
      <UntrustedText
        value={words.join(" · ") || (rejected > 0 ? "" : "nothing to report")}
      />
    </>
  );
};
