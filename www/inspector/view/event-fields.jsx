/** The fields of an event and of its request, for the details. */
/** @import { EventRecord, SentEvent } from "../model/types.d.ts" */
import { userFieldLabel, userFieldsOf } from "../model/curl.js";
import { readFromPage } from "../model/matching.js";
import { escapeInvisible } from "../model/escape-invisible.js";
import {
  asObject,
  browserIdOf,
  clickIdOf,
  dataOf,
  isDiagnostic,
} from "../model/event.js";
import {
  formatBytes,
  formatTime,
  isoTime,
  joinWords,
  plural,
} from "../model/format.js";
import { describeMinorUnits, formatMoney } from "../model/money.js";
import { relayed } from "../model/relay.js";
import { consentOf } from "../model/timeline.js";
import { DefinitionRow, UntrustedCode, UntrustedText } from "./components.jsx";
import { transportLabel } from "./event-row.jsx";

/** How many of an event's items are shown. */
const MAX_ITEMS = 50;

/** @param {{ event: SentEvent }} props */
export const EventFields = ({ event }) => {
  const data = dataOf(event);
  const { amount, currency } = data;
  const units = describeMinorUnits(amount, currency);
  return (
    <>
      {amount !== undefined && (
        <DefinitionRow name="Amount">
          <strong>
            <UntrustedText value={formatMoney(amount, currency)} />
          </strong>
          {units !== undefined && <span class="muted"> sent as {units}</span>}
        </DefinitionRow>
      )}
      {data.type !== undefined && (
        <DefinitionRow name="Data type">
          <UntrustedCode value={data.type} />
        </DefinitionRow>
      )}
      {data.plan_id !== undefined && (
        <DefinitionRow name="Plan">
          <UntrustedCode value={data.plan_id} />
        </DefinitionRow>
      )}
      {event.custom_event_name !== undefined && (
        <DefinitionRow name="Event type">
          <UntrustedCode value={event.type} />
        </DefinitionRow>
      )}
      <DefinitionRow name="Event ID">
        {event.id === undefined ? "none" : <UntrustedCode value={event.id} />}
      </DefinitionRow>
      {event.source_url !== undefined && (
        <DefinitionRow name="Page">
          <UntrustedText value={event.source_url} longest={600} />
        </DefinitionRow>
      )}
      {event.referrer_url !== undefined && (
        <DefinitionRow name="Referrer">
          <UntrustedText value={event.referrer_url} longest={600} />
        </DefinitionRow>
      )}
      {event.action_source !== undefined && (
        <DefinitionRow name="Action source">
          <UntrustedCode value={event.action_source} />
        </DefinitionRow>
      )}
      {event.opt_out !== undefined && (
        <DefinitionRow name="Opt out">
          {event.opt_out === true
            ? "yes: must not be used to personalize ads"
            : escapeInvisible(event.opt_out, 100)}
        </DefinitionRow>
      )}
    </>
  );
};

/** @param {{ field: string, count: number }} read */
const describeField = ({ field, count }) =>
  count === 1
    ? userFieldLabel(field)
    : `${userFieldLabel(field)}, ${plural(count, "value")}`;

