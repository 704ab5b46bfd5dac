// The files that lie beside the script and are loaded only where they are needed.

import { attempt, hide } from "./safe-builtins.js";
import { addressOf, nonce } from "oaiq:asset-urls";

let policy;
/** Under `require-trusted-types-for 'script'`, a script's address must come from a policy that the page allows. */
export const trusted = (address) =>
  window.trustedTypes
    ? (policy ??= trustedTypes.createPolicy("oaiq", {
        createScriptURL: (text) => text,
      })).createScriptURL(address)
    : address;

/**
 * Loads the file of that name, and gives `use` what it hands over through the page's `oaiq`, or says why it could not be
 * loaded.
 */
export const loadBeside = (name, use, failed) => {
  const file = `oaiq.${name}.min.js`;
  let arrived;
  hide(window.oaiq, `__${name}`, (given) => {
    arrived = 1;
    use(given);
  });
  const ended = () =>
    arrived ||
    failed(
      `${file} could not be loaded: put it beside the script and allow it in script-src and trusted-types oaiq`,
    );
  attempt(() => {
    const element = document.createElement("script");
    element.src = trusted(addressOf(file));
    element.nonce = nonce;
    // many servers answer with a page of theirs where a file is missing, which loads and does nothing
    element.onload = element.onerror = ended;
    document.head.append(element);
    return 1;
  }) || ended();
};
