import { useContext, useEffect, useMemo, useRef } from "preact/hooks";
import {
  canBeSent,
  curlOf,
  userFieldName,
  userFieldsOf,
} from "../model/curl.js";
import { diagnosticFacts } from "../model/diagnostic-summary.js";
import {
  asObject,
  browserOf,
  clickOf,
  dataOf,
  isDiagnostic,
  isServer,
  nameOf,
} from "../model/event.js";
import { formatBytes, formatTime, isoTime, plural } from "../model/format.js";
import { formatMoney, minorUnits } from "../model/money.js";
import { debugAddress } from "../model/rejection-page.js";
import {
  DIAGNOSTICS_CARRY,
  explainRefusals,
  refusalSentence,
  refusedCount,
  refusedNames,
} from "../model/rejections.js";
import { remarksOf } from "../model/remarks.js";
import { consentOf } from "../model/timeline.js";
import { faultsOf, verdictOf } from "../model/verdict.js";
import { asJson, visible, visibleLines } from "../model/escape-invisible.js";
import { transportName } from "./event-row.jsx";
import { Insight } from "./hooks.js";
import {
  Code,
  CopyButton,
  EventLink,
  Fact,
  Icon,
  Sent,
} from "./components.jsx";

/**
 * All that is known of one event. `entry` is undefined where the event is not here (any more); `halves` are the entries of
 * the other side with the same pixel, name and id.
 */
export const Details = ({ seq, entry, halves, view, covers, close }) => {
  const closeButton = useRef();
  useEffect(() => {
    if (covers) closeButton.current?.focus();
  }, [covers]);
  return (
    <aside class="details" aria-label={`Event #${seq}`} tabIndex={0}>
      <header class="details-head">
        <h2>
          {entry ? <Sent value={nameOf(entry.event)} /> : "No such event"}{" "}
          <span class="muted">#{seq}</span>
        </h2>
        <button
          type="button"
          class="close"
          aria-label="Close details"
          title="Close (Escape)"
          ref={closeButton}
          onClick={close}
        >
          <svg viewBox="0 0 16 16" class="icon" aria-hidden="true">
            <path d="m3.5 3.5 9 9m0-9-9 9" class="line" />
          </svg>
        </button>
      </header>
      {entry ? (
        <Known entry={entry} halves={halves} view={view} />
      ) : (
        <p class="details-part muted">
          This event is not here: it was cleared, or it is older than the events
          that are loaded.
        </p>
      )}
    </aside>
  );
};

const Known = ({ entry, halves, view }) => {
  const { event } = entry;
  const json = useMemo(() => visibleLines(asJson(event)), [event]);
  return (
    <>
      <WhatBecame entry={entry} halves={halves} view={view} />
      <Remarks entry={entry} view={view} />
      {isDiagnostic(event) && <Diagnostic entry={entry} />}
      <div class="details-part">
        <dl class="facts">
          {event && <EventFacts event={event} />}
          <RequestFacts entry={entry} />
        </dl>
      </div>
      {event !== null && event !== undefined && (
        <>
          <Items
            contents={dataOf(event).contents}
            currency={dataOf(event).currency}
          />
          <div class="details-part actions">
            {canBeSent(entry) && (
              <CopyButton text={() => curlOf(entry, location.origin)}>
                {isServer(entry)
                  ? "Copy as curl"
                  : "Copy as a server's request (curl)"}
              </CopyButton>
            )}
            <CopyButton text={() => asJson(event)}>Copy JSON</CopyButton>
          </div>
          <pre
            class="json"
            tabIndex={0}
            aria-label="The event as JSON"
            role="group"
          >
            {json}
          </pre>
        </>
      )}
    </>
  );
};

const WhatBecame = ({ entry, halves, view }) => {
  const { name, word, meaning } = verdictOf(entry);
  const faults = faultsOf(entry);
  return (
    <div class="details-part became" data-of={name}>
      <p class="became-word">
        <Icon of={name} />
        <strong>{word}</strong>
        {name === "duplicate" && entry.duplicate_of !== undefined && (
          <span>
            {" of "}
            <EventLink seq={entry.duplicate_of} view={view} />
          </span>
        )}
      </p>
      <p>{meaning}</p>
      {entry.error !== undefined && (
        <p class="error">
          <Sent value={entry.error} longest={1000} />
        </p>
      )}
      {faults.length > 0 && (
        <ul class="faults" aria-label="Faults">
          {faults.slice(0, 50).map((fault, i) => (
            <Fault key={i} fault={fault} />
          ))}
        </ul>
      )}
      {halves.length > 0 && (
        <p>
          The {isServer(entry) ? "browser" : "server"} sent it too, with the
          same id:{" "}
          {halves.slice(0, 5).map(({ seq }) => (
            <EventLink key={seq} seq={seq} view={view} />
          ))}
          . Both count as one conversion.
        </p>
      )}
    </div>
  );
};

