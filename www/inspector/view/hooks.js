import { useEffect, useReducer, useRef, useState } from "preact/hooks";

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

export const VIEWS = ["events", "timeline", "conversions", "checklist"];

const placeOf = (hash) => {
  const [, view, seq] = /^#\/([a-z]+)(?:\/(\d+))?$/.exec(hash) ?? [];
  return {
    view: VIEWS.includes(view) ? view : "events",
    seq: seq === undefined ? undefined : Number(seq),
  };
};

export const addressOf = (view, seq) =>
  seq === undefined ? `#/${view}` : `#/${view}/${seq}`;

/** Which view is open, and which event in it: they stand in the address, so that one can send it to a colleague. */
export const usePlace = () => {
  const [place, set] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const look = () => set(placeOf(location.hash));
    addEventListener("hashchange", look);
    return () => removeEventListener("hashchange", look);
  }, []);
  /** Another event of the same view: no step for the browser's way back. */
  const select = (seq) => {
    history.replaceState(null, "", addressOf(place.view, seq));
    set({ ...place, seq });
  };
  return { ...place, select };
};
