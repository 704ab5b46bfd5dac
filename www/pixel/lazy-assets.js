// Loads the files next to the script that only some pages need.

import { defineHidden, tryOr } from "./safe-builtins.js";
import { assetUrl, nonce } from "oaiq:asset-urls";

/** @type {TrustedTypePolicy | undefined} */
let policy;
/**
 * Under `require-trusted-types-for 'script'`, a script's URL must come from a policy that the page allows.
 *
 * @param {string} url
 */
export const trustedScriptUrl = (url) =>
  window.trustedTypes
    ? /** @type {string} The types of the DOM accept no TrustedScriptURL. */ (
        /** @type {unknown} */ (
          (policy ??= trustedTypes.createPolicy("oaiq", {
            createScriptURL: (text) => text,
          })).createScriptURL(url)
        )
      )
    : url;

/**
 * Loads `oaiq.<name>.min.js`, which passes its entry point to `use` through a hidden property of the page's `oaiq`. If the
 * file cannot be loaded, `onError` gets the reason.
 *
 * @template {keyof import("../types/internal.js").AssetEntries} Name
 * @param {Name} name
 * @param {(entry: import("../types/internal.js").AssetEntries[Name]) => void} use
 * @param {(why: string) => void} onError
 */
export const loadAsset = (name, use, onError) => {
  const file = `oaiq.${name}.min.js`;
  /** @type {number | undefined} */
  let hasArrived;
  defineHidden(
    window.oaiq,
    `__${name}`,
    /** @type {typeof use} */ (
      (entry) => {
        hasArrived = 1;
        use(entry);
      }
    ),
  );
  const onEnd = () =>
    hasArrived ||
    onError(
      `${file} could not be loaded: host it next to the script and allow it in script-src and trusted-types oaiq`,
    );
  tryOr(() => {
    const script = document.createElement("script");
    script.src = trustedScriptUrl(assetUrl(file));
    script.nonce = nonce;
    // for a missing file many servers send an HTML page with status 200, which loads and does nothing
    script.onload = script.onerror = onEnd;
    document.head.append(script);
    return 1;
  }) || onEnd();
};
