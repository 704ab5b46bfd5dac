/** @import { CheckState, Conversion, EventRecord, Filter } from "../model/types.d.ts" */
/** @import { SetFilter } from "./hooks.js" */
import { useMemo, useState } from "preact/hooks";
import {
  describeConversion,
  representativeOf,
  sourcesOf,
} from "../model/conversions.js";
import {
  isSendable,
  toCurl,
  userFieldLabel,
  userFieldsOf,
} from "../model/curl.js";
import { escapeInvisible } from "../model/escape-invisible.js";
import { browserIdOf, clickIdOf, dataOf } from "../model/event.js";
import {
  formatShortTime,
  isoTime,
  pathOf,
  plural,
  truncateMiddle,
} from "../model/format.js";
import { formatMoney } from "../model/money.js";
import {
  CopyButton,
  EmptyState,
  EventLink,
  Icon,
  UntrustedCode,
  UntrustedText,
  VerdictBadge,
} from "./components.jsx";
import { transportLabel } from "./event-row.jsx";

/** How many are shown at first, and how many more each time. */
const PAGE_SIZE = 50;

/** Frequent, and rarely sent by servers: hidden by default. */
const VIEW_EVENTS = new Set(["page_viewed", "contents_viewed"]);

/** @typedef {"both" | "apart" | "one"} Kind */

/** @type {["all" | Kind, string][]} */
const KINDS = [
  ["all", "All"],
  ["both", "Browser and server"],
  ["apart", "Possibly counted twice"],
  ["one", "One source only"],
];

/** @type {Record<Kind, CheckState>} */
const STATES = { both: "pass", apart: "review", one: "pending" };

/**
 * @param {Conversion} conversion
 * @returns {Kind}
 */
const kindOf = (conversion) => {
  if (conversion.probableDuplicate) return "apart";
  return sourcesOf(conversion) === "both" ? "both" : "one";
};

/**
 * @param {object} props
 * @param {Conversion[]} props.conversions
 * @param {number | undefined} props.selected
 * @param {Filter} props.filter
 * @param {SetFilter} props.setFilter
 */
export const ConversionsView = ({
  conversions,
  selected,
  filter,
  setFilter,
}) => {
  const { views } = filter;
  const kind = KINDS.find(([name]) => name === filter.kind)?.[0] ?? "all";
  const [limit, setLimit] = useState(PAGE_SIZE);
  const relevant = useMemo(
    () =>
      conversions
        .filter(
          (one) =>
            views || !VIEW_EVENTS.has(one.name) || sourcesOf(one) !== "browser",
        )
        // a pair of probable duplicates is one card, at the place of the later one
        .filter(
          ({ first, probableDuplicate }) =>
            !probableDuplicate || first > probableDuplicate.first,
        ),
    [conversions, views],
  );
  /** @param {"all" | Kind} wanted */
  const ofKind = (wanted) =>
    wanted === "all"
      ? relevant
      : relevant.filter((one) => kindOf(one) === wanted);
  const shown = ofKind(kind);
  return (
    <section
      class="scroll-page conversions"
      aria-label="Conversions"
      tabIndex={0}
    >
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
              <span class="option-count">
                {ofKind(value).length.toLocaleString()}
              </span>
            </button>
          ))}
        </div>
        <label class="check">
          <input
            type="checkbox"
            checked={views}
            onChange={({ currentTarget }) =>
              setFilter((before) => ({
                ...before,
                views: currentTarget.checked,
              }))
            }
          />
          Page and product views
        </label>
      </div>
      {shown.length === 0 ? (
        <NoConversions hidden={conversions.length} kind={kind} />
      ) : (
        <ol class="cards">
          {shown.slice(0, limit).map((conversion) => (
            <ConversionCard
              key={conversion.key}
              conversion={conversion}
              selected={selected}
            />
          ))}
        </ol>
      )}
      {shown.length > limit && (
        <button
          type="button"
          class="more"
          onClick={() => setLimit(limit + PAGE_SIZE)}
        >
          Show {Math.min(PAGE_SIZE, shown.length - limit)} more of{" "}
          {(shown.length - limit).toLocaleString()}
        </button>
      )}
    </section>
  );
};

