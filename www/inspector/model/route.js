/** The open view, the open event and the filters, as the fragment of the page's URL. */
/** @import { Filter, Route, ViewName } from "./types.d.ts" */
import { EMPTY_FILTER } from "./filter.js";

/** @type {[ViewName, string][]} */
export const VIEWS = [
  ["events", "Events"],
  ["timeline", "Timeline"],
  ["conversions", "Conversions"],
  ["checklist", "Launch check"],
];

/**
 * @typedef {object} Parameter
 * @property {string} name in the URL
 * @property {keyof Filter} key
 * @property {(value: Filter[keyof Filter]) => string} write
 * @property {(text: string) => Filter[keyof Filter]} read
 */

/** @type {Pick<Parameter, "write" | "read">} */
const asText = { write: String, read: (text) => text };
/** @type {Pick<Parameter, "write" | "read">} */
const asCount = {
  write: String,
  read: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : 0),
};
/** @type {Pick<Parameter, "write" | "read">} */
const asFlag = { write: () => "yes", read: (text) => text === "yes" };
/** @type {Pick<Parameter, "write" | "read">} */
const asHidden = { write: () => "hidden", read: (text) => text !== "hidden" };

/** @type {Parameter[]} */
const PARAMETERS = [
  { name: "search", key: "text", ...asText },
  { name: "verdict", key: "verdict", ...asText },
  { name: "event", key: "name", ...asText },
  { name: "via", key: "transport", ...asText },
  { name: "pixel", key: "pixel", ...asText },
  { name: "status", key: "internal", ...asHidden },
  { name: "since", key: "since", ...asCount },
  { name: "show", key: "kind", ...asText },
  { name: "views", key: "views", ...asFlag },
];

/**
 * The filters that are set, as a query: `?verdict=refused`, or nothing.
 *
 * @param {Filter} filter
 */
export const filterQuery = (filter = EMPTY_FILTER) => {
  const query = new URLSearchParams();
  for (const { name, key, write } of PARAMETERS)
    if (filter[key] !== EMPTY_FILTER[key]) query.set(name, write(filter[key]));
  const text = query.toString();
  return text && `?${text}`;
};

/**
 * @param {string} view
 * @param {number | undefined} seq the open event
 * @param {string} query from {@link filterQuery}
 */
export const routeHref = (view, seq, query = "") =>
  (seq === undefined ? `#/${view}` : `#/${view}/${seq}`) + query;

/**
 * The route in a URL's fragment. Parts that are not valid count as left out.
 *
 * @param {string} hash
 * @returns {Route}
 */
export const parseRoute = (hash) => {
  const [, view, seq, query] =
    /^#\/([a-z]+)(?:\/(\d{1,15}))?(?:\?(.*))?$/s.exec(hash) ?? [];
  const sent = new URLSearchParams(query);
  const set = PARAMETERS.filter(({ name }) => sent.has(name)).map(
    ({ name, key, read }) => [key, read(sent.get(name) ?? "")],
  );
  return {
    view: VIEWS.find(([name]) => name === view)?.[0] ?? "events",
    seq: seq === undefined ? undefined : Number(seq),
    filter: { ...EMPTY_FILTER, ...Object.fromEntries(set) },
  };
};
