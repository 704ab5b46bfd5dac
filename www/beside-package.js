// Where the files beside the script are, for the npm package: bundlers know this form, and bring the files along. The
// build puts import.meta.url in the place of "oaiq:here": the bundler that it uses would leave none.

/** A module cannot see its own element; the page's scripts share their nonce. */
export const nonce = document.querySelector("script[nonce]")?.nonce ?? "";
export const addressOf = (file) =>
  file[5] === "d"
    ? new URL("./oaiq.debug.min.js", "oaiq:here")
    : new URL("./oaiq.fallback.min.js", "oaiq:here");
