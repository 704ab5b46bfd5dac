// URLs of the files next to the script, for the npm package. Bundlers recognize `new URL("…", import.meta.url)` and copy the
// files. The build puts import.meta.url in the place of "oaiq:here", because esbuild would replace it. "no-inline" keeps Vite
// from making a "data:" URL of a small file, which policies forbid; other bundlers ignore the query.

/** A bundled module has no script element. */
export const scriptElement = null;

/** All scripts of a page share one nonce. */
export const nonce =
  /** @type {HTMLScriptElement | null} */ (
    document.querySelector("script[nonce]")
  )?.nonce ?? "";

/** @type {Record<string, () => URL>} */
const ASSETS = {
  // the directory of a bundle says nothing about a relay, so this is where a relay is by default
  ".": () => new URL("/oaiq/", location.href),
  "oaiq.consent.min.js": () =>
    new URL("./oaiq.consent.min.js?no-inline", "oaiq:here"),
  "oaiq.debug.min.js": () =>
    new URL("./oaiq.debug.min.js?no-inline", "oaiq:here"),
  "oaiq.fallback.min.js": () =>
    new URL("./oaiq.fallback.min.js?no-inline", "oaiq:here"),
  "oaiq.fields.min.js": () =>
    new URL("./oaiq.fields.min.js?no-inline", "oaiq:here"),
  "oaiq.keepalive.min.js": () =>
    new URL("./oaiq.keepalive.min.js?no-inline", "oaiq:here"),
  "oaiq.layer.min.js": () =>
    new URL("./oaiq.layer.min.js?no-inline", "oaiq:here"),
  "oaiq.matching.min.js": () =>
    new URL("./oaiq.matching.min.js?no-inline", "oaiq:here"),
  "oaiq.recovery.min.js": () =>
    new URL("./oaiq.recovery.min.js?no-inline", "oaiq:here"),
  "oaiq.views.min.js": () =>
    new URL("./oaiq.views.min.js?no-inline", "oaiq:here"),
};

/** @param {string} file - or ".", the directory */
export const assetUrl = (file) => ASSETS[file]().href;
