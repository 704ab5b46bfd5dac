/** Which view is open, which event in it and which filters are set, as the fragment of the page's address. */
import { NO_FILTER } from "./filter.js";

export const VIEWS = ["events", "timeline", "conversions", "checklist"];

/** Each filter by its name in the address, with how it is written there and read back. */
const asText = { write: (value) => value, read: (text) => text };
const asCount = {
  write: String,
  read: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : 0),
};
const asFlag = { write: () => "yes", read: (text) => text === "yes" };
const PARAMETERS = [
  ["search", "text", asText],
  ["verdict", "verdict", asText],
  ["event", "name", asText],
  ["via", "transport", asText],
  ["pixel", "pixel", asText],
  [
    "status",
    "internal",
    { write: () => "hidden", read: (text) => text !== "hidden" },
  ],
  ["since", "since", asCount],
  ["show", "kind", asText],
  ["views", "views", asFlag],
];

/** The filters that are set, for an address: `?verdict=refused`, or nothing. */
export const queryOf = (filter = NO_FILTER) => {
  const query = new URLSearchParams();
  for (const [name, key, { write }] of PARAMETERS)
    if (filter[key] !== NO_FILTER[key]) query.set(name, write(filter[key]));
  const text = query.toString();
  return text && `?${text}`;
};

/** `query` is what {@link queryOf} gives. */
export const addressOf = (view, seq, query = "") =>
  (seq === undefined ? `#/${view}` : `#/${view}/${seq}`) + query;

/** `{view, seq, filter}` of an address's fragment, whatever somebody has typed there. */
export const placeOf = (hash) => {
  const [, view, seq, query] =
    /^#\/([a-z]+)(?:\/(\d{1,15}))?(?:\?(.*))?$/s.exec(hash) ?? [];
  const filter = { ...NO_FILTER };
  const given = new URLSearchParams(query);
  for (const [name, key, { read }] of PARAMETERS)
    if (given.has(name)) filter[key] = read(given.get(name));
  return {
    view: VIEWS.includes(view) ? view : "events",
    seq: seq === undefined ? undefined : Number(seq),
    filter,
  };
};
