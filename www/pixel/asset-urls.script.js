// URLs of the files next to the script, for a script that a page embeds.

import { tryOr } from "./safe-builtins.js";

/** @param {HTMLScriptElement} script */
const isRunning = ({ src }) =>
  src && /** @type {string} */ (Error().stack).includes(src);

/** The script's own element. A module script can find it only by its URL, in a stack trace. */
export const scriptElement = /** @type {HTMLScriptElement | undefined} */ (
  document.currentScript ??
    tryOr(() => [].find.call(document.scripts, isRunning))
);

export const nonce = scriptElement?.nonce ?? "";

/** @param {string} file - or ".", the directory */
export const assetUrl = (file) =>
  new URL(file, scriptElement?.src ?? location.href).href;
