// The npm package: in a page the pixel, on a server nothing at all.

if (typeof window === "object" && typeof document === "object") {
  // eslint-disable-next-line no-undef -- the build puts the script here
  install();
}

const nothing = () => {};

/** What a server gets: it can be called, and does nothing. */
const idle = Object.assign(() => {}, {
  q: [],
  queue: [],
  config: {},
  init: nothing,
  measure: nothing,
  measureSingle: nothing,
  consent: nothing,
});

export default typeof window === "object" && window.oaiq?.__oaiqInitialized
  ? window.oaiq
  : idle;