/** @param {{ entry: EventRecord }} props */
export const RequestFields = ({ entry }) => {
  const { event, received_ms: received } = entry;
  const click = clickIdOf(entry);
  const browser = browserIdOf(entry);
  const fields = userFieldsOf(entry);
  const measured = event?.timestamp_ms;
  const relay = relayed(entry);
  return (
    <>
      <DefinitionRow name="Pixel">
        {entry.pixel ? <UntrustedCode value={entry.pixel} /> : "none"}
      </DefinitionRow>
      <DefinitionRow name="Click ID">
        {click === undefined ? (
          <span class="muted">no click ID (oppref)</span>
        ) : (
          <UntrustedCode value={click} />
        )}
      </DefinitionRow>
      <DefinitionRow name="Browser ID">
        {browser === undefined ? (
          <span class="muted">no browser ID (obref)</span>
        ) : (
          <UntrustedCode value={browser} />
        )}
      </DefinitionRow>
      {!isDiagnostic(event) && (
        <DefinitionRow name="User data">
          {fields.length === 0 ? (
            <span class="muted">none</span>
          ) : (
            <UntrustedText value={fields.map(userFieldLabel).join(", ")} />
          )}
        </DefinitionRow>
      )}
      {!isDiagnostic(event) &&
        readFromPage(entry).map(({ part, source, fields: read }) => (
          <DefinitionRow key={part} name={`Read from ${source}`}>
            <UntrustedText
              value={read.map(describeField).join(", ")}
              longest={600}
            />
            <span class="muted"> (user.{part})</span>
          </DefinitionRow>
        ))}
      <DefinitionRow name="Consent">{consentOf(entry).words}</DefinitionRow>
      {measured !== undefined && (
        <DefinitionRow name="Measured">
          <time dateTime={isoTime(measured)}>{formatTime(measured)}</time>
        </DefinitionRow>
      )}
      <DefinitionRow name="Received">
        <time dateTime={isoTime(received)}>{formatTime(received)}</time>
        {typeof measured === "number" && Number.isFinite(measured) && (
          <span class="muted"> {describeDelay(received - measured)}</span>
        )}
      </DefinitionRow>
      <DefinitionRow name="Sent by">
        {transportLabel(entry.transport)}
        {entry.status !== undefined && (
          <span class="muted">
            , answered {escapeInvisible(entry.status, 20)}
          </span>
        )}
      </DefinitionRow>
      <DefinitionRow name="Request">
        #{escapeInvisible(entry.batch, 20)},{" "}
        {plural(Number(entry.batch_size) || 0, "event")}
        {entry.bytes !== undefined &&
          entry.bytes > 0 &&
          `, ${formatBytes(entry.bytes)}`}
      </DefinitionRow>
      {entry.request_id !== undefined && (
        <DefinitionRow name="Request ID">
          <UntrustedCode value={entry.request_id} />
        </DefinitionRow>
      )}
      {relay !== undefined && (
        <DefinitionRow name="Came">
          {relay.way}
          {relay.added.length > 0 && (
            <span class="muted">, which added {joinWords(relay.added)}</span>
          )}
        </DefinitionRow>
      )}
      {entry.integration_source !== undefined && (
        <DefinitionRow name="Integration">
          <UntrustedCode value={entry.integration_source} />
        </DefinitionRow>
      )}
      {entry.referer !== undefined && (
        <DefinitionRow name="Referer">
          <UntrustedText value={entry.referer} longest={600} />
        </DefinitionRow>
      )}
    </>
  );
};

/** @param {number} ms */
const describeDelay = (ms) => {
  if (ms < 0) return "(before it was measured: one of the clocks is wrong)";
  if (ms < 1000) return `${Math.round(ms)} ms later`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s later`;
  return `${Math.round(ms / 60_000).toLocaleString()} min later`;
};

/** @param {{ contents: unknown, currency: unknown }} props */
export const ItemsTable = ({ contents, currency }) => {
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
          {contents.slice(0, MAX_ITEMS).map((sent, i) => (
            <ItemRow key={i} item={asObject(sent)} currency={currency} />
          ))}
        </tbody>
      </table>
      {contents.length > MAX_ITEMS && (
        <p class="muted">
          and {(contents.length - MAX_ITEMS).toLocaleString()} more
        </p>
      )}
    </div>
  );
};

/** @param {{ item: Record<string, unknown>, currency: unknown }} props */
const ItemRow = ({ item, currency }) => (
  <tr>
    <td>
      <UntrustedText value={item.name ?? item.id ?? "unnamed"} />
      {item.name !== undefined && item.id !== undefined && (
        <>
          {" "}
          <UntrustedCode value={item.id} longest={80} />
        </>
      )}
    </td>
    <td class="number">
      {item.quantity !== undefined && (
        <UntrustedText value={item.quantity} longest={30} />
      )}
    </td>
    <td class="number">
      {item.amount !== undefined && (
        <UntrustedText
          value={formatMoney(item.amount, item.currency ?? currency)}
          longest={60}
        />
      )}
    </td>
  </tr>
);
