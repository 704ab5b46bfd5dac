// The npm package: the pixel in a page, a function that does nothing on a server.

if (typeof window === "object" && typeof document === "object") {
  // eslint-disable-next-line no-undef -- the build replaces this call with the script
  install();
}

const noop = () => {};

/** For a server: ignores all calls. */
const serverStub = Object.assign(() => {}, {
  q: [],
  queue: [],
  config: {},
  init: noop,
  measure: noop,
  measureSingle: noop,
  consent: noop,
});

export default typeof window === "object" && window.oaiq?.__oaiqInitialized
  ? window.oaiq
  : serverStub;