const Fault = ({ fault: { field, given, expected, advice } }) => (
  <li class="fault">
    <Code value={field ?? "event"} />
    <dl>
      {given !== undefined && (
        <Fact name="given">
          <Code value={given} />
        </Fact>
      )}
      {expected !== undefined && (
        <Fact name="expected">
          <Sent value={expected} longest={600} />
        </Fact>
      )}
      {advice !== undefined && (
        <Fact name="fix">
          <Sent value={advice} longest={600} />
        </Fact>
      )}
    </dl>
  </li>
);

/** What is to be said of it besides its verdict. */
const Remarks = ({ entry, view }) => {
  const remarks = remarksOf(entry, useContext(Insight));
  if (remarks.length === 0) return null;
  return (
    <ul class="details-part remarks" aria-label="Remarks">
      {remarks.map(({ id, words, seq }) => (
        <li key={id} data-remark={id}>
          <span data-of="look">
            <Icon of="look" />
          </span>
          <span>
            <Sent value={words} longest={1000} />
            {seq !== undefined && (
              <>
                {" "}
                <EventLink seq={seq} view={view} />.
              </>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
};

const Diagnostic = ({ entry }) => {
  const data = dataOf(entry.event);
  const facts = diagnosticFacts(data);
  const refusals = refusedCount(data) > 0 ? explainRefusals(data) : [];
  return (
    <div class="details-part">
      {facts.length > 0 && (
        <p>
          <Sent value={facts.map(({ words }) => words).join(" · ")} />
        </p>
      )}
      {refusals.length > 0 && (
        <>
          <p>
            The pixel refused {refusedCount(data) === 1 ? "a call" : "calls"} on
            the page. A refused call is not sent, so OpenAI does not count it.
          </p>
          <ul class="faults" aria-label="Refused calls">
            {refusals.map((refusal, i) => (
              <li key={i} class="fault">
                <Sent value={refusalSentence(refusal)} longest={800} />
                {refusal.field !== undefined && (
                  <>
                    {" "}
                    (<Code value={refusal.field} longest={100} />)
                  </>
                )}
              </li>
            ))}
          </ul>
          {refusals.some(({ name }) => name === undefined) && (
            <p class="muted">
              Refused events: <Sent value={refusedNames(data)} longest={600} />
            </p>
          )}
          <RefusedOn entry={entry} />
        </>
      )}
    </div>
  );
};

/** Where calls were refused, and how to see more of them than a diagnostic carries. */
const RefusedOn = ({ entry }) => {
  const page = useContext(Insight).pages.get(entry);
  const address = page && debugAddress(page.url);
  return (
    <>
      <dl>
        <Fact name="Page">
          {page ? (
            <>
              <Sent value={page.url} longest={600} />
              {!page.sure && (
                <span class="muted">
                  {" "}
                  (probably: it is where this browser was at that time)
                </span>
              )}
            </>
          ) : (
            <span class="muted">
              unknown: the request names no page. Compare its time with the
              events around it.
            </span>
          )}
        </Fact>
      </dl>
      <p>{DIAGNOSTICS_CARRY}</p>
      <p>
        To see the value, open{" "}
        {page ? (
          <>
            <Code value={address} longest={600} />, do the same again, and read
            the browser's console.
          </>
        ) : (
          <>
            the page with <code>?oaiq_debug=1</code> at the end of its address,
            do the same again, and read the browser's console.
          </>
        )}
      </p>
      {page && (
        <p>
          <CopyButton class="small" text={() => address}>
            Copy that address
          </CopyButton>
        </p>
      )}
    </>
  );
};

const EventFacts = ({ event }) => {
  const data = dataOf(event);
  const { amount, currency } = data;
  const units = minorUnits(amount, currency);
  return (
    <>
      {amount !== undefined && (
        <Fact name="Amount">
          <strong>
            <Sent value={formatMoney(amount, currency)} />
          </strong>
          {units !== undefined && <span class="muted"> sent as {units}</span>}
        </Fact>
      )}
      {data.type !== undefined && (
        <Fact name="Data type">
          <Code value={data.type} />
        </Fact>
      )}
      {data.plan_id !== undefined && (
        <Fact name="Plan">
          <Code value={data.plan_id} />
        </Fact>
      )}
      {event.custom_event_name !== undefined && (
        <Fact name="Event type">
          <Code value={event.type} />
        </Fact>
      )}
      <Fact name="Event id">
        {event.id === undefined ? "none" : <Code value={event.id} />}
      </Fact>
      {event.source_url !== undefined && (
        <Fact name="Page">
          <Sent value={event.source_url} longest={600} />
        </Fact>
      )}
      {event.referrer_url !== undefined && (
        <Fact name="Came from">
          <Sent value={event.referrer_url} longest={600} />
        </Fact>
      )}
      {event.action_source !== undefined && (
        <Fact name="Action source">
          <Code value={event.action_source} />
        </Fact>
      )}
      {event.opt_out !== undefined && (
        <Fact name="Opt out">
          {event.opt_out === true
            ? "yes: must not be used to personalize ads"
            : visible(event.opt_out, 100)}
        </Fact>
      )}
    </>
  );
};

const RequestFacts = ({ entry }) => {
  const { event, received_ms: received } = entry;
  const click = clickOf(entry);
  const browser = browserOf(entry);
  const fields = userFieldsOf(entry);
  const isOwn = event && isDiagnostic(event);
  return (
    <>
      <Fact name="Pixel">
        {entry.pixel ? <Code value={entry.pixel} /> : "none"}
      </Fact>
      <Fact name="Click ID">
        {click === undefined ? (
          <span class="muted">no click ID (oppref)</span>
        ) : (
          <Code value={click} />
        )}
      </Fact>
      <Fact name="Browser ID">
        {browser === undefined ? (
          <span class="muted">no browser ID (obref)</span>
        ) : (
          <Code value={browser} />
        )}
      </Fact>
      {!isOwn && (
        <Fact name="User data">
          {fields.length === 0 ? (
            <span class="muted">none</span>
          ) : (
            <Sent value={fields.map(userFieldName).join(", ")} />
          )}
        </Fact>
      )}
      <Fact name="Consent">{consentOf(entry).words}</Fact>
      {event?.timestamp_ms !== undefined && (
        <Fact name="Measured">
          <time dateTime={isoTime(event.timestamp_ms)}>
            {formatTime(event.timestamp_ms)}
          </time>
        </Fact>
      )}
      <Fact name="Received">
        <time dateTime={isoTime(received)}>{formatTime(received)}</time>
        {Number.isFinite(event?.timestamp_ms) && (
          <span class="muted"> {delay(received - event.timestamp_ms)}</span>
        )}
      </Fact>
      <Fact name="Sent by">
        {transportName(entry.transport)}
        {entry.status !== undefined && (
          <span class="muted">, answered {visible(entry.status, 20)}</span>
        )}
      </Fact>
      <Fact name="Request">
        #{visible(entry.batch, 20)},{" "}
        {plural(Number(entry.batch_size) || 0, "event")}
        {entry.bytes > 0 && `, ${formatBytes(entry.bytes)}`}
      </Fact>
      {entry.request_id !== undefined && (
        <Fact name="Request ID">
          <Code value={entry.request_id} />
        </Fact>
      )}
      {entry.integration_source !== undefined && (
        <Fact name="Integration">
          <Code value={entry.integration_source} />
        </Fact>
      )}
      {entry.referer !== undefined && (
        <Fact name="Referer">
          <Sent value={entry.referer} longest={600} />
        </Fact>
      )}
    </>
  );
};

const delay = (ms) => {
  if (ms < 0) return "(before it was measured: one of the clocks is wrong)";
  if (ms < 1000) return `${Math.round(ms)} ms later`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s later`;
  return `${Math.round(ms / 60_000).toLocaleString()} min later`;
};

/** A page may send any number of items. */
const MOST_ITEMS = 50;

const Items = ({ contents, currency }) => {
  if (!Array.isArray(contents) || contents.length === 0) return null;
  return (
    <div class="details-part">
      <table class="items-table">
        <caption>{plural(contents.length, "item")}</caption>
        <thead>
          <tr>
            <th scope="col">Item</th>
            <th scope="col" class="number">
              Quantity
            </th>
            <th scope="col" class="number">
              Amount
            </th>
          </tr>
        </thead>
        <tbody>
          {contents.slice(0, MOST_ITEMS).map((given, i) => {
            const item = asObject(given);
            return (
              <tr key={i}>
                <td>
                  <Sent value={item.name ?? item.id ?? "unnamed"} />
                  {item.name !== undefined && item.id !== undefined && (
                    <>
                      {" "}
                      <Code value={item.id} longest={80} />
                    </>
                  )}
                </td>
                <td class="number">
                  {item.quantity !== undefined && (
                    <Sent value={item.quantity} longest={30} />
                  )}
                </td>
                <td class="number">
                  {item.amount !== undefined && (
                    <Sent
                      value={formatMoney(
                        item.amount,
                        item.currency ?? currency,
                      )}
                      longest={60}
                    />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {contents.length > MOST_ITEMS && (
        <p class="muted">
          and {(contents.length - MOST_ITEMS).toLocaleString()} more
        </p>
      )}
    </div>
  );
};
