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

/** Loads that file, or says why it could not be loaded. */
export const loadBeside = (file, failed) => {
  const refused = () =>
    failed(
      `${file} could not be loaded: put it beside the pixel's script, and allow it in script-src of the page's Content-Security-Policy, and "oaiq" in its trusted-types if it has them`,
    );
  attempt(() => {
    const element = document.createElement("script");
    element.src = trusted(`${addressOf(file)}`);
    element.nonce = nonce;
    element.onerror = refused;
    document.head.append(element);
    return 1;
  }) || refused();
};
