import { useMemo, useState } from "preact/hooks";
import { conversionWords, sampleOf, sidesOf } from "../model/conversions.js";
import {
  canBeSent,
  curlOf,
  userFieldName,
  userFieldsOf,
} from "../model/curl.js";
import { browserOf, clickOf, dataOf } from "../model/event.js";
import {
  formatShortTime,
  isoTime,
  pathOf,
  plural,
  shorten,
} from "../model/format.js";
import { formatMoney } from "../model/money.js";
import { visible } from "../model/escape-invisible.js";
import { transportName } from "./event-row.jsx";
import {
  Code,
  CopyButton,
  Empty,
  EventLink,
  Icon,
  Sent,
  Verdict,
} from "./components.jsx";

/** How many are shown at first, and how many more each time. */
const PAGE = 50;

/** Seen by everyone all the time, and rarely sent by servers: left out unless asked for. */
const VIEWS = new Set(["page_viewed", "contents_viewed"]);

const KINDS = [
  ["all", "All"],
  ["both", "Browser and server"],
  ["apart", "Possibly twice"],
  ["one", "One side only"],
];

const kindOf = (conversion) => {
  if (conversion.lookAlike) return "apart";
  return sidesOf(conversion) === "both" ? "both" : "one";
};

export const ConversionsView = ({
  conversions,
  selected,
  filter,
  setFilter,
}) => {
  const withViews = filter.views;
  const kind = KINDS.some(([name]) => name === filter.kind)
    ? filter.kind
    : "all";
  const [most, setMost] = useState(PAGE);
  const relevant = useMemo(
    () =>
      conversions
        .filter(
          (one) =>
            withViews || !VIEWS.has(one.name) || sidesOf(one) !== "browser",
        )
        // Two that look alike are shown as one, where the later of them stands.
        .filter((one) => !one.lookAlike || one.first > one.lookAlike.first),
    [conversions, withViews],
  );
  const count = (wanted) =>
    wanted === "all"
      ? relevant.length
      : relevant.filter((one) => kindOf(one) === wanted).length;
  const shown = relevant.filter(
    (one) => kind === "all" || kindOf(one) === kind,
  );
  return (
    <section class="page-of conversions" aria-label="Conversions" tabIndex={0}>
      <div class="page-head">
        <div class="choice" role="group" aria-label="Which conversions">
          {KINDS.map(([value, words]) => (
            <button
              key={value}
              type="button"
              aria-pressed={kind === value}
              onClick={() =>
                setFilter((before) => ({ ...before, kind: value }))
              }
            >
              {words}{" "}
              <span class="amount-of">{count(value).toLocaleString()}</span>
            </button>
          ))}
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={withViews}
            onChange={({ target }) =>
              setFilter((before) => ({ ...before, views: target.checked }))
            }
          />
          Page and product views
        </label>
      </div>
      {shown.length === 0 ? (
        <Nothing hidden={conversions.length} kind={kind} />
      ) : (
        <ol class="cards">
          {shown.slice(0, most).map((conversion) => (
            <Conversion
              key={conversion.key}
              conversion={conversion}
              selected={selected}
            />
          ))}
        </ol>
      )}
      {shown.length > most && (
        <button type="button" class="more" onClick={() => setMost(most + PAGE)}>
          Show {Math.min(PAGE, shown.length - most)} more of{" "}
          {(shown.length - most).toLocaleString()}
        </button>
      )}
    </section>
  );
};

/** `hidden`: how many conversions there are of other kinds, or that are views. */
const Nothing = ({ hidden, kind }) =>
  hidden === 0 ? (
    <Empty title="No conversion yet">
      <p>
        An event that is counted appears here. When your server sends it too,
        with the same pixel, name and id, both appear side by side.
      </p>
    </Empty>
  ) : (
    <Empty title="No matching conversions">
      <p>
        {kind === "all"
          ? `Page and product views are hidden: ${plural(hidden, "conversion")}. Tick the box above to see them.`
          : `There ${hidden === 1 ? "is" : "are"} ${plural(hidden, "conversion")} of other kinds, or views.`}
      </p>
    </Empty>
  );

