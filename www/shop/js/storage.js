/**
 * localStorage and sessionStorage as JSON, for pages that must work without them: a browser may refuse
 * both (even naming `window.localStorage` can throw), be full, or hold what another version wrote.
 */

/** The stored value, or `fallback` where there is none, or none that can be read. */
export function readStored(area, key, fallback) {
  try {
    return JSON.parse(window[area].getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

/** Stores the value; false where the browser does not keep it. */
export function store(area, key, value) {
  try {
    window[area].setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}
