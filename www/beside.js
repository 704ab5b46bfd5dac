// The files that lie beside the script and are loaded only where they are needed.

import { attempt } from "./guard.js";
import { addressOf, nonce } from "oaiq:beside";

let policy;
/** Under `require-trusted-types-for 'script'`, a script's address must come from a policy that the page allows. */
const trusted = (address) =>
  window.trustedTypes
    ? (policy ??= trustedTypes.createPolicy("oaiq", {
        createScriptURL: (text) => text,
      })).createScriptURL(address)
    : address;

/** Loads that file, or says why it could not be loaded, unless `hasArrived` says that it did its work. */
export const loadBeside = (file, hasArrived, failed) => {
  const ended = () =>
    hasArrived() ||
    failed(
      `${file} could not be loaded: it must lie beside the pixel's script, and the page's Content-Security-Policy allow it (script-src, trusted-types oaiq)`,
    );
  attempt(() => {
    const element = document.createElement("script");
    element.src = trusted(`${addressOf(file)}`);
    element.nonce = nonce;
    // many servers answer with a page of theirs where a file is missing, which loads and does nothing
    element.onload = element.onerror = ended;
    document.head.append(element);
    return 1;
  }) || ended();
};
