import { createContext } from "preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { addressOf, placeOf, queryOf } from "../model/route.js";
import { NO_INSIGHT } from "../model/remarks.js";

/** The filters that are set, as the query of an address: a link to another event or view keeps them. */
export const Query = createContext("");

/** What is known of entries only from all of them: see `insightOf`. */
export const Insight = createContext(NO_INSIGHT);

/** Renders anew when the store changes, at most once a frame; a page in the background waits. */
export const useStore = (store) => {
  const [, render] = useReducer((count) => count + 1, 0);
  useEffect(() => {
    let frame;
    const unsubscribe = store.subscribe(() => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        render();
      });
    });
    // What has changed between the first rendering and now.
    render();
    return () => {
      unsubscribe();
      cancelAnimationFrame(frame);
    };
  }, [store]);
};

/** `value`, but anew at most every `ms`: for what takes long to work out from it. */
export const useSettled = (value, ms) => {
  const [settled, settle] = useState(value);
  const latest = useRef(value);
  const timer = useRef();
  latest.current = value;
  useEffect(() => {
    if (value === settled || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      settle(latest.current);
    }, ms);
  }, [value, settled]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return settled;
};

/** Whether the window fits a media query, as it is now. */
export const useMedia = (query) => {
  const [list] = useState(() => matchMedia(query));
  const [matches, set] = useState(list.matches);
  useEffect(() => {
    const look = () => set(list.matches);
    list.addEventListener("change", look);
    return () => list.removeEventListener("change", look);
  }, [list]);
  return matches;
};

/** How often the address changes at most: Safari takes 100 changes in 30 seconds, and somebody who types makes more. */
const ADDRESS_MS = 350;

/**
 * Which view is open, which event in it and which filters are set: they stand in the address, so that one can send it to a
 * colleague. `setFilter` may be given a function of the filter before.
 */
export const usePlace = () => {
  const [place, set] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const look = () => set(placeOf(location.hash));
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  const written = useRef(-Infinity);
  const address = addressOf(place.view, place.seq, queryOf(place.filter));
  useEffect(() => {
    const { view, seq, filter } = placeOf(location.hash);
    if (addressOf(view, seq, queryOf(filter)) === address) return;
    const write = () => {
      written.current = performance.now();
      // no step for the browser's way back
      history.replaceState(null, "", address);
    };
    const wait = written.current + ADDRESS_MS - performance.now();
    if (wait <= 0) return write();
    const timer = setTimeout(write, wait);
    return () => clearTimeout(timer);
  }, [address]);
  /** Another event of the same view. */
  const select = (seq) => set((before) => ({ ...before, seq }));
  const setFilter = (filter) =>
    set((before) => ({
      ...before,
      filter: typeof filter === "function" ? filter(before.filter) : filter,
    }));
  return { ...place, query: queryOf(place.filter), select, setFilter };
};