const STATES = { both: "yes", apart: "look", one: "open" };

/** What also the visitor speaks for is no chance. */
const stateOf = (kind, { shared }) =>
  shared?.length > 0 ? "problem" : STATES[kind];

const Conversion = ({ conversion, selected }) => {
  const { lookAlike, name, id, pixel } = conversion;
  const { amount, currency } = dataOf(sampleOf(conversion).event);
  const { headline, why } = conversionWords(conversion);
  const [browser, server] = lookAlike
    ? sidesOf(conversion) === "browser"
      ? [conversion.browser, lookAlike.server]
      : [lookAlike.browser, conversion.server]
    : [conversion.browser, conversion.server];
  const kind = kindOf(conversion);
  const state = stateOf(kind, conversion);
  return (
    <li class="card" data-conversion={id.slice(0, 200)} data-kind={kind}>
      <div class="card-head">
        <h2 class="card-name">
          <Sent value={name} />
        </h2>
        {amount !== undefined && (
          <strong class="money">
            <Sent value={formatMoney(amount, currency)} />
          </strong>
        )}
        {!lookAlike && <Code value={id} longest={80} />}
        <span class="muted at-end">
          <Sent value={pixel} longest={60} />
        </span>
      </div>
      <p class="card-says">
        <strong class="state-word" data-of={state}>
          <Icon of={state} />
          {headline}
        </strong>
        {why && (
          <span class="why">
            {why.map((part, i) =>
              part.code === undefined ? (
                <Sent key={i} value={part} longest={1000} />
              ) : (
                <Code key={i} value={part.code} longest={80} />
              ),
            )}
          </span>
        )}
      </p>
      <div class="halves">
        <Half
          side="Browser"
          entries={browser}
          other={server[0]}
          showId={lookAlike !== undefined}
          selected={selected}
        />
        <Half
          side="Server"
          entries={server}
          other={browser[0]}
          showId={lookAlike !== undefined}
          selected={selected}
        />
      </div>
    </li>
  );
};

const Half = ({ side, entries, other, showId, selected }) => {
  const [entry] = entries;
  if (!entry)
    return (
      <section class="half missing" data-side={side.toLowerCase()}>
        <h3>{side}</h3>
        <p class="muted">Nothing from the {side.toLowerCase()} with this id.</p>
        {side === "Server" && canBeSent(other) && (
          <CopyButton class="small" text={() => curlOf(other, location.origin)}>
            Copy as a server's request (curl)
          </CopyButton>
        )}
      </section>
    );
  const { event } = entry;
  const identity = [
    words("click", clickOf(entry)) ?? "no click ID",
    words("browser", browserOf(entry)),
    userFieldsOf(entry).map(userFieldName).join(", "),
  ];
  return (
    <section class="half" data-side={side.toLowerCase()}>
      <h3>
        {side}
        {entries.slice(0, 5).map(({ seq }) => (
          <EventLink
            key={seq}
            seq={seq}
            view="conversions"
            aria-current={seq === selected ? "true" : undefined}
          />
        ))}
        <Verdict entry={entry} />
      </h3>
      {showId && (
        <p>
          <Code value={event.id} longest={80} />
        </p>
      )}
      <p>
        <time dateTime={isoTime(event.timestamp_ms)}>
          {formatShortTime(event.timestamp_ms)}
        </time>
        {" · "}
        {transportName(entry.transport)}
        {event.source_url !== undefined && (
          <>
            {" · "}
            <Sent value={pathOf(event.source_url)} />
          </>
        )}
        {entries.length > 1 && ` · sent ${entries.length} times`}
      </p>
      <p class="muted">{identity.filter(Boolean).join(" · ")}</p>
    </section>
  );
};

const words = (name, id) =>
  id === undefined ? undefined : `${name} ${visible(shorten(id))}`;
