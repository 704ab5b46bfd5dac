// Where the files beside the script are, for the npm package: bundlers know this form, and bring the files along. The
// build puts import.meta.url in the place of "oaiq:here": the bundler that it uses would leave none. "no-inline" tells Vite
// not to make a "data:" address of a small file, which policies forbid; to others it is a query without meaning.

/** A module cannot see its own; the page's scripts share their nonce. */
export const element = null;

export const nonce = document.querySelector("script[nonce]")?.nonce ?? "";
const ADDRESSES = {
  "oaiq.consent.min.js": () =>
    new URL("./oaiq.consent.min.js?no-inline", "oaiq:here"),
  "oaiq.debug.min.js": () =>
    new URL("./oaiq.debug.min.js?no-inline", "oaiq:here"),
  "oaiq.fallback.min.js": () =>
    new URL("./oaiq.fallback.min.js?no-inline", "oaiq:here"),
  "oaiq.recovery.min.js": () =>
    new URL("./oaiq.recovery.min.js?no-inline", "oaiq:here"),
};
export const addressOf = (file) => ADDRESSES[file]().href;
