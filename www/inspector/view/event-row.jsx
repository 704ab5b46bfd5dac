import { useContext } from "preact/hooks";
import { diagnosticFacts } from "../model/diagnostic-summary.js";
import {
  browserOf,
  clickOf,
  dataOf,
  isDiagnostic,
  kindOf,
  nameOf,
} from "../model/event.js";
import {
  formatShortTime,
  isoTime,
  pathOf,
  plural,
  shorten,
} from "../model/format.js";
import { formatMoney } from "../model/money.js";
import { refusedCount, refusedPhases } from "../model/rejections.js";
import { remarksOf } from "../model/remarks.js";
import { faultsOf, faultSentence, verdictOf } from "../model/verdict.js";
import { textOf } from "../model/to-text.js";
import { visible } from "../model/escape-invisible.js";
import { Insight } from "./hooks.js";
import { EventLink, Icon, Sent, Verdict } from "./components.jsx";

const TRANSPORTS = new Map([
  ["fetch", "fetch"],
  ["beacon", "beacon"],
  ["image", "image tag"],
  ["server", "server"],
]);

export const transportName = (transport) =>
  TRANSPORTS.get(transport) ?? textOf(transport);

export const EventHead = () => (
  <div role="row" class="row head" aria-rowindex={1}>
    <span role="columnheader">Verdict</span>
    <span role="columnheader">Event</span>
    <span role="columnheader" class="number">
      Amount
    </span>
    <span role="columnheader">Page</span>
    <span role="columnheader">Event id</span>
    <span role="columnheader">Identity</span>
    <span role="columnheader">Sent by</span>
    <span role="columnheader" class="number">
      Measured
    </span>
  </div>
);

/** One event as a row of the list. */
export const EventRow = ({ entry, view, attributes }) => {
  const { event } = entry;
  const name = nameOf(event);
  const { name: verdict } = verdictOf(entry);
  const insight = useContext(Insight);
  const note = noteOf(entry, verdict, insight);
  const remarks = remarksOf(entry, insight)
    .map(({ short }) => short)
    .filter(Boolean)
    .join(", ");
  return (
    <div
      {...attributes}
      class="row event"
      data-seq={entry.seq}
      data-verdict={verdict}
      data-kind={kindOf(event)}
      data-transport={entry.transport}
      data-event-type={attribute(event?.type)}
      data-event-name={attribute(name)}
      data-event-id={attribute(event?.id)}
    >
      <span role="gridcell" class="verdict">
        <Verdict entry={entry} />
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
          <Sent value={name} />
        </strong>
        {event?.custom_event_name !== undefined && (
          <span class="type"> custom</span>
        )}
        {dataOf(event).plan_id !== undefined && (
          <span class="type">
            {" plan "}
            <Sent value={dataOf(event).plan_id} />
          </span>
        )}
        {Array.isArray(dataOf(event).contents) &&
          dataOf(event).contents.length > 0 && (
            <span class="type">
              {" "}
              {plural(dataOf(event).contents.length, "item")}
            </span>
          )}
        {event?.opt_out === true && <span class="type"> opt out</span>}
        {remarks !== "" && (
          <span class="remark" data-of="look" title={remarks}>
            <Icon of="look" />
            {remarks}
          </span>
        )}
      </span>
      {note === undefined ? (
        <Facts entry={entry} />
      ) : (
        <span role="gridcell" class="note" aria-colspan={4}>
          {note}
        </span>
      )}
      <span role="gridcell" class="via">
        {transportName(entry.transport)}
      </span>
      <span role="gridcell" class="time number">
        <time dateTime={isoTime(event?.timestamp_ms ?? entry.received_ms)}>
          {formatShortTime(event?.timestamp_ms ?? entry.received_ms)}
        </time>
      </span>
    </div>
  );
};

const Facts = ({ entry }) => {
  const { event } = entry;
  const { amount, currency } = dataOf(event);
  const page = event?.source_url;
  return (
    <>
      <span role="gridcell" class="money number">
        {amount !== undefined && <Sent value={formatMoney(amount, currency)} />}
      </span>
      <span role="gridcell" class="page" title={titleOf(page)}>
        {page !== undefined && <Sent value={pathOf(page)} />}
      </span>
      <span role="gridcell" class="id" title={titleOf(event?.id)}>
        {event?.id !== undefined && <Sent value={event.id} />}
      </span>
      <span role="gridcell" class="references">
        <Reference name="click" id={clickOf(entry)} shown />
        <Reference name="browser" id={browserOf(entry)} />
      </span>
    </>
  );
};

/** A title shows what the row has no room for; as text, like all that a page sent. */
const titleOf = (value) =>
  value === undefined ? undefined : visible(value, 300);

/** Where a row is found by, cut like what is shown of it. */
const attribute = (value) =>
  value === undefined ? undefined : textOf(value).slice(0, 200);

const Reference = ({ name, id, shown }) => (
  <span
    class="reference"
    data-there={id !== undefined}
    title={titleOf(id && `${name} ID ${id}`)}
  >
    {id === undefined ? (
      `no ${name}`
    ) : shown ? (
      <>
        <span class="unseen">{name} </span>
        <code>{visible(shorten(id, 12))}</code>
      </>
    ) : (
      name
    )}
  </span>
);

/** What a row says in place of amount, page and id: why it was refused, or what a diagnostic reports. */
const noteOf = (entry, verdict, { pages }) => {
  const { event } = entry;
  if (verdict === "refused") {
    const [fault, ...others] = faultsOf(entry);
    if (!fault)
      return <Sent value={entry.error ?? "the collector gave no reason"} />;
    return (
      <>
        {others.length > 0 && (
          <strong>{plural(others.length + 1, "fault")}, first: </strong>
        )}
        <code>
          <Sent value={fault.field} />
        </code>{" "}
        <Sent value={faultSentence(fault)} />
      </>
    );
  }
  if (!isDiagnostic(event)) return undefined;
  const data = dataOf(event);
  const refused = refusedCount(data);
  const words = diagnosticFacts(data).map((fact) => fact.words);
  const page = pages.get(entry);
  return (
    <>
      {refused > 0 && (
        <strong class="refused-calls">
          {plural(refused, "call")} refused on{" "}
          {page ? <Sent value={pathOf(page.url)} /> : "the page"}{" "}
          {refusedPhases(data)}
          {words.length > 0 && " · "}
        </strong>
      )}
      <Sent
        value={words.join(" · ") || (refused > 0 ? "" : "nothing to report")}
      />
    </>
  );
};
