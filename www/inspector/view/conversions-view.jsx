import { useMemo, useState } from "preact/hooks";
import { conversionWords, sampleOf, sidesOf } from "../model/conversions.js";
import {
  canBeSent,
  curlOf,
  userFieldName,
  userFieldsOf,
} from "../model/curl.js";
import { browserOf, clickOf, dataOf } from "../model/event.js";
import { formatTime, isoTime, pathOf, shorten } from "../model/format.js";
import { formatMoney } from "../model/money.js";
import { visible } from "../model/visible.js";
import { transportName } from "./event-row.jsx";
import {
  Code,
  CopyButton,
  Empty,
  EventLink,
  Icon,
  Sent,
  Verdict,
} from "./parts.jsx";

/** How many are shown at first, and how many more each time. */
const PAGE = 50;

/** Seen by everyone all the time, and rarely sent by servers: left out unless asked for. */
const VIEWS = new Set(["page_viewed", "contents_viewed"]);

const KINDS = [
  ["all", "All"],
  ["both", "Two halves"],
  ["apart", "Different ids"],
  ["one", "One half"],
];

const kindOf = (conversion) => {
  if (conversion.lookAlike) return "apart";
  return sidesOf(conversion) === "both" ? "both" : "one";
};

export const ConversionsView = ({ conversions, selected }) => {
  const [kind, setKind] = useState("all");
  const [withViews, setWithViews] = useState(false);
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
              onClick={() => setKind(value)}
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
            onChange={({ target }) => setWithViews(target.checked)}
          />
          Page and product views
        </label>
      </div>
      {shown.length === 0 ? (
        <Empty title="No conversion yet">
          <p>
            An event that is counted appears here. When your server sends it
            too, with the same pixel, name and id, both stand side by side.
          </p>
        </Empty>
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

const STATES = { both: "yes", apart: "problem", one: "open" };

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
        <strong class="state-word" data-of={STATES[kind]}>
          <Icon of={STATES[kind]} />
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
        <p class="muted">
          Not seen{side === "Server" ? " from the server" : " in the browser"}.
        </p>
        {side === "Server" && canBeSent(other) && (
          <CopyButton class="small" text={() => curlOf(other, location.origin)}>
            Copy it as curl
          </CopyButton>
        )}
      </section>
    );
  const { event } = entry;
  const identity = [
    words("click", clickOf(entry)) ?? "no click",
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
          {formatTime(event.timestamp_ms)}
        </time>{" "}
        by {transportName(entry.transport)}
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

const words = (name, reference) =>
  reference === undefined
    ? undefined
    : `${name} ${visible(shorten(reference))}`;
