/** @import { EventRecord, Violation } from "../model/types.d.ts" */
import { useContext, useEffect, useMemo, useRef } from "preact/hooks";
import { isSendable, toCurl } from "../model/curl.js";
import {
  escapeInvisibleLines,
  toPrettyJson,
} from "../model/escape-invisible.js";
import { dataOf, displayName, isDiagnostic, isServer } from "../model/event.js";
import { remarksOf } from "../model/remarks.js";
import { verdictOf, violationsOf } from "../model/verdict.js";
import {
  CopyButton,
  DefinitionRow,
  EventLink,
  Icon,
  UntrustedCode,
  UntrustedText,
} from "./components.jsx";
import { DiagnosticDetails } from "./diagnostic-details.jsx";
import { EventFields, ItemsTable, RequestFields } from "./event-fields.jsx";
import { AnalysisContext } from "./hooks.js";

/** How many violations and how many links to other events are shown. */
const MAX_VIOLATIONS = 50;
const MAX_LINKS = 5;

/**
 * The panel with everything about one event.
 *
 * @param {object} props
 * @param {number} props.seq
 * @param {EventRecord | undefined} props.entry undefined where the event is not loaded
 * @param {EventRecord[]} props.otherSide the same event from the other side, browser or server
 * @param {string} props.view
 * @param {boolean} props.isCovering whether the panel covers the list
 * @param {() => void} props.close
 */
export const Details = ({ seq, entry, otherSide, view, isCovering, close }) => {
  /** @type {{ current: HTMLButtonElement | null }} */
  const closeButton = useRef(null);
  useEffect(() => {
    if (isCovering) closeButton.current?.focus();
  }, [isCovering]);
  return (
    <aside class="details" aria-label={`Event #${seq}`} tabIndex={0}>
      <header class="details-head">
        <h2>
          {entry ? (
            <UntrustedText value={displayName(entry.event)} />
          ) : (
            "No such event"
          )}{" "}
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
        <EventDetails entry={entry} otherSide={otherSide} view={view} />
      ) : (
        <p class="details-part muted">
          This event was cleared, or it is older than the events that are
          loaded.
        </p>
      )}
    </aside>
  );
};

/** @param {{ entry: EventRecord, otherSide: EventRecord[], view: string }} props */
const EventDetails = ({ entry, otherSide, view }) => {
  const { event } = entry;
  const json = useMemo(
    () => escapeInvisibleLines(toPrettyJson(event)),
    [event],
  );
  const { contents, currency } = dataOf(event);
  return (
    <>
      <VerdictPanel entry={entry} otherSide={otherSide} view={view} />
      <Remarks entry={entry} view={view} />
      {isDiagnostic(event) && <DiagnosticDetails entry={entry} />}
      <div class="details-part">
        <dl class="definitions">
          {event && <EventFields event={event} />}
          <RequestFields entry={entry} />
        </dl>
      </div>
      {event !== null && event !== undefined && (
        <>
          <ItemsTable contents={contents} currency={currency} />
          <div class="details-part actions">
            {isSendable(entry) && (
              <CopyButton text={() => toCurl(entry, location.origin)}>
                {isServer(entry)
                  ? "Copy as curl"
                  : "Copy as server request (curl)"}
              </CopyButton>
            )}
            <CopyButton text={() => toPrettyJson(event)}>Copy JSON</CopyButton>
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

/** @param {{ entry: EventRecord, otherSide: EventRecord[], view: string }} props */
const VerdictPanel = ({ entry, otherSide, view }) => {
  const { name, word, meaning } = verdictOf(entry);
  const violations = violationsOf(entry);
  return (
    <div class="details-part verdict-panel" data-of={name}>
      <p class="verdict-title">
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
          <UntrustedText value={entry.error} longest={1000} />
        </p>
      )}
      {violations.length > 0 && (
        <ul class="violations" aria-label="Violations">
          {violations.slice(0, MAX_VIOLATIONS).map((violation, i) => (
            <ViolationItem key={i} violation={violation} />
          ))}
        </ul>
      )}
      {otherSide.length > 0 && (
        <p>
          The {isServer(entry) ? "browser" : "server"} sent it too, with the
          same ID:{" "}
          {otherSide.slice(0, MAX_LINKS).map(({ seq }) => (
            <EventLink key={seq} seq={seq} view={view} />
          ))}
          . Both count as one conversion.
        </p>
      )}
    </div>
  );
};

/** @param {{ violation: Violation }} props */
const ViolationItem = ({ violation: { field, given, expected, advice } }) => (
  <li class="violation">
    <UntrustedCode value={field ?? "event"} />
    <dl>
      {given !== undefined && (
        <DefinitionRow name="sent">
          <UntrustedCode value={given} />
        </DefinitionRow>
      )}
      {expected !== undefined && (
        <DefinitionRow name="expected">
          <UntrustedText value={expected} longest={600} />
        </DefinitionRow>
      )}
      {advice !== undefined && (
        <DefinitionRow name="fix">
          <UntrustedText value={advice} longest={600} />
        </DefinitionRow>
      )}
    </dl>
  </li>
);

/** @param {{ entry: EventRecord, view: string }} props */
const Remarks = ({ entry, view }) => {
  const remarks = remarksOf(entry, useContext(AnalysisContext));
  if (remarks.length === 0) return null;
  return (
    <ul class="details-part remarks" aria-label="Remarks">
      {remarks.map(({ id, words, seq }) => (
        <li key={id} data-remark={id}>
          <span data-of="review">
            <Icon of="review" />
          </span>
          <span>
            <UntrustedText value={words} longest={1000} />
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