/** @param {{ hidden: number, kind: string }} props */
const NoConversions = ({ hidden, kind }) =>
  hidden === 0 ? (
    <EmptyState title="No conversions yet">
      <p>
        Events that count appear here. If your server sends an event with the
        same pixel, name and ID as a browser, both are shown side by side.
      </p>
    </EmptyState>
  ) : (
    <EmptyState title="No matching conversions">
      <p>
        {kind === "all"
          ? `Page and product views are hidden: ${plural(hidden, "conversion")}. Tick the box above to show them.`
          : `The other kinds have ${plural(hidden, "conversion")}, including views.`}
      </p>
    </EmptyState>
  );

/** @param {{ conversion: Conversion, selected: number | undefined }} props */
const ConversionCard = ({ conversion, selected }) => {
  const { probableDuplicate, name, id, pixel, shared = [] } = conversion;
  const { amount, currency } = dataOf(representativeOf(conversion).event);
  const { headline, why } = describeConversion(conversion);
  const [browser, server] = probableDuplicate
    ? sourcesOf(conversion) === "browser"
      ? [conversion.browser, probableDuplicate.server]
      : [probableDuplicate.browser, conversion.server]
    : [conversion.browser, conversion.server];
  const kind = kindOf(conversion);
  // the same visitor too is hardly a coincidence
  const state = shared.length > 0 ? "fail" : STATES[kind];
  return (
    <li class="card" data-conversion={id.slice(0, 200)} data-kind={kind}>
      <div class="card-head">
        <h2 class="card-name">
          <UntrustedText value={name} />
        </h2>
        {amount !== undefined && (
          <strong class="money">
            <UntrustedText value={formatMoney(amount, currency)} />
          </strong>
        )}
        {!probableDuplicate && <UntrustedCode value={id} longest={80} />}
        <span class="muted at-end">
          <UntrustedText value={pixel} longest={60} />
        </span>
      </div>
      <p class="card-summary">
        <strong class="state-word" data-of={state}>
          <Icon of={state} />
          {headline}
        </strong>
        {why && (
          <span class="why">
            {why.map((part, i) =>
              typeof part === "string" ? (
                <UntrustedText key={i} value={part} longest={1000} />
              ) : (
                <UntrustedCode key={i} value={part.code} longest={80} />
              ),
            )}
          </span>
        )}
      </p>
      <div class="sides">
        <ConversionSide
          side="Browser"
          entries={browser}
          other={server[0]}
          showId={probableDuplicate !== undefined}
          selected={selected}
        />
        <ConversionSide
          side="Server"
          entries={server}
          other={browser[0]}
          showId={probableDuplicate !== undefined}
          selected={selected}
        />
      </div>
    </li>
  );
};

/**
 * @param {object} props
 * @param {"Browser" | "Server"} props.side
 * @param {EventRecord[]} props.entries
 * @param {EventRecord} props.other the first event of the other side, to copy where this side has none
 * @param {boolean} props.showId
 * @param {number | undefined} props.selected
 */
const ConversionSide = ({ side, entries, other, showId, selected }) => {
  const [entry] = entries;
  if (!entry)
    return (
      <section class="side missing" data-side={side.toLowerCase()}>
        <h3>{side}</h3>
        <p class="muted">Nothing from the {side.toLowerCase()} with this ID.</p>
        {side === "Server" && isSendable(other) && (
          <CopyButton class="small" text={() => toCurl(other, location.origin)}>
            Copy as server request (curl)
          </CopyButton>
        )}
      </section>
    );
  const event = entry.event ?? {};
  const identity = [
    describeId("click", clickIdOf(entry)) ?? "no click ID",
    describeId("browser", browserIdOf(entry)),
    userFieldsOf(entry).map(userFieldLabel).join(", "),
  ];
  return (
    <section class="side" data-side={side.toLowerCase()}>
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
        <VerdictBadge entry={entry} />
      </h3>
      {showId && (
        <p>
          <UntrustedCode value={event.id} longest={80} />
        </p>
      )}
      <p>
        <time dateTime={isoTime(event.timestamp_ms)}>
          {formatShortTime(event.timestamp_ms)}
        </time>
        {" · "}
        {transportLabel(entry.transport)}
        {event.source_url !== undefined && (
          <>
            {" · "}
            <UntrustedText value={pathOf(event.source_url)} />
          </>
        )}
        {entries.length > 1 && ` · sent ${entries.length} times`}
      </p>
      <p class="muted">{identity.filter(Boolean).join(" · ")}</p>
    </section>
  );
};

/**
 * @param {string} name
 * @param {string | undefined} id
 */
const describeId = (name, id) =>
  id === undefined
    ? undefined
    : `${name} ${escapeInvisible(truncateMiddle(id))}`;
