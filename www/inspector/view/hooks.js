/** @import { Filter, Route } from "../model/types.d.ts" */
/** @import { Store } from "./store.js" */
import { createContext } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { EMPTY_ANALYSIS } from "../model/remarks.js";
import { filterQuery, parseRoute, routeHref } from "../model/route.js";

/** The filters that are set, as a URL's query: links to other events and views keep them. */
export const QueryContext = createContext("");

export const AnalysisContext = createContext(EMPTY_ANALYSIS);

/**
 * Renders when the store changes, at most once per frame and not in a background tab.
 *
 * @param {Store} store
 */
export const useStore = (store) => {
  const [, setRendering] = useState({});
  useEffect(() => {
    /** @type {number | undefined} */
    let frame;
    const unsubscribe = store.subscribe(() => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        setRendering({});
      });
    });
    // the store may have changed between the first rendering and now
    setRendering({});
    return () => {
      unsubscribe();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [store]);
};

/**
 * The value, updated at most every `ms`: for results that take long to compute.
 *
 * @template T
 * @param {T} value
 * @param {number} ms
 * @returns {T}
 */
export const useThrottledValue = (value, ms) => {
  const [throttled, update] = useState(value);
  const latest = useRef(value);
  /** @type {{ current: ReturnType<typeof setTimeout> | undefined }} */
  const timer = useRef();
  latest.current = value;
  useEffect(() => {
    if (value === throttled || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      update(() => latest.current);
    }, ms);
  }, [value, throttled]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return throttled;
};

/** @param {string} query */
export const useMediaQuery = (query) => {
  const [list] = useState(() => matchMedia(query));
  const [matches, setMatches] = useState(list.matches);
  useEffect(() => {
    const update = () => setMatches(list.matches);
    list.addEventListener("change", update);
    return () => list.removeEventListener("change", update);
  }, [list]);
  return matches;
};

/** The least time between two changes of the URL: Safari allows 100 in 30 seconds, and typing makes more. */
const URL_INTERVAL_MS = 350;

/** @typedef {(filter: Filter | ((before: Filter) => Filter)) => void} SetFilter */

/** The route, kept in the URL so that a link shows a colleague the same. */
export const useRoute = () => {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const read = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const writtenAt = useRef(-Infinity);
  const href = hrefOf(route);
  useEffect(() => {
    if (hrefOf(parseRoute(location.hash)) === href) return;
    const write = () => {
      writtenAt.current = performance.now();
      // not a step for the Back button
      history.replaceState(null, "", href);
    };
    const wait = writtenAt.current + URL_INTERVAL_MS - performance.now();
    if (wait <= 0) return write();
    const timer = setTimeout(write, wait);
    return () => clearTimeout(timer);
  }, [href]);
  /** @param {number | undefined} seq an event of the same view */
  const select = (seq) => setRoute((before) => ({ ...before, seq }));
  /** @type {SetFilter} */
  const setFilter = (filter) =>
    setRoute((before) => ({
      ...before,
      filter: typeof filter === "function" ? filter(before.filter) : filter,
    }));
  return { ...route, query: filterQuery(route.filter), select, setFilter };
};

/** @param {Route} route */
const hrefOf = ({ view, seq, filter }) =>
  routeHref(view, seq, filterQuery(filter));
